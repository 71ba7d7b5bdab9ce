//! Checks the types of a request, before its values are checked.

use serde_json::{Map, Value};

use crate::path::Path;
use crate::{ApiError, Kind, Shape, Structure, Timestamp};

/// Checks the types of the members that are there. `null` is a member left out.
pub(crate) fn structure(
    structure: &Structure,
    members: &Map<String, Value>,
    at: Path<'_>,
) -> Result<(), ApiError> {
    for member in structure.members {
        match members.get(member.name) {
            None | Some(Value::Null) => {}
            Some(value) => check(member.shape, value, Path::Member(&at, member.name))?,
        }
    }
    Ok(())
}

fn check(shape: &Shape, value: &Value, at: Path<'_>) -> Result<(), ApiError> {
    match (&shape.kind, value) {
        (Kind::String(_), Value::String(_))
        | (Kind::Boolean, Value::Bool(_))
        | (Kind::Float | Kind::Double, Value::Number(_)) => Ok(()),
        (Kind::Integer(_), Value::Number(number)) => match number.as_i64() {
            Some(number) if i32::try_from(number).is_ok() => Ok(()),
            _ => Err(refuse(at, format_args!("must be a whole number of at most 32 bits, not {number}"))),
        },
        (Kind::Timestamp, Value::Number(number)) => match Timestamp::from_number(number) {
            Some(_) => Ok(()),
            None => {
                Err(refuse(at, format_args!("must be seconds since 1970, up to the year 9999, not {number}")))
            }
        },
        (Kind::List(element), Value::Array(values)) => values
            .iter()
            .enumerate()
            .try_for_each(|(index, value)| check(element, value, Path::Element(&at, index))),
        (Kind::Map { value: shape, .. }, Value::Object(entries)) => {
            entries.iter().try_for_each(|(key, value)| check(shape, value, Path::Member(&at, key)))
        }
        (Kind::Structure(known), Value::Object(members)) => structure(known, members, at),
        (kind, value) => Err(refuse(at, format_args!("must be {}, not {}", wanted(kind), type_of(value)))),
    }
}

fn refuse(at: Path<'_>, why: std::fmt::Arguments<'_>) -> ApiError {
    ApiError::serialization(format!("{at} {why}."))
}

fn wanted(kind: &Kind) -> &'static str {
    match kind {
        Kind::String(_) => "a string",
        Kind::Integer(_) => "a whole number",
        Kind::Boolean => "true or false",
        Kind::Float | Kind::Double => "a number",
        Kind::Timestamp => "a number of seconds since 1970",
        Kind::List(_) => "a list",
        Kind::Map { .. } | Kind::Structure(_) => "an object",
    }
}

/// The name of a JSON value's type.
pub(crate) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
