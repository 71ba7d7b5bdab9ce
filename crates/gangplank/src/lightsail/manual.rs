//! Manual pages, made from the descriptions. A page is one structure, which is printed as text for a terminal or as
//! source for `man`.

use std::fmt::Write as _;

use gangplank_api::{Kind, Member, Shape, Structure};

use super::globals::{GLOBALS, Global};
use super::options::Command;
use super::{examples, options};
use crate::help::manual_pages::escaped;
use crate::help::notes;

/// The width of a page, in columns.
const WIDTH: usize = 78;

/// A manual page.
pub(crate) struct Page {
    /// Its name, such as `gangplank-lightsail-get-container-images`.
    pub(crate) name: String,
    /// Its paragraphs and lists, in order.
    parts: Vec<Part>,
}

enum Part {
    Heading(&'static str),
    Text(usize, String),
    /// Printed as it is, with an indent.
    Code(usize, String),
}

/// The page about all operations.
pub(crate) fn overview() -> Page {
    let mut page = Page { name: "gangplank-lightsail".to_owned(), parts: Vec::new() };
    page.heading("NAME");
    page.text(0, "gangplank lightsail - the container operations of Lightsail's API".to_owned());
    page.heading("DESCRIPTION");
    page.text(
        0,
        "Takes the command line of `aws lightsail` (version 2) for the operations below, and prints and ends as \
         it does. The server, the region and the access key come from the same options, environment variables \
         and files."
            .to_owned(),
    );
    page.heading("SYNOPSIS");
    page.code(0, "gangplank lightsail <operation> [options]".to_owned());
    page.heading("OPERATIONS");
    for command in Command::all() {
        page.text(0, command.name());
        page.text(1, command.documentation().to_owned());
    }
    page.globals();
    page.heading("EXAMPLES");
    for (what, line) in notes::examples("gangplank lightsail") {
        page.text(0, what.to_owned());
        page.code(1, line.to_owned());
    }
    page.end("gangplank(1)");
    page
}

/// The page about one command.
pub(crate) fn page(command: Command) -> Page {
    let name = command.name();
    let mut page = Page { name: format!("gangplank-lightsail-{name}"), parts: Vec::new() };
    page.heading("NAME");
    page.text(0, format!("gangplank lightsail {name} - {}", first_words(command.documentation())));
    page.heading("DESCRIPTION");
    page.text(0, command.documentation().to_owned());
    if let Command::Call(operation) = command {
        let errors: Vec<&str> = operation.errors().iter().map(|error| error.as_str()).collect();
        page.text(0, format!("Errors: {}.", errors.join(", ")));
    }
    page.heading("SYNOPSIS");
    page.code(0, synopsis(command));
    page.heading("OPTIONS");
    for member in command.input().members {
        page.option(member);
    }
    for (option, text) in INPUT_OPTIONS.iter().filter(|_| command.has_samples()) {
        page.text(0, (*option).to_owned());
        page.text(1, (*text).to_owned());
    }
    page.globals();
    page.heading("OUTPUT");
    match command {
        Command::Call(operation) => {
            page.text(0, operation.output().documentation.to_owned());
            page.members(operation.output(), 0);
        }
        Command::PushContainerImage => page.text(0, PUSHED.to_owned()),
    }
    page.heading("EXAMPLES");
    for (what, line) in examples::of(command) {
        page.text(0, what);
        page.code(1, line);
    }
    page.end("gangplank-lightsail(1), gangplank(1)");
    page
}

/// The output after an image was pushed.
const PUSHED: &str = "Three lines, the same whatever --output says: the digest, the image that was registered, and the \
                      name by which deployments refer to it. Standard error shows the progress.";

/// The options for the input as a whole.
const INPUT_OPTIONS: &[(&str, &str)] = &[
    (
        "--cli-input-json (string)",
        "The input as a JSON object in the shape that --generate-cli-skeleton prints, or file:// and the name of \
         a file with one. Values given by options of their own win over it. Binary values cannot be given this \
         way: the text is taken as it stands. Not together with --cli-input-yaml.",
    ),
    ("--cli-input-yaml (string)", "The same as YAML. Not together with --cli-input-json."),
    (
        "--generate-cli-skeleton (string)",
        "Sends nothing and prints a sample: of the input as JSON, with no value or with input; of the input as \
         YAML, with yaml-input; with output, checks the input and prints a sample of the answer.",
    ),
];

impl Page {
    fn heading(&mut self, heading: &'static str) {
        self.parts.push(Part::Heading(heading));
    }

