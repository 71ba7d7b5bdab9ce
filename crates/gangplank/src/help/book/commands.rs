//! The page about the commands.

use clap::{Arg, ArgAction, Command};

use super::markdown::{Page, code, prose, sentence};
use crate::commands::generate::programs;
use crate::help::notes;

const HEAD: &str = "
Each command has `--help`, and `gangplank generate man DIR` writes manual pages of the same text. Every list takes
`--output table|json|text`; a table is the default on a terminal. Sizes are written `10GiB`, times `90s` or `7d`.
";

const SERVER: &str = "
The commands that call a server find it in this order: `--data-dir`, for a server on this machine; `--endpoint-url`; the
variables `AWS_ENDPOINT_URL_LIGHTSAIL` and `AWS_ENDPOINT_URL`; the profile. `gangplank configure` writes a profile.
";

const LIGHTSAIL: &str = "
It takes the command line of `aws lightsail` (version 2) for the container operations, and has the same output and exit statuses.
[API operations](operations.md) lists them; `gangplank lightsail OPERATION help` shows the manual page of one.
";

/// The heading of the options of a connection.
const OF_SERVER: &str = "Server";

/// A command whose options have their own page.
const ELSEWHERE: &str = "gangplank serve";

pub(super) fn page() -> Page {
    let mut page = Page::new("Commands");
    page.text(HEAD);
    let programs = programs();
    page.heading(2, "Which server");
    page.text(SERVER);
    if let Some(command) =
        programs.iter().flat_map(Command::get_subcommands).find(|each| calls_a_server(each))
    {
        options(&mut page, command, Some(OF_SERVER));
    }
    variables(&mut page, notes::AWS_VARIABLES);
    for program in &programs {
        add(&mut page, program);
    }
    page
}

fn calls_a_server(command: &Command) -> bool {
    command.get_arguments().any(|option| option.get_help_heading() == Some(OF_SERVER))
}

fn path(command: &Command) -> &str {
    command.get_bin_name().unwrap_or_else(|| command.get_name())
}

fn add(page: &mut Page, command: &Command) {
    let path = path(command);
    page.heading(2, path);
    let about = command.get_long_about().or_else(|| command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    for paragraph in about.split("\n\n") {
        page.text(&sentence(paragraph));
    }
    let below: Vec<&Command> = command.get_subcommands().filter(|each| !each.is_hide_set()).collect();
    if path == "gangplank lightsail" {
        page.text(LIGHTSAIL);
    } else {
        let usage = command.clone().render_usage().to_string();
        page.code("text", usage.strip_prefix("Usage: ").unwrap_or(&usage));
        if path == ELSEWHERE {
            page.text("Its options are in [Settings of the server](settings.md).");
        } else {
            options(page, command, None);
            variables(page, notes::variables(path));
        }
        if calls_a_server(command) && below.is_empty() {
            page.text("It also takes the options of [Which server](#which-server).");
        }
    }
    if !below.is_empty() && path == "gangplank" {
        let row = |each: &&Command| [link(each), sentence(&first(each))];
        page.table(["command", ""], &below.iter().map(row).collect::<Vec<_>>());
    }
    if below.is_empty() {
        examples(page, path);
    }
    statuses(page, path);
    for each in below {
        add(page, each);
    }
}

fn link(command: &Command) -> String {
    let path = path(command);
    format!("[`{path}`](#{})", path.replace(' ', "-"))
}

fn first(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

/// Writes the options under one heading. Without a heading, writes all options except those of the connection
/// to a server.
fn options(page: &mut Page, command: &Command, heading: Option<&str>) {
    let shown = |option: &&Arg| {
        let is_usual = ["help", "version"].contains(&option.get_id().as_str());
        let is_meant = match heading {
            Some(_) => option.get_help_heading() == heading,
            None => option.get_help_heading() != Some(OF_SERVER),
        };
        is_meant && !is_usual && !option.is_hide_set()
    };
    let rows: Vec<_> = command
        .get_arguments()
        .filter(shown)
        .map(|option| [code(&written(option)), meaning(option)])
        .collect();
    page.table(["option", "meaning"], &rows);
}

/// An option, as it is typed.
pub(super) fn written(option: &Arg) -> String {
    let value = option.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
    let takes_value = matches!(option.get_action(), ArgAction::Set | ArgAction::Append);
    let name = match (option.get_short(), option.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}"),
        (_, Some(long)) => format!("--{long}"),
        (Some(short), None) => format!("-{short}"),
        (None, None) => return value.to_owned(),
    };
    if takes_value { format!("{name} {value}") } else { name }
}

/// The purpose of an option, with the values that it takes.
pub(super) fn meaning(option: &Arg) -> String {
    let help =
        option.get_long_help().or_else(|| option.get_help()).map(ToString::to_string).unwrap_or_default();
    let values = option.get_possible_values();
    let names: Vec<&str> = values
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(clap::builder::PossibleValue::get_name)
        .collect();
    let mut text = prose(&help);
    if !names.is_empty() && !matches!(option.get_action(), ArgAction::SetTrue | ArgAction::Count) {
        text =
            format!("{text}. One of {}", names.iter().map(|name| code(name)).collect::<Vec<_>>().join(", "));
    }
    let defaults: Vec<_> =
        option.get_default_values().iter().filter_map(|default| default.to_str()).collect();
    if !defaults.is_empty() && option.get_action().takes_values() {
        text = format!("{text} [default: {}]", defaults.join(", "));
    }
    if let Some(variable) = option.get_env().and_then(|variable| variable.to_str()) {
        text = format!("{text}. Variable `{variable}`");
    }
    text
}

/// A table of variables.
pub(super) fn variables(page: &mut Page, variables: &[(&str, &str)]) {
    let row = |(names, what): &(&str, &str)| {
        let names: Vec<String> = names.split(", ").map(code).collect();
        [names.join(", "), prose(what)]
    };
    page.table(["variable", "meaning"], &variables.iter().map(row).collect::<Vec<_>>());
}

fn examples(page: &mut Page, path: &str) {
    let lines: Vec<String> =
        notes::examples(path).iter().map(|(what, line)| format!("# {what}\n{line}")).collect();
    // The variable's value is left out: it is a path, key or address of the person who generates the page.
    page.code("text", &lines.join("\n"));
}

/// Writes the exit statuses of a command, if they are special.
fn statuses(page: &mut Page, path: &str) {
    let usual = notes::exit_statuses("gangplank");
    let statuses = notes::exit_statuses(path);
    if path == "gangplank" || statuses != usual {
        let row = |(status, meaning): &(&str, &str)| [(*status).to_owned(), prose(meaning)];
        page.table(["exit status", "meaning"], &statuses.iter().map(row).collect::<Vec<_>>());
    }
}
