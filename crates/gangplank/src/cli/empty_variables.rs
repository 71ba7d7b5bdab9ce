//! Variables of the environment that are set and empty. Compose files and CI jobs leave such variables. A command
//! takes an empty variable for an unset one. A server does not start with one: somebody meant to configure it.

use clap::builder::Resettable;
use clap::{Arg, ArgMatches, Command};

/// A command line that takes empty variables for unset ones.
pub(crate) struct Forgiving {
    /// The command line.
    pub(crate) command: Command,
    empty: Vec<Empty>,
}

struct Empty {
    command: String,
    option: String,
    variable: String,
}

impl Forgiving {
    /// Makes the command line ignore empty variables.
    pub(crate) fn of(command: Command) -> Self {
        let mut empty = Vec::new();
        Self { command: without_empty(command, &mut empty), empty }
    }

    /// An empty variable of the subcommand, if neither an option nor a file gives the value.
    pub(crate) fn missed_by(&self, subcommand: &str, matches: &ArgMatches) -> Option<&str> {
        let (_, matches) = matches.subcommand().filter(|(name, _)| *name == subcommand)?;
        let missed = |empty: &&Empty| empty.command == subcommand && !matches.contains_id(&empty.option);
        self.empty.iter().find(missed).map(|empty| empty.variable.as_str())
    }
}

fn without_empty(command: Command, empty: &mut Vec<Empty>) -> Command {
    let name = command.get_name().to_owned();
    let mut forget = |arg: Arg| {
        let variable = arg.get_env().map(|variable| variable.to_string_lossy().into_owned());
        match variable {
            Some(variable) if std::env::var_os(&variable).is_some_and(|value| value.is_empty()) => {
                empty.push(Empty { command: name.clone(), option: arg.get_id().to_string(), variable });
                arg.env(Resettable::Reset)
            }
            _ => arg,
        }
    };
    let command = command.mut_args(&mut forget);
    command.mut_subcommands(|subcommand| without_empty(subcommand, empty))
}
