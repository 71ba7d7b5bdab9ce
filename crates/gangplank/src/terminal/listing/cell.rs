//! A value in a list, and how each form writes it.

use std::collections::BTreeMap;

use gangplank_api::Timestamp;
use serde_json::Value;

use crate::terminal::{foreign, output};
use crate::values::duration;

/// A value in a list, and how it is shown.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    /// Missing: the column is left out.
    Nothing,
    /// Missing: JSON has `null`.
    Null,
    Words(String),
    Several(Vec<String>),
    /// Words by name.
    Named(BTreeMap<String, String>),
    /// A text that is JSON. In JSON it is embedded as it is.
    Document(String),
    /// A number, either a count or an id.
    Number(u64),
    /// A number of times. 1 is shown in JSON only.
    Times(u64),
    Truth(bool),
    /// A size in bytes.
    Size(u64),
    /// A duration in seconds.
    Length(u64),
    Time(Timestamp),
}

impl Cell {
    /// Text.
    pub(crate) fn words(text: impl Into<String>) -> Self {
        Self::Words(text.into())
    }

    /// Text that may be missing.
    pub(crate) fn maybe(text: Option<&str>) -> Self {
        text.map_or(Self::Nothing, Self::words)
    }

    /// A list of texts that may be missing.
    pub(crate) fn maybe_several(texts: Option<&Vec<String>>) -> Self {
        texts.map_or(Self::Nothing, |texts| Self::Several(texts.clone()))
    }

    /// A time that may be missing.
    pub(crate) fn maybe_time(time: Option<Timestamp>) -> Self {
        time.map_or(Self::Nothing, Self::Time)
    }

    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing | Self::Null | Self::Times(1))
    }

    /// Whether the value is right-aligned in a table.
    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Number(_) | Self::Times(_) | Self::Size(_) | Self::Length(_))
    }

    /// The value for a table.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Nothing | Self::Null => "-".to_owned(),
            Self::Words(text) | Self::Document(text) => foreign::words(text),
            Self::Several(words) => foreign::words(&words.join(", ")),
            Self::Named(words) => foreign::words(&named(words, ", ")),
            Self::Number(number) | Self::Times(number) => number.to_string(),
            Self::Truth(truth) => if *truth { "yes" } else { "no" }.to_owned(),
            Self::Size(bytes) => output::size(*bytes),
            Self::Length(seconds) => duration::shown(*seconds),
            Self::Time(time) => output::timestamp(*time),
        }
    }

    /// The value as one word of a line, in quotes if it has spaces. Sizes are in bytes, lengths of time in seconds.
    pub(super) fn word(&self) -> Option<String> {
        if let Self::Document(text) = self {
            return Some(quoted(text));
        }
        match self.json().filter(|_| !self.is_nothing())? {
            Value::Object(_) => match self {
                Self::Named(words) => Some(quoted(&named(words, ","))),
                _ => None,
            },
            Value::String(text) => Some(quoted(&text)),
            Value::Array(_) => match self {
                Self::Several(words) => Some(quoted(&words.join(","))),
                _ => None,
            },
            other => Some(other.to_string()),
        }
    }

    /// The value for a member of a JSON object.
    pub(super) fn json(&self) -> Option<Value> {
        Some(match self {
            Self::Nothing => return None,
            Self::Null => Value::Null,
            Self::Words(text) => text.as_str().into(),
            Self::Several(words) => words.clone().into(),
            Self::Named(words) => {
                words.iter().map(|(name, word)| (name.clone(), Value::from(word.as_str()))).collect()
            }
            Self::Document(text) => serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into()),
            Self::Number(number) | Self::Times(number) | Self::Size(number) | Self::Length(number) => {
                (*number).into()
            }
            Self::Truth(truth) => (*truth).into(),
            Self::Time(time) => output::timestamp(*time).into(),
        })
    }
}

fn named(words: &BTreeMap<String, String>, between: &str) -> String {
    words.iter().map(|(name, word)| format!("{name}={word}")).collect::<Vec<_>>().join(between)
}

fn quoted(text: &str) -> String {
    let plain = !text.is_empty() && !text.contains([' ', '\t', '"', '=', '\\']);
    let shown = foreign::words(text);
    if plain && shown == text { shown } else { format!("\"{}\"", shown.replace('"', "\\\"")) }
}
