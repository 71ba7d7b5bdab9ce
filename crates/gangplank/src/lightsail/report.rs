//! The error output of a failed call, in the forms of `--cli-error-format`.

use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::format::Format;
use crate::terminal::{foreign, output};

/// The usage that is shown with a command line that cannot be parsed.
pub(crate) const USAGE: &str = "usage: gangplank lightsail <operation> [options]\n\
    To see help text, you can run:\n\n  gangplank lightsail help\n  gangplank lightsail <operation> help\n";

/// Reports progress on standard error, for `--debug`.
pub(crate) fn note(what: std::fmt::Arguments<'_>) {
    output::complain(format_args!("gangplank: [DEBUG]: {what}"));
}

/// The text for standard error.
pub(crate) fn render(failure: &Failure, format: Option<&str>) -> String {
    let structured =
        format.filter(|format| !matches!(*format, "legacy" | "enhanced")).and_then(Format::parse);
    if let Some(format) = structured
        && let Some(fields) = fields(failure)
        && let Ok(text) = format.render("error", &Value::Object(fields), false)
    {
        return text;
    }
    let sentence = sentence(failure);
    if format == Some("legacy") {
        return with_usage(failure, &sentence);
    }
    let mut text = with_usage(failure, &format!("gangplank: [ERROR]: {sentence}"));
    if let Failure::Service(_, members) = failure {
        let further = members.iter().filter(|(name, _)| !is_shown_already(name));
        let lines: Vec<String> = further
            .map(|(name, value)| format!("{name}: {}\n", foreign::words(&super::python_repr::text(value))))
            .collect();
        if !lines.is_empty() {
            text.push_str("\nAdditional error details:\n");
            text.extend(lines);
        }
    }
    text
}

fn with_usage(failure: &Failure, line: &str) -> String {
    match failure {
        Failure::Usage(_) => format!("\n{line}\n\n{USAGE}"),
        Failure::UnknownOptions(_) => format!("\n{USAGE}\n\n{line}\n"),
        _ => format!("\n{line}\n"),
    }
}

fn sentence(failure: &Failure) -> String {
    let message = failure.message();
    match failure {
        Failure::Service(refusal, _) => {
            let message = foreign::message(&message);
            let retries = refusal.retries.map(|retries| format!(" (reached max retries: {retries})"));
            format!(
                "An error occurred ({}) when calling the {} operation{}: {message}",
                foreign::words(&refusal.code),
                refusal.operation,
                retries.unwrap_or_default()
            )
        }
        Failure::UnknownOptions(_) | Failure::Other(_) => message,
        _ => format!("An error occurred ({}): {message}", failure.code().unwrap_or_default()),
    }
}

/// The members of an error that has a name.
fn fields(failure: &Failure) -> Option<Map<String, Value>> {
    let mut fields = Map::new();
    fields.insert("Code".to_owned(), json!(failure.code()?));
    fields.insert("Message".to_owned(), json!(failure.message()));
    if let Failure::Service(_, members) = failure {
        fields.extend(members.clone());
    }
    Some(fields)
}

fn is_shown_already(name: &str) -> bool {
    matches!(name, "code" | "message")
}
