//! The sections of a manual page beyond the options, made from the notes and the options.

use clap::Command;

use crate::help::notes;

/// A section of a page.
pub(super) struct Section {
    pub(super) heading: &'static str,
    /// Terms and their explanations.
    pub(super) entries: Vec<(String, String)>,
    /// Whether the explanations are commands to type.
    pub(super) is_code: bool,
}

/// The sections for a command. `parent` is the name of the page above.
pub(super) fn of(command: &Command, parent: Option<&str>) -> Vec<Section> {
    let path = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let all = [
        section("EXAMPLES", pairs(&notes::examples(path)), true),
        section("ENVIRONMENT", environment(command), false),
        section("FILES", pairs(&files(command)), false),
        section("EXIT STATUS", pairs(notes::exit_statuses(path)), false),
        section("SEE ALSO", vec![(see_also(command, parent), String::new())], false),
    ];
    all.into_iter().filter(|section| !section.entries.is_empty()).collect()
}

fn section(heading: &'static str, entries: Vec<(String, String)>, is_code: bool) -> Section {
    Section { heading, entries, is_code }
}

fn pairs(entries: &[(&str, &str)]) -> Vec<(String, String)> {
    entries.iter().map(|(term, words)| ((*term).to_owned(), (*words).to_owned())).collect()
}

fn calls_a_server(command: &Command) -> bool {
    command.get_arguments().any(|option| option.get_long() == Some("endpoint-url"))
}

fn environment(command: &Command) -> Vec<(String, String)> {
    let options = command.get_arguments().filter_map(|option| {
        let variable = option.get_env()?.to_str()?.to_owned();
        Some((variable, format!("The same as --{}.", option.get_long()?)))
    });
    let mut all: Vec<_> = options.collect();
    if calls_a_server(command) {
        all.extend(pairs(notes::AWS_VARIABLES));
    }
    all.extend(pairs(notes::variables(command.get_bin_name().unwrap_or_default())));
    all.extend(pairs(notes::VARIABLES));
    all
}

fn files(command: &Command) -> Vec<(&'static str, &'static str)> {
    let path = command.get_bin_name().unwrap_or_default();
    let mut all = notes::files(path).to_vec();
    if calls_a_server(command) {
        all.extend(notes::AWS_FILES);
    }
    all
}

/// References to the command above and the commands below.
fn see_also(command: &Command, parent: Option<&str>) -> String {
    let below = command.get_subcommands().filter(|each| !each.is_hide_set());
    let below = below.map(|each| each.get_display_name().unwrap_or_else(|| each.get_name()));
    let usual = (parent != Some("gangplank") && command.get_name() != "gangplank").then_some("gangplank");
    let names = parent.into_iter().chain(usual).chain(below);
    names.map(|name| format!("{name}(1)")).collect::<Vec<_>>().join(", ")
}