    fn text(&mut self, depth: usize, text: String) {
        self.parts.push(Part::Text(depth, text));
    }

    fn code(&mut self, depth: usize, text: String) {
        self.parts.push(Part::Code(depth, text));
    }

    fn option(&mut self, member: &Member) {
        let mut names = options::option(member);
        if matches!(member.shape.kind, Kind::Boolean) {
            let _ = write!(names, " | {}", options::negation(member));
        }
        let required = if member.required { " [required]" } else { "" };
        self.text(0, format!("{names} ({}){required}", kind(member.shape)));
        self.text(1, described(member));
        if let Some(structure) = structure_in(member.shape) {
            self.members(structure, 1);
        }
        if is_complex(member.shape) {
            self.text(1, "Shorthand:".to_owned());
            let several = if matches!(member.shape.kind, Kind::List(_)) { " ..." } else { "" };
            self.code(2, format!("{}{several}", shorthand(element(member.shape))));
        }
    }

    fn members(&mut self, structure: &Structure, depth: usize) {
        for member in structure.members {
            let required = if member.required { " [required]" } else { "" };
            self.text(depth, format!("{} ({}){required}", member.name, kind(member.shape)));
            self.text(depth + 1, described(member));
            if let Some(structure) = structure_in(member.shape) {
                self.members(structure, depth + 1);
            }
        }
    }

