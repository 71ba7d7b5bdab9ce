//! Reads the parts of a policy: members of objects, and a text or a list of texts.

use serde_json::{Map, Value};

use super::fault::PolicyError;
use crate::json::{Path, Quoted};

/// The most texts in a list.
pub(super) const MOST_TEXTS: usize = 200;

/// An object with known members only.
#[derive(Clone, Copy)]
pub(super) struct Members<'v> {
    map: &'v Map<String, Value>,
    path: &'v Path<'v>,
}

impl<'v> Members<'v> {
    /// Reads an object that has only these members.
    pub(super) fn of(value: &'v Value, path: &'v Path<'v>, known: &[&str]) -> Result<Self, PolicyError> {
        let map = object(value, path)?;
        match map.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(PolicyError::new(
                path,
                format!("has {}, but can only have {}", Quoted(name), known.join(", ")),
            )),
            None => Ok(Self { map, path }),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&'v Value> {
        self.map.get(name)
    }

    /// A member that has to be there.
    pub(super) fn required(&self, name: &str) -> Result<&'v Value, PolicyError> {
        self.get(name).ok_or_else(|| PolicyError::new(self.path, format!("must have {name}")))
    }

    /// Two members exclude each other. Returns the one that is there, and whether it is the second one.
    pub(super) fn either(
        &self,
        one: &'v str,
        not: &'v str,
    ) -> Result<(&'v str, &'v Value, bool), PolicyError> {
        match (self.get(one), self.get(not)) {
            (Some(value), None) => Ok((one, value, false)),
            (None, Some(value)) => Ok((not, value, true)),
            (Some(_), Some(_)) => {
                Err(PolicyError::new(self.path, format!("cannot have both {one} and {not}")))
            }
            (None, None) => Err(PolicyError::new(self.path, format!("must have {one}"))),
        }
    }
}

/// Reads an object with members of any name. It must not be empty.
pub(super) fn object<'v>(value: &'v Value, path: &Path<'_>) -> Result<&'v Map<String, Value>, PolicyError> {
    value
        .as_object()
        .ok_or_else(|| PolicyError::new(path, format!("must be an object, but is {}", kind(value))))
}

/// Reads a text.
pub(super) fn text<'v>(value: &'v Value, path: &Path<'_>) -> Result<&'v str, PolicyError> {
    value.as_str().ok_or_else(|| PolicyError::new(path, format!("must be a text, but is {}", kind(value))))
}

/// Reads one value or a list of values, each with `read`. A list has at least one and at most `most`.
pub(super) fn one_or_many<T>(
    value: &Value,
    path: &Path<'_>,
    most: usize,
    mut read: impl FnMut(&Value, &Path<'_>) -> Result<T, PolicyError>,
) -> Result<Vec<T>, PolicyError> {
    let Value::Array(items) = value else { return Ok(vec![read(value, path)?]) };
    if items.is_empty() {
        return Err(PolicyError::new(path, "must not be an empty list"));
    }
    if items.len() > most {
        return Err(PolicyError::new(path, format!("must have at most {most} items")));
    }
    items.iter().enumerate().map(|(index, item)| read(item, &Path::Item(path, index))).collect()
}

/// Reads one text or a list of texts, each with `read`.
pub(super) fn texts<T>(
    value: &Value,
    path: &Path<'_>,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, PolicyError> {
    one_or_many(value, path, MOST_TEXTS, |item, path| {
        read(text(item, path)?).map_err(|problem| PolicyError::new(path, problem))
    })
}

/// One text alone, or several texts as a list.
pub(super) fn written<'t>(texts: impl Iterator<Item = &'t str>) -> Value {
    let mut texts: Vec<Value> = texts.map(Value::from).collect();
    if texts.len() == 1 { texts.remove(0) } else { Value::Array(texts) }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
