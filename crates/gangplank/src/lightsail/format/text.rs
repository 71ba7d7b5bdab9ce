//! Text for `cut` and `awk`. A structure is a line of its single values between tabs, in alphabetical order of their
//! keys. Its lists and objects follow on separate lines, which begin with the key in capitals.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::lightsail::python_repr;
use crate::terminal::foreign;

/// Writes a value, line by line.
pub(crate) fn render(value: &Value) -> String {
    let mut out = String::new();
    write(value, None, None, &mut out);
    out
}

fn write(value: &Value, key: Option<&str>, columns: Option<&BTreeSet<&str>>, out: &mut String) {
    match value {
        Value::Object(members) => structure(members, key, columns, out),
        Value::Array(values) => list(values, key, out),
        scalar => line(&[python_repr::text(scalar)], out),
    }
}

fn list(values: &[Value], key: Option<&str>, out: &mut String) {
    if values.iter().any(Value::is_object) {
        // All elements get the same columns: each key that any of them has.
        let columns: BTreeSet<&str> = values
            .iter()
            .filter_map(Value::as_object)
            .flatten()
            .filter(|(_, value)| is_scalar(value))
            .map(|(key, _)| key.as_str())
            .collect();
        for value in values {
            write(value, key, Some(&columns), out);
        }
        return;
    }
    let (scalars, others): (Vec<&Value>, Vec<&Value>) = values.iter().partition(|value| is_scalar(value));
    let scalars: Vec<String> = scalars.into_iter().map(python_repr::text).collect();
    match key {
        _ if scalars.is_empty() => {}
        Some(key) => scalars.into_iter().for_each(|value| line(&[key.to_uppercase(), value], out)),
        None => line(&scalars, out),
    }
    for value in others {
        write(value, key, None, out);
    }
}

fn structure(
    members: &Map<String, Value>,
    key: Option<&str>,
    columns: Option<&BTreeSet<&str>>,
    out: &mut String,
) {
    let sorted: BTreeSet<&str> = members.keys().map(String::as_str).collect();
    let own: BTreeSet<&str> = sorted.iter().copied().filter(|key| is_scalar(&members[*key])).collect();
    let columns = columns.unwrap_or(&own);
    let value = |column: &&str| members.get(*column).map(python_repr::text).unwrap_or_default();
    let mut cells: Vec<String> = columns.iter().map(value).collect();
    if !cells.is_empty() {
        if let Some(key) = key {
            cells.insert(0, key.to_uppercase());
        }
        line(&cells, out);
    }
    for key in sorted.difference(columns) {
        write(&members[*key], Some(key), None, out);
    }
}

fn line(cells: &[String], out: &mut String) {
    out.push_str(&foreign::line(&cells.join("\t")));
    out.push('\n');
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}
