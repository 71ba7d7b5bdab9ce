//! The formats of answers, each in its own file. None of them needs the descriptions.

mod json;
mod table;
mod table_section;
mod text;
pub(crate) mod yaml;

use serde_json::Value;

use super::failure::Failure;
use crate::terminal::foreign;

/// The format of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Indented, with keys in the order of the description.
    Json,
    /// Lines of values between tabs, with keys in alphabetical order.
    Text,
    /// Boxes.
    Table,
    /// With keys in alphabetical order.
    Yaml,
    /// YAML, as a list of one value.
    YamlStream,
    /// Prints nothing.
    Off,
}

impl Format {
    /// The format of that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "json" => Self::Json,
            "text" => Self::Text,
            "table" => Self::Table,
            "yaml" => Self::Yaml,
            "yaml-stream" => Self::YamlStream,
            "off" => Self::Off,
            _ => return None,
        })
    }

    /// Writes the value in this format. An answer without members gives no text at all.
    pub(crate) fn render(self, title: &str, value: &Value, coloured: bool) -> Result<String, Failure> {
        let is_empty = value.as_object().is_some_and(serde_json::Map::is_empty);
        Ok(match self {
            Self::Text => text::render(&in_words(value)),
            Self::Table => table::render(title, &in_words(value), coloured)?,
            Self::Json | Self::Yaml | Self::YamlStream | Self::Off if is_empty => String::new(),
            Self::Json => json::render(value),
            Self::Yaml => yaml::render(value),
            Self::YamlStream => yaml::render(&Value::Array(vec![value.clone()])),
            Self::Off => String::new(),
        })
    }
}

/// Escapes invisible characters in the value's texts. Tables and text have no escapes of their own.
fn in_words(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(foreign::words(text)),
        Value::Array(values) => values.iter().map(in_words).collect(),
        Value::Object(members) => {
            let shown = members.iter().map(|(name, value)| (foreign::words(name), in_words(value)));
            Value::Object(shown.collect())
        }
        other => other.clone(),
    }
}

/// Writes a sample as JSON, even if it has no members.
pub(crate) fn sample(value: &Value) -> String {
    json::render(value)
}
