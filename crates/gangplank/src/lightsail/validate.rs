//! The checks that a client makes before it calls: missing and unknown members, types, shortest lengths and smallest
//! values. The server checks patterns, largest values and enumerations, as with every AWS client. All errors are
//! reported at once.

use gangplank_api::{Kind, Range, Shape, Structure};
use serde_json::{Map, Value};

use super::failure::Failure;
use super::{python_repr, timestamp};

/// Checks an input, or the sample of an output.
pub(crate) fn validate(structure: &Structure, members: &Map<String, Value>) -> Result<(), Failure> {
    let mut report = Vec::new();
    check_structure(structure, members, "", &mut report);
    if report.is_empty() {
        return Ok(());
    }
    Err(Failure::Parameter(format!("Parameter validation failed:\n{}", report.join("\n"))))
}

fn check_structure(structure: &Structure, members: &Map<String, Value>, at: &str, report: &mut Vec<String>) {
    for member in structure.members.iter().filter(|member| member.required) {
        if !members.contains_key(member.name) {
            report.push(format!("Missing required parameter in {}: \"{}\"", shown(at), member.name));
        }
    }
    for name in members.keys().filter(|name| structure.member(name).is_none()) {
        let known: Vec<_> = structure.members.iter().map(|member| member.name).collect();
        let (at, known) = (shown(at), known.join(", "));
        report.push(format!("Unknown parameter in {at}: \"{name}\", must be one of: {known}"));
    }
    for (name, value) in members {
        if let Some(member) = structure.member(name) {
            check(member.shape, value, &format!("{at}.{name}"), report);
        }
    }
}

fn check(shape: &Shape, value: &Value, at: &str, report: &mut Vec<String>) {
    match (&shape.kind, value) {
        (Kind::String(string), Value::String(text)) => {
            check_least(string.length, text.chars().count(), "length", at, report);
        }
        (Kind::Integer(range), Value::Number(number)) if !number.is_f64() => {
            let too_small =
                number.as_i64().is_some_and(|number| range.min.is_some_and(|min| number < i64::from(min)));
            if too_small {
                push_least("value", at, &python_repr::number(number), *range, report);
            }
        }
        // In Python a boolean is a whole number, so AWS's clients accept one here.
        (Kind::Integer(range), Value::Bool(value)) => {
            if range.min.is_some_and(|min| i32::from(*value) < min) {
                push_least("value", at, &python_repr::repr(&Value::Bool(*value)), *range, report);
            }
        }
        (Kind::Float | Kind::Double, Value::Number(_) | Value::Bool(_)) | (Kind::Boolean, Value::Bool(_)) => {
        }
        (Kind::Timestamp, value) if timestamp::read(value).is_some() => {}
        (Kind::List(element), Value::Array(values)) => {
            for (index, value) in values.iter().enumerate() {
                check(element, value, &format!("{at}[{index}]"), report);
            }
        }
        (Kind::Map { key: key_shape, value: value_shape }, Value::Object(entries)) => {
            for (key, value) in entries {
                check(key_shape, &Value::from(key.as_str()), &format!("{at} (key: {key})"), report);
                check(value_shape, value, &format!("{at}.{key}"), report);
            }
        }
        (Kind::Structure(structure), Value::Object(members)) => {
            check_structure(structure, members, at, report);
        }
        (kind, value) => report.push(format!(
            "Invalid type for parameter {}, value: {}, type: {}, valid types: {}",
            shown(at),
            python_repr::text(value),
            python_repr::class(value),
            allowed(kind)
        )),
    }
}

fn check_least(range: Range, length: usize, what: &str, at: &str, report: &mut Vec<String>) {
    let too_short = range.min.and_then(|min| usize::try_from(min).ok()).is_some_and(|min| length < min);
    if too_short {
        push_least(what, at, &length.to_string(), range, report);
    }
}

fn push_least(what: &str, at: &str, value: &str, range: Range, report: &mut Vec<String>) {
    let min = range.min.unwrap_or_default();
    report
        .push(format!("Invalid {what} for parameter {}, value: {value}, valid min {what}: {min}", shown(at)));
}

fn shown(at: &str) -> &str {
    if at.is_empty() { "input" } else { at.strip_prefix('.').unwrap_or(at) }
}

fn allowed(kind: &Kind) -> &'static str {
    match kind {
        Kind::String(_) => "<class 'str'>",
        Kind::Integer(_) => "<class 'int'>",
        Kind::Float | Kind::Double => "<class 'float'>, <class 'decimal.Decimal'>, <class 'int'>",
        Kind::Boolean => "<class 'bool'>",
        Kind::Timestamp => "<class 'datetime.datetime'>, timestamp-string",
        Kind::List(_) => "<class 'list'>, <class 'tuple'>",
        Kind::Map { .. } | Kind::Structure(_) => "<class 'dict'>",
    }
}
