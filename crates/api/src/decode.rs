//! Conversion between bytes and types.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::path::Path;
use crate::{ApiError, Described, Kind, Shape, Structure, Timestamp, json, validate};

/// Reads the input of an operation, and refuses what its description does not allow.
///
/// An empty body is an empty object. Unknown members are ignored, as at AWS, and a member that is `null` counts
/// as missing. A `SerializationException` says that the body cannot be read: it is not JSON, has a member twice
/// or a member of a wrong type. An `InvalidInputException` says that a value is not allowed.
pub fn decode<T: Described + DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let body = if body.is_empty() { b"{}" } else { body };
    let value = json::parse(body)?;
    let Value::Object(members) = &value else {
        let found = type_of(&value);
        return Err(ApiError::serialization(format!("The request body must be a JSON object, not {found}.")));
    };
    check_types(T::STRUCTURE, members, Path::Root)?;
    validate::structure(T::STRUCTURE, members, Path::Root)?;
    let input: T = serde_json::from_value(value)
        .map_err(|error| ApiError::serialization(format!("The request body cannot be read: {error}.")))?;
    input.check()?;
    Ok(input)
}

/// Writes the output of an operation.
///
/// # Panics
///
/// If the value cannot be JSON, such as a map whose keys are no strings. No structure of this crate is like that.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("structures of the API are JSON")
}

/// Checks the types of the members that are there. A member that is `null` counts as missing.
fn check_types(structure: &Structure, members: &Map<String, Value>, at: Path<'_>) -> Result<(), ApiError> {
    for member in structure.members {
        match members.get(member.name) {
            None | Some(Value::Null) => {}
            Some(value) => check_type(member.shape, value, Path::Member(&at, member.name))?,
        }
    }
    Ok(())
}

fn check_type(shape: &Shape, value: &Value, at: Path<'_>) -> Result<(), ApiError> {
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
            .try_for_each(|(index, value)| check_type(element, value, Path::Element(&at, index))),
        (Kind::Map { value: shape, .. }, Value::Object(entries)) => {
            entries.iter().try_for_each(|(key, value)| check_type(shape, value, Path::Member(&at, key)))
        }
        (Kind::Structure(known), Value::Object(members)) => check_types(known, members, at),
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

/// The type of a JSON value, in words.
fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
