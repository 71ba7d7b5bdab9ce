//! Samples of inputs and outputs, made from the descriptions.

use gangplank_api::{Kind, Shape, Structure};
use serde_json::{Map, Value, json};

use super::timestamp;

/// The text in a sample, where the content does not matter.
#[derive(Debug, Clone, Copy)]
enum Words {
    /// Empty, or the first of the allowed values: a person fills it in.
    Blank,
    /// The name of the member.
    Names,
}

/// A sample of an input.
pub(crate) fn input(structure: &Structure) -> Map<String, Value> {
    members(structure, Words::Blank)
}

/// A sample of an output.
pub(crate) fn output(structure: &Structure) -> Map<String, Value> {
    members(structure, Words::Names)
}

fn members(structure: &Structure, words: Words) -> Map<String, Value> {
    let members = structure.members.iter();
    members.map(|member| (member.name.to_owned(), value(member.shape, words, member.name))).collect()
}

fn value(shape: &Shape, words: Words, name: &str) -> Value {
    match &shape.kind {
        Kind::String(string) => match words {
            Words::Names => name.into(),
            Words::Blank => string.values.first().copied().unwrap_or_default().into(),
        },
        Kind::Integer(_) => 0.into(),
        Kind::Float | Kind::Double => 0.0.into(),
        Kind::Boolean => true.into(),
        Kind::Timestamp => timestamp::sample(),
        Kind::List(element) => json!([value(element, words, element.name)]),
        Kind::Map { value: shape, .. } => json!({ "KeyName": value(shape, words, "") }),
        Kind::Structure(structure) => Value::Object(members(structure, words)),
    }
}
