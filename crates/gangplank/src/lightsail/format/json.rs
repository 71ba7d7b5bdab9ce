//! JSON with an indent of four, as Python writes it.

use std::fmt::Write as _;

use serde_json::Value;

use crate::lightsail::{python_repr, timestamp};
use crate::terminal::foreign;

/// Writes a value, with a line feed at the end.
pub(crate) fn render(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, &mut out);
    out.push('\n');
    foreign::json(&out).into_owned()
}

fn write(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Array(values) if !values.is_empty() => {
            out.push('[');
            for (index, value) in values.iter().enumerate() {
                next_line(index > 0, depth + 1, out);
                write(value, depth + 1, out);
            }
            next_line(false, depth, out);
            out.push(']');
        }
        Value::Object(members) if !members.is_empty() => {
            out.push('{');
            for (index, (name, value)) in members.iter().enumerate() {
                next_line(index > 0, depth + 1, out);
                string(name, out);
                out.push_str(": ");
                write(value, depth + 1, out);
            }
            next_line(false, depth, out);
            out.push('}');
        }
        other => scalar(other, out),
    }
}

fn next_line(comma: bool, depth: usize, out: &mut String) {
    out.push_str(if comma { ",\n" } else { "\n" });
    out.push_str(&"    ".repeat(depth));
}

/// Writes a single value that is neither a list nor an object.
pub(super) fn scalar(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&python_repr::number(number)),
        Value::String(text) => string(timestamp::sample_as_json(text).unwrap_or(text), out),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
    }
}

fn string(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            letter if letter < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
}
