//! Writes values as Python does. The AWS CLI's text output and messages have them in that form.

use std::fmt::Write as _;

use serde_json::{Number, Value};

use super::timestamp;

/// Writes a value as `str()` does.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => timestamp::sample_as_text(text).unwrap_or(text).to_owned(),
        other => repr(other),
    }
}

/// Writes a value as `repr()` does.
pub(crate) fn repr(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(value) => number(value),
        Value::String(text) if timestamp::sample_as_text(text).is_some() => {
            "datetime.datetime(1970, 1, 1, 0, 0)".to_owned()
        }
        Value::String(text) => quoted(text),
        Value::Array(elements) => {
            let elements: Vec<_> = elements.iter().map(repr).collect();
            format!("[{}]", elements.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<_> =
                members.iter().map(|(key, value)| format!("{}: {}", quoted(key), repr(value))).collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

/// The type of a value, as in `str(type(value))`.
pub(crate) fn class(value: &Value) -> &'static str {
    match value {
        Value::Null => "<class 'NoneType'>",
        Value::Bool(_) => "<class 'bool'>",
        Value::Number(number) if number.is_f64() => "<class 'float'>",
        Value::Number(_) => "<class 'int'>",
        Value::String(_) => "<class 'str'>",
        Value::Array(_) => "<class 'list'>",
        Value::Object(_) => "<class 'dict'>",
    }
}

/// Writes a number. A float always has a fraction, if only `.0`.
pub(crate) fn number(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => self::float(float),
        _ => number.to_string(),
    }
}

/// The shortest text that stands for this number and no other. Numbers from 1e16 on, and below 1e-4, have an
/// exponent.
fn float(float: f64) -> String {
    let exponential = format!("{float:e}");
    let Some((digits, exponent)) = exponential.split_once('e') else { return exponential };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..16).contains(&exponent) {
        return format!("{float:?}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// A string in quotes. They are double quotes if the string has single quotes and no double quotes, else
/// single quotes.
pub(crate) fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut shown = String::from(quote);
    for letter in text.chars() {
        match letter {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            '\\' => shown.push_str("\\\\"),
            letter if letter == quote => {
                shown.push('\\');
                shown.push(letter);
            }
            letter if letter.is_control() => {
                let _ = write!(shown, "\\x{:02x}", u32::from(letter));
            }
            letter => shown.push(letter),
        }
    }
    shown.push(quote);
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_look_as_python_writes_them() {
        let value = json!({ "a": [1, 1.0, true, null], "b": "it's", "c": "\"'\n" });
        assert_eq!(repr(&value), r#"{'a': [1, 1.0, True, None], 'b': "it's", 'c': '"\'\n'}"#);
        for (number, shown) in [
            (1_603_432_203.0, "1603432203.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (1.5e-7, "1.5e-07"),
            (1e-4, "0.0001"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (-0.0, "-0.0"),
        ] {
            assert_eq!(text(&json!(number)), shown);
        }
    }
}
