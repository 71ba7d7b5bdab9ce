//! Converts values between the form on the command line and the form on the wire, by their shapes.

use gangplank_api::{Kind, Shape, Structure};
use serde_json::{Map, Value};

use super::timestamp::{self, Format};

/// Converts an input for the wire: timestamps become seconds.
pub(crate) fn sent(structure: &Structure, members: Map<String, Value>) -> Map<String, Value> {
    let members = members.into_iter().map(|(name, value)| {
        let value = match structure.member(&name) {
            Some(member) => sent_value(member.shape, value),
            None => value,
        };
        (name, value)
    });
    members.collect()
}

fn sent_value(shape: &Shape, value: Value) -> Value {
    match (&shape.kind, value) {
        (Kind::Timestamp, value) => timestamp::wire(&value).map_or(value, Value::from),
        (Kind::Structure(structure), Value::Object(members)) => Value::Object(sent(structure, members)),
        (Kind::List(element), Value::Array(values)) => {
            values.into_iter().map(|value| sent_value(element, value)).collect()
        }
        (Kind::Map { value: shape, .. }, Value::Object(entries)) => {
            entries.into_iter().map(|(key, value)| (key, sent_value(shape, value))).collect()
        }
        (_, value) => value,
    }
}

/// Converts an answer for printing: the members of the description, in its order, without those that are null.
pub(crate) fn shown(
    structure: &Structure,
    members: &Map<String, Value>,
    format: Format,
) -> Map<String, Value> {
    let known = structure.members.iter().filter_map(|member| {
        let value = members.get(member.name).filter(|value| !value.is_null())?;
        Some((member.name.to_owned(), shown_value(member.shape, value, format)))
    });
    known.collect()
}

fn shown_value(shape: &Shape, value: &Value, format: Format) -> Value {
    match (&shape.kind, value) {
        (Kind::Timestamp, value) => timestamp::shown(value, format),
        (Kind::Structure(structure), Value::Object(members)) => {
            Value::Object(shown(structure, members, format))
        }
        (Kind::List(element), Value::Array(values)) => {
            values.iter().map(|value| shown_value(element, value, format)).collect()
        }
        (Kind::Map { value: shape, .. }, Value::Object(entries)) => {
            entries.iter().map(|(key, value)| (key.clone(), shown_value(shape, value, format))).collect()
        }
        (_, value) => value.clone(),
    }
}
