//! Checks the values of a request against its description. Their types have been checked before.

use std::fmt;

use serde_json::{Map, Value};

use crate::path::{Path, quote};
use crate::{ApiError, Kind, Range, Shape, StringShape, Structure};

/// Checks that required members are there, and every constraint of each member.
pub(crate) fn structure(
    structure: &Structure,
    members: &Map<String, Value>,
    at: Path<'_>,
) -> Result<(), ApiError> {
    for member in structure.members {
        let at = Path::Member(&at, member.name);
        match members.get(member.name) {
            Some(value) if !value.is_null() => check(member.shape, value, at)?,
            _ if member.required => {
                return Err(ApiError::invalid_input(format!("{at} is required and missing.")));
            }
            _ => {}
        }
    }
    Ok(())
}

fn check(shape: &Shape, value: &Value, at: Path<'_>) -> Result<(), ApiError> {
    match (&shape.kind, value) {
        (Kind::String(constraints), Value::String(text)) => string(constraints, text, at),
        (Kind::Integer(range), Value::Number(number)) => {
            integer(*range, number.as_i64().unwrap_or(i64::MAX), at)
        }
        (Kind::List(element), Value::Array(values)) => values
            .iter()
            .enumerate()
            .try_for_each(|(index, value)| check(element, value, Path::Element(&at, index))),
        (Kind::Map { key: key_shape, value: value_shape }, Value::Object(entries)) => {
            entries.iter().try_for_each(|(key, value)| {
                map_key(key_shape, key, at)?;
                check(value_shape, value, Path::Member(&at, key))
            })
        }
        (Kind::Structure(known), Value::Object(members)) => structure(known, members, at),
        _ => Ok(()),
    }
}

fn map_key(shape: &Shape, key: &str, at: Path<'_>) -> Result<(), ApiError> {
    let Kind::String(constraints) = &shape.kind else { return Ok(()) };
    match constraints.title {
        Some(title) => string(constraints, key, title),
        None => string(constraints, key, format_args!("The key in {at}")),
    }
}

fn integer(range: Range, number: i64, at: Path<'_>) -> Result<(), ApiError> {
    if range.contains(number) {
        return Ok(());
    }
    Err(ApiError::invalid_input(format!("{at} is {number}; allowed is {}.", Bounds(range))))
}

fn string(constraints: &StringShape, text: &str, what: impl fmt::Display) -> Result<(), ApiError> {
    let length = text.chars().count();
    if !constraints.length.contains(i64::try_from(length).unwrap_or(i64::MAX)) {
        let allowed = Bounds(constraints.length);
        let message = format!("{what} {} is {length} characters long; allowed is {allowed}.", quote(text));
        return Err(ApiError::invalid_input(message));
    }
    if !constraints.values.is_empty() && !constraints.values.contains(&text) {
        let allowed = constraints.values.join(", ");
        return Err(ApiError::invalid_input(format!("{what} {} is not one of: {allowed}", quote(text))));
    }
    match constraints.pattern {
        Some(pattern) if !pattern.matches(text) => Err(ApiError::invalid_input(format!(
            "{what} {} does not match pattern: {}",
            quote(text),
            pattern.text
        ))
        .with_tip(pattern.words)),
        // Some databases cannot store this character, and no program can be given it. The text may be a secret, so
        // the message does not show it.
        _ if text.contains('\0') => {
            Err(ApiError::invalid_input(format!("{what} contains the character U+0000, which no text may.")))
        }
        _ => Ok(()),
    }
}

struct Bounds(Range);

impl fmt::Display for Bounds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.min, self.0.max) {
            (Some(min), Some(max)) => write!(formatter, "{min} to {max}"),
            (Some(min), None) => write!(formatter, "{min} or more"),
            (None, Some(max)) => write!(formatter, "{max} or less"),
            (None, None) => formatter.write_str("any"),
        }
    }
}
