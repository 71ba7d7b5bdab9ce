//! Notes on the commands beyond their options, for `--help`, manual pages and the manual: examples, exit statuses, files
//! and variables of the environment.

mod examples;
mod exit_statuses;
mod files;
mod variables;

use std::fmt::Write as _;

use clap::Command;

pub(crate) use self::examples::examples;
use self::exit_statuses::SAYS_HOW_IT_ENDS;
pub(crate) use self::exit_statuses::exit_statuses;
pub(crate) use self::files::{AWS_FILES, files};
pub(crate) use self::variables::{AWS_VARIABLES, VARIABLES, variables};

/// Pairs of a name or value, and its meaning.
type Pairs = &'static [(&'static str, &'static str)];

/// Appends examples to the help of a command and all its subcommands.
pub(crate) fn explained(command: Command) -> Command {
    let path = command.get_name().to_owned();
    explained_at(command, &path)
}

fn explained_at(command: Command, path: &str) -> Command {
    let mut text = String::from("Examples:");
    for (what, line) in examples(path) {
        let _ = write!(text, "\n  {what}\n    {}", line.replace('\n', "\n    "));
    }
    if SAYS_HOW_IT_ENDS.contains(&path) {
        text.push_str("\n\nExit status:");
        for (status, meaning) in exit_statuses(path) {
            let _ = write!(text, "\n  {status}  {meaning}");
        }
    }
    let names: Vec<String> = command.get_subcommands().map(|each| each.get_name().to_owned()).collect();
    let command = command.after_help(text);
    names.into_iter().fold(command, |command, name| {
        let below = format!("{path} {name}");
        command.mut_subcommand(&name, |each| explained_at(each, &below))
    })
}
