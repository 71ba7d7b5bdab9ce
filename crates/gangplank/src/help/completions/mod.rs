//! Completion scripts for shells: which words may follow each command. The words for `gangplank lightsail` come from
//! the descriptions of its operations, all others from clap.

mod scripts;

use clap::CommandFactory as _;

use crate::lightsail;

pub(crate) use scripts::{bash, fish, zsh};

/// A command, and the words that may follow it.
pub(crate) struct Place {
    /// The command with its parents, such as `gangplank lightsail tag-resource`.
    pub(crate) path: String,
    /// Commands and options.
    pub(crate) words: Vec<String>,
    /// The values of options that take one of a few.
    pub(crate) values: Vec<(String, Vec<String>)>,
}

/// Every command, parents before children.
pub(crate) fn places() -> Vec<Place> {
    let mut places = Vec::new();
    // Build the command, so that each subcommand knows the global options of those above it.
    let mut command = crate::cli::Cli::command().disable_help_subcommand(true);
    command.build();
    visit(&command, "gangplank", &mut places);
    places.extend(lightsail::places("gangplank lightsail"));
    places
}

fn visit(command: &clap::Command, path: &str, places: &mut Vec<Place>) {
    let visible = || command.get_subcommands().filter(|each| !each.is_hide_set());
    let mut words: Vec<String> = visible().map(|each| each.get_name().to_owned()).collect();
    let options = command.get_arguments().filter_map(|argument| argument.get_long());
    words.extend(options.map(|option| format!("--{option}")));
    words.extend(command.get_positionals().flat_map(names));
    let values = command.get_arguments().filter_map(|argument| {
        let values = names(argument);
        let option = argument.get_long().filter(|_| !values.is_empty())?;
        Some((format!("--{option}"), values))
    });
    if path != "gangplank lightsail" {
        places.push(Place { path: path.to_owned(), words, values: values.collect() });
    }
    for each in visible() {
        visit(each, &format!("{path} {}", each.get_name()), places);
    }
}

/// The values of an argument, if it takes one of a few.
fn names(argument: &clap::Arg) -> Vec<String> {
    argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect()
}
