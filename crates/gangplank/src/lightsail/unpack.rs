//! Turns the text of an option into the value of its member.

use gangplank_api::{Kind, Shape, Structure};
use serde_json::{Map, Value};

use super::argparse::Parsed;
use super::failure::Failure;
use super::{options, paramfile, shorthand};

/// Makes the input from the options of a command line, in the order of the description.
pub(crate) fn input(structure: &Structure, given: &Parsed) -> Result<Map<String, Value>, Failure> {
    let mut input = Map::new();
    for member in structure.members {
        let option = options::option(member);
        if matches!(member.shape.kind, Kind::Boolean) {
            let negation = options::negation(member);
            let last = given.options.iter().rev().find(|(name, _)| *name == option || *name == negation);
            if let Some((name, _)) = last {
                input.insert(member.name.to_owned(), (*name == option).into());
            }
        } else if let Some(values) = given.values(&option) {
            let values = loaded(&option, values)?;
            input.insert(member.name.to_owned(), unpack(&option, member.shape, &values)?);
        }
    }
    Ok(input)
}

/// The values of an option, or the content of the file that a single value names.
fn loaded(option: &str, values: &[String]) -> Result<Vec<String>, Failure> {
    let file = match values {
        [value] => paramfile::load(value),
        _ => None,
    };
    match file {
        Some(text) => Ok(vec![text.map_err(|why| Failure::parsing(option, why))?]),
        None => Ok(values.to_vec()),
    }
}

fn unpack(option: &str, shape: &Shape, values: &[String]) -> Result<Value, Failure> {
    let first = values.first().map(String::as_str).unwrap_or_default();
    let is_json = first.trim_start().starts_with(['[', '{']);
    match &shape.kind {
        Kind::List(element) => {
            if values.len() == 1 && first.trim_start().starts_with('[') {
                return json(option, first);
            }
            let elements = values.iter().map(|value| match (&element.kind, is_json) {
                (Kind::Structure(_) | Kind::Map { .. } | Kind::List(_), false) => {
                    shorthand::parse(option, element, value)
                }
                _ => one(option, element, value),
            });
            elements.collect()
        }
        Kind::Structure(_) | Kind::Map { .. } if !is_json => shorthand::parse(option, shape, first),
        _ => one(option, shape, first),
    }
}

fn one(option: &str, shape: &Shape, value: &str) -> Result<Value, Failure> {
    match shape.kind {
        Kind::Integer(_) => integer(value),
        Kind::Float | Kind::Double => float(value),
        Kind::Structure(_) | Kind::Map { .. } | Kind::List(_) => json(option, value),
        _ => Ok(value.into()),
    }
}

fn json(option: &str, text: &str) -> Result<Value, Failure> {
    serde_json::from_str(text)
        .map_err(|why| Failure::parsing(option, format!("Invalid JSON: {why}\nJSON received: {text}")))
}

/// Reads a whole number as Python does: spaces around it and underscores within are allowed.
pub(crate) fn integer(text: &str) -> Result<Value, Failure> {
    let digits = text.trim();
    let underscored = digits.starts_with('_') || digits.ends_with('_') || digits.contains("__");
    let number = digits.replace('_', "").parse::<i64>().ok().filter(|_| !underscored);
    number.map(Value::from).ok_or_else(|| {
        let shown = super::python_repr::quoted(text);
        Failure::Other(format!("invalid literal for int() with base 10: {shown}"))
    })
}

/// Reads a number with a fraction.
pub(crate) fn float(text: &str) -> Result<Value, Failure> {
    let number = text.trim().parse::<f64>().ok().and_then(serde_json::Number::from_f64);
    number.map(Value::Number).ok_or_else(|| {
        Failure::Other(format!("could not convert string to float: {}", super::python_repr::quoted(text)))
    })
}