    /// Adds the end that every page has.
    fn end(&mut self, see_also: &str) {
        let own = [("GANGPLANK_DATA_DIR", "The same as --data-dir.")];
        let parts: [(&'static str, Vec<_>); 3] = [
            ("ENVIRONMENT", [&own[..], notes::AWS_VARIABLES, notes::VARIABLES].concat()),
            ("FILES", notes::AWS_FILES.to_vec()),
            ("EXIT STATUS", notes::exit_statuses("gangplank lightsail").to_vec()),
        ];
        for (heading, entries) in parts {
            self.heading(heading);
            for (term, words) in entries {
                self.text(0, term.to_owned());
                self.text(1, words.to_owned());
            }
        }
        self.heading("SEE ALSO");
        self.text(0, see_also.to_owned());
    }

    fn globals(&mut self) {
        self.heading("GLOBAL OPTIONS");
        for Global { name, takes_value, choices, documentation } in GLOBALS {
            let value = match (takes_value, choices) {
                (false, _) => " (flag)".to_owned(),
                (true, []) => " (string)".to_owned(),
                (true, choices) => format!(" ({})", choices.join(" | ")),
            };
            self.text(0, format!("{name}{value}"));
            self.text(1, (*documentation).to_owned());
        }
    }
}

/// Writes the page as text, with folded lines.
pub(crate) fn plain(page: &Page) -> String {
    let mut out = String::new();
    for part in &page.parts {
        match part {
            Part::Heading(heading) => {
                let _ = writeln!(out, "{heading}\n");
            }
            Part::Text(depth, text) => {
                let indent = " ".repeat(7 + 4 * depth);
                for line in wrapped(text, WIDTH.saturating_sub(indent.len()).max(30)) {
                    let _ = writeln!(out, "{indent}{line}");
                }
                out.push('\n');
            }
            Part::Code(depth, text) => {
                let indent = " ".repeat(7 + 4 * depth);
                text.lines().for_each(|line| {
                    let _ = writeln!(out, "{indent}{line}");
                });
                out.push('\n');
            }
        }
    }
    out
}

/// Writes the page as source for `man`, in section 1.
pub(crate) fn roff(page: &Page) -> String {
    let mut out =
        format!(".TH {} 1 \"\" \"gangplank {}\"\n", page.name.to_uppercase(), env!("CARGO_PKG_VERSION"));
    let mut under = None;
    for part in &page.parts {
        match part {
            Part::Heading(heading) => {
                let _ = writeln!(out, ".SH {heading}");
            }
            // `apropos` needs the name as one word right below the heading.
            Part::Text(_, text) if under == Some("NAME") => {
                let about = text.split_once(" - ").map_or(text.as_str(), |(_, about)| about);
                let _ = writeln!(out, "{} \\- {}", escaped(&page.name), escaped(about));
            }
            Part::Text(depth, text) => {
                let _ = writeln!(out, ".PP\n.RS {}\n{}\n.RE", 4 * depth, escaped(text));
            }
            Part::Code(depth, text) => {
                let _ = writeln!(out, ".PP\n.RS {}\n.nf\n{}\n.fi\n.RE", 4 * depth, escaped(text));
            }
        }
        under = if let Part::Heading(heading) = part { Some(*heading) } else { None };
    }
    out
}

fn synopsis(command: Command) -> String {
    let mut text = format!("gangplank lightsail {}", command.name());
    for member in command.input().members {
        let option = options::option(member);
        let shown = match member.shape.kind {
            Kind::Boolean => format!("{option} | {}", options::negation(member)),
            Kind::List(_) => format!("{option} <value> ..."),
            _ => format!("{option} <value>"),
        };
        let shown = if member.required { shown } else { format!("[{shown}]") };
        let _ = write!(text, "\n  {shown}");
    }
    if command.has_samples() {
        text.push_str("\n  [--cli-input-json <value> | --cli-input-yaml <value>]");
        text.push_str("\n  [--generate-cli-skeleton [<value>]]");
    }
    text + "\n  [global options]"
}

/// The description of a member, with its constraints.
fn described(member: &Member) -> String {
    let mut text = member.documentation.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Kind::String(string) = &element(member.shape).kind
        && !string.values.is_empty()
    {
        let _ = write!(text, " One of: {}.", string.values.join(", "));
    }
    if let Kind::Integer(range) = &member.shape.kind
        && let (Some(min), Some(max)) = (range.min, range.max)
    {
        let _ = write!(text, " From {min} to {max}.");
    }
    text
}

fn kind(shape: &Shape) -> String {
    match &shape.kind {
        Kind::String(_) => "string".to_owned(),
        Kind::Integer(_) => "integer".to_owned(),
        Kind::Boolean => "boolean".to_owned(),
        Kind::Float | Kind::Double => "number".to_owned(),
        Kind::Timestamp => "timestamp".to_owned(),
        Kind::List(element) => format!("list of {}", kind(element)),
        Kind::Map { value, .. } => format!("map of {}", kind(value)),
        Kind::Structure(_) => "structure".to_owned(),
    }
}

/// The shorthand syntax of a value, as a pattern.
fn shorthand(shape: &Shape) -> String {
    match &shape.kind {
        Kind::Structure(structure) => {
            let members = structure.members.iter();
            members
                .map(|member| format!("{}={}", member.name, nested(member.shape)))
                .collect::<Vec<_>>()
                .join(",")
        }
        Kind::Map { value, .. } => format!("KeyName1={},KeyName2={}", nested(value), nested(value)),
        _ => nested(shape),
    }
}

fn nested(shape: &Shape) -> String {
    match &shape.kind {
        Kind::Structure(_) | Kind::Map { .. } => format!("{{{}}}", shorthand(shape)),
        Kind::List(element) => format!("[{0},{0}]", nested(element)),
        _ => kind(shape),
    }
}

/// Whether a value is an object, or a list or map of objects.
fn is_complex(shape: &'static Shape) -> bool {
    matches!(element(shape).kind, Kind::Structure(_) | Kind::Map { .. })
}

/// The element of a list. Any other shape stands for itself.
fn element(shape: &'static Shape) -> &'static Shape {
    match &shape.kind {
        Kind::List(element) => element,
        _ => shape,
    }
}

/// The structure of a value, or of its elements or entries.
fn structure_in(shape: &'static Shape) -> Option<&'static Structure> {
    match &shape.kind {
        Kind::Structure(structure) => Some(structure),
        Kind::List(inner) | Kind::Map { value: inner, .. } => structure_in(inner),
        _ => None,
    }
}

fn first_words(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.split([';', ':', '.']).next().unwrap_or_default().to_owned()
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let at = lines.len() - 1;
        if lines[at].is_empty() {
            lines[at].push_str(word);
        } else if lines[at].chars().count() + 1 + word.chars().count() <= width {
            lines[at].push(' ');
            lines[at].push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_whole_page() {
        for command in Command::all() {
            let text = plain(&page(command));
            for heading in ["NAME", "DESCRIPTION", "SYNOPSIS", "OPTIONS", "OUTPUT", "EXAMPLES"] {
                assert!(text.contains(&format!("{heading}\n")), "{heading} in {text}");
            }
            for member in command.input().members {
                assert!(text.contains(&options::option(member)), "{}", member.name);
            }
        }
    }
}
