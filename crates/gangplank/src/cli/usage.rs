//! Messages about a command line that cannot be parsed: clap's text in the program's own style.

use std::io::Write as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::empty_variables::Forgiving;
use super::other_words;
use crate::help::notes;
use crate::terminal::{colour, output};

/// Parses the command line. If that fails, prints why and ends the program.
pub(crate) fn parse<T: clap::Parser>() -> T {
    let line = Forgiving::of(notes::explained(T::command()));
    let command = line.command.clone();
    let read =
        command.clone().try_get_matches().and_then(|matches| match line.missed_by("serve", &matches) {
            Some(variable) => {
                let why = format!("{variable} is set and empty: give it a value, or unset it\n");
                Err(clap::Error::raw(ErrorKind::InvalidValue, why))
            }
            None => T::from_arg_matches(&matches),
        });
    read.unwrap_or_else(|error| {
        if matches!(
            error.kind(),
            ErrorKind::DisplayHelp
                | ErrorKind::DisplayVersion
                | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        ) {
            error.exit();
        }
        let args: Vec<String> =
            std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
        let text = told(error, command, &args, colour::on_error());
        let _ = std::io::stderr().write_all(text.as_bytes());
        std::process::exit(2);
    })
}

fn told(mut error: clap::Error, mut command: clap::Command, args: &[String], coloured: bool) -> String {
    command.build();
    let command_name = command.get_name().to_owned();
    let mut asked = command;
    for arg in args {
        if let Some(found) = asked.find_subcommand(arg) {
            asked = found.clone();
        }
    }
    if let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) {
        let above = if asked.get_name() == command_name { "" } else { asked.get_name() };
        if let Some(tip) = other_words::instead_of(above, word) {
            // clap's own guesses are left out, because they only compare letters.
            let word = ContextValue::String(word.clone());
            error = clap::Error::new(ErrorKind::InvalidSubcommand).with_cmd(&asked);
            error.insert(ContextKind::InvalidSubcommand, word);
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
            error.insert(ContextKind::Usage, ContextValue::None);
        }
    }
    if let Some(variable) = variable(&error, &asked, args) {
        error.insert(ContextKind::InvalidArg, ContextValue::String(variable));
    }
    // Clap's usage line would list a value from a variable as a required argument.
    if error.get(ContextKind::Usage).is_some() {
        error.insert(ContextKind::Usage, ContextValue::StyledStr(asked.render_usage()));
    }
    let shown = error.render();
    let text = if coloured { shown.ansi().to_string() } else { shown.to_string() };
    text.replacen("error:", output::NAME, 1)
}

/// The name under which an option of `gangplank serve` was given: its flag, its variable, or its key in the file.
pub(crate) fn named(option: &str) -> String {
    let (flag, variable) =
        (format!("--{option}"), format!("GANGPLANK_{}", option.to_uppercase().replace('-', "_")));
    let args = std::env::args_os().skip(1).filter_map(|arg| arg.into_string().ok());
    if args.into_iter().any(|arg| arg.split('=').next() == Some(&flag)) {
        flag
    } else if std::env::var_os(&variable).is_some() {
        variable
    } else {
        option.to_owned()
    }
}

/// The variable that holds the refused value, if the value was not given on the command line.
fn variable(error: &clap::Error, command: &clap::Command, args: &[String]) -> Option<String> {
    let Some(ContextValue::String(refused)) = error.get(ContextKind::InvalidArg) else { return None };
    let name = refused.split([' ', '=', '[']).next()?.strip_prefix("--")?;
    let is_given =
        args.iter().any(|arg| arg.strip_prefix("--").is_some_and(|arg| arg.split('=').next() == Some(name)));
    let option = command.get_arguments().find(|option| option.get_long() == Some(name))?;
    let variable = option.get_env().filter(|_| !is_given)?;
    std::env::var_os(variable)?;
    variable.to_str().map(str::to_owned)
}
