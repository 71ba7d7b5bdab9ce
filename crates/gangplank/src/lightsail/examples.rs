//! Examples for the manual pages, made from the descriptions: a call with the required options, one with all options
//! from a file, and one that shows a single member of the answer.

use gangplank_api::{Kind, Member, Shape};

use super::options::{self, Command};

/// The purpose of each example, and its command line.
pub(crate) fn of(command: Command) -> Vec<(String, String)> {
    let line = format!("gangplank lightsail {}", command.name());
    let required = command.input().members.iter().filter(|member| member.required);
    let call = required.fold(line.clone(), |line, member| {
        format!("{line} {} {}", options::option(member), value(member.shape, member))
    });
    let mut examples = Vec::new();
    if command.has_samples() && !command.input().members.is_empty() {
        examples.push((
            "To fill in a sample and call with it:".to_owned(),
            format!("{line} --generate-cli-skeleton > input.json\n{line} --cli-input-json file://input.json"),
        ));
    }
    if let Command::Call(operation) = command
        && let [first, ..] = operation.output().members
    {
        let text = format!("To show {} only:", first.name);
        examples.push((text, format!("{call} --query {} --output yaml", first.name)));
    }
    examples.insert(0, ("To call:".to_owned(), call));
    examples
}

/// A valid value for a shape.
fn value(shape: &Shape, member: &Member) -> String {
    match &shape.kind {
        Kind::String(string) => match string.values.first() {
            Some(value) => (*value).to_owned(),
            None => match member.name {
                name if name.ends_with("Name") => "web".to_owned(),
                name => name.to_ascii_uppercase(),
            },
        },
        Kind::Integer(range) => range.min.unwrap_or(1).to_string(),
        Kind::Float | Kind::Double => "1.0".to_owned(),
        Kind::Boolean => String::new(),
        Kind::Timestamp => "2026-11-23T20:00:00Z".to_owned(),
        Kind::List(element) => value(element, member),
        Kind::Map { value: inner, .. } => format!("name={}", value(inner, member)),
        Kind::Structure(structure) => {
            let members = structure
                .members
                .iter()
                .map(|member| format!("{}={}", member.name, value(member.shape, member)));
            members.collect::<Vec<_>>().join(",")
        }
    }
}
