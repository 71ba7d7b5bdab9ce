//! YAML in block style, with keys in alphabetical order and lines folded after 80 columns. It is the output of
//! `libyaml`, which the AWS CLI uses.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::json;
use crate::lightsail::yaml_scalar::{Scalar, Style};
use crate::lightsail::{python_repr, timestamp};

/// Writes a value, with a line feed at the end. A value that is neither a list nor an object is written as JSON, as
/// in the AWS CLI.
pub(crate) fn render(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(members) if !members.is_empty() => mapping(members, "", 0, &mut out),
        Value::Array(values) if !values.is_empty() => sequence(values, "", 0, &mut out),
        Value::Object(_) => out.push_str("{}\n"),
        Value::Array(_) => out.push_str("[]\n"),
        other => {
            json::scalar(other, &mut out);
            out.push('\n');
        }
    }
    out
}

/// Writes a single value on one line.
pub(crate) fn scalar(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => python_repr::number(number),
        Value::String(text) => match timestamp::sample_as_text(text) {
            Some(sample) => sample.to_owned(),
            None => Scalar::new(text).written(Style::Key, 0, 0),
        },
        Value::Array(_) => "[]".to_owned(),
        Value::Object(_) => "{}".to_owned(),
    }
}

/// Writes members: the first behind `lead`, the others behind `indent` spaces.
fn mapping(members: &Map<String, Value>, lead: &str, indent: usize, out: &mut String) {
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    for (index, (name, value)) in sorted.into_iter().enumerate() {
        let start = out.len();
        out.push_str(&if index == 0 { lead.to_owned() } else { " ".repeat(indent) });
        let key = Scalar::new(name);
        if key.fits_one_line() {
            out.push_str(&key.written(Style::Key, 0, 0));
        } else {
            let column = out[start..].chars().count() + 2;
            let _ =
                write!(out, "? {}\n{}", key.written(Style::Value, column, indent + 2), " ".repeat(indent));
        }
        out.push(':');
        entry(value, indent, indent, out);
    }
}

fn sequence(values: &[Value], lead: &str, indent: usize, out: &mut String) {
    for (index, value) in values.iter().enumerate() {
        let before = if index == 0 { lead.to_owned() } else { " ".repeat(indent) };
        let before = format!("{before}- ");
        match value {
            Value::Object(members) if !members.is_empty() => mapping(members, &before, indent + 2, out),
            Value::Array(values) if !values.is_empty() => sequence(values, &before, indent + 2, out),
            other => {
                out.push_str(before.trim_end_matches(' '));
                entry(other, indent, indent, out);
            }
        }
    }
}

/// Writes the value behind a key or a dash. A single value is on the same line, others on the lines below.
fn entry(value: &Value, indent: usize, dashes: usize, out: &mut String) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            out.push('\n');
            mapping(members, &" ".repeat(indent + 2), indent + 2, out);
        }
        Value::Array(values) if !values.is_empty() => {
            out.push('\n');
            sequence(values, &" ".repeat(dashes), dashes, out);
        }
        Value::String(text) if timestamp::sample_as_text(text).is_none() => {
            let line = out.rsplit('\n').next().unwrap_or_default();
            let column = line.chars().count() + 1;
            let written = Scalar::new(text).written(Style::Value, column, indent + 2);
            let _ = writeln!(out, " {written}");
        }
        other => {
            let _ = writeln!(out, " {}", scalar(other));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The expected texts are those of the AWS CLI 2.9.
    #[test]
    fn values_look_as_the_aws_cli_writes_them() {
        let check = |value: Value, wanted: &str| assert_eq!(render(&value), wanted);
        check(
            json!({ "k": [[1, [2, 3]], { "x": [] }, {}], "a": null }),
            "a: null\nk:\n- - 1\n  - - 2\n    - 3\n- x: []\n- {}\n",
        );
        check(json!([{ "b": [{ "c": 1 }], "a": { "d": "e" } }]), "- a:\n    d: e\n  b:\n  - c: 1\n");
        check(json!([1e17, 1e-7, 1.0]), "- 1e+17\n- 1e-07\n- 1.0\n");
        check(json!("a: b"), "\"a: b\"\n");
        let long = "the quick brown fox jumps over the lazy dog and then the quick brown fox jumps \
                    over the lazy dog again and again: it's done";
        check(
            json!({ "a": { "b": long } }),
            "a:\n  b: 'the quick brown fox jumps over the lazy dog and then the quick brown fox jumps\n    \
             over the lazy dog again and again: it''s done'\n",
        );
        check(
            json!([long]),
            "- 'the quick brown fox jumps over the lazy dog and then the quick brown fox jumps\n  over the \
             lazy dog again and again: it''s done'\n",
        );
        check(
            json!({ "k": format!("{long}\u{7}{long}") }),
            "k: \"the quick brown fox jumps over the lazy dog and then the quick brown fox jumps\n  over the \
             lazy dog again and again: it's done\\athe quick brown fox jumps over the\n  lazy dog and then the \
             quick brown fox jumps over the lazy dog again and again: it's\n  done\"\n",
        );
        check(json!(["a\nb", "a\n", "\na"]), "- 'a\n\n  b'\n- 'a\n\n  '\n- '\n\n  a'\n");
        let key = "x".repeat(130);
        check(json!({ (key.clone()): 1 }), &format!("? {key}\n: 1\n"));
    }
}
