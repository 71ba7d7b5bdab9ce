//! JSON as programs in Go read it, because such programs wrote these files. Null, missing and empty are equal. A
//! member's name is matched exactly, or else without regard to case.

use anyhow::{Context as _, Result};
use serde_json::Value;

/// A value, or none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Go<'v> {
    name: &'v str,
    value: Option<&'v Value>,
}

/// Reads the first value of a text. Invalid UTF-8 is replaced, as Go does.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value> {
    let text = String::from_utf8_lossy(bytes);
    let first = serde_json::Deserializer::from_str(&text).into_iter().next();
    Ok(first.context("it is empty")??)
}

impl<'v> Go<'v> {
    /// A whole document.
    pub(crate) fn of(value: &'v Value) -> Self {
        Self::named("it", value)
    }

    fn named(name: &'v str, value: &'v Value) -> Self {
        Self { name, value: Some(value).filter(|value| !value.is_null()) }
    }

    /// Whether there is a value.
    pub(crate) fn is_there(&self) -> bool {
        self.value.is_some()
    }

    /// A member of an object.
    pub(crate) fn member(&self, name: &'v str) -> Result<Self> {
        let Some(value) = self.value else { return Ok(Self { name, value: None }) };
        let members = value.as_object().with_context(|| format!("{} is no object", self.name))?;
        let found = members.get(name).or_else(|| {
            // If there are several, Go takes the last.
            members.iter().rev().find(|(known, _)| folded(known).eq(folded(name))).map(|(_, value)| value)
        });
        Ok(found.map_or(Self { name, value: None }, |value| Self::named(name, value)))
    }

    /// The value as a text; an empty text if the value is missing.
    pub(crate) fn text(&self) -> Result<&'v str> {
        let Some(value) = self.value else { return Ok("") };
        value.as_str().with_context(|| format!("{} is no text", self.name))
    }

    /// The elements of a list.
    pub(crate) fn list(&self) -> Result<impl Iterator<Item = Self> + use<'v>> {
        let name = self.name;
        let values = match self.value {
            None => &[][..],
            Some(value) => value.as_array().with_context(|| format!("{name} is no list"))?,
        };
        Ok(values.iter().map(move |value| Self::named(name, value)))
    }

    /// The names of an object's members.
    pub(crate) fn names(&self) -> Result<impl Iterator<Item = &'v str> + use<'v>> {
        let name = self.name;
        let members = match self.value {
            None => None,
            Some(value) => Some(value.as_object().with_context(|| format!("{name} is no object"))?),
        };
        Ok(members.into_iter().flat_map(|members| members.keys().map(String::as_str)))
    }

    /// The texts of a list.
    pub(crate) fn texts(&self) -> Result<Vec<&'v str>> {
        self.list()?.map(|value| value.text()).collect()
    }
}

/// A name without regard to case. As in Go, the Kelvin sign equals k and the long s equals s.
fn folded(name: &str) -> impl Iterator<Item = char> {
    name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_missing_and_empty_are_alike() {
        for text in ["{}", r#"{"Layers":null}"#, r#"{"Layers":[]}"#, "null"] {
            let value = parse(text.as_bytes()).unwrap();
            let layers = Go::of(&value).member("Layers").unwrap();
            assert_eq!(layers.texts().unwrap(), Vec::<&str>::new(), "{text}");
            assert_eq!(Go::of(&value).member("Config").unwrap().text().unwrap(), "");
        }
    }

    #[test]
    fn a_member_is_known_by_its_name_or_else_in_any_case() {
        let value =
            parse("{\"config\":\"b\",\"Config\":\"a\",\"LAYER\u{17f}\":[\"x\",null]} more".as_bytes());
        let value = value.unwrap();
        let go = Go::of(&value);
        assert_eq!(go.member("Config").unwrap().text().unwrap(), "a");
        assert_eq!(go.member("CONFIG").unwrap().text().unwrap(), "a");
        assert_eq!(go.member("Layers").unwrap().texts().unwrap(), ["x", ""]);
        let error = go.member("Config").unwrap().list().err().unwrap();
        assert_eq!(error.to_string(), "Config is no list");
        assert!(parse(b"").is_err() && parse(b"{").is_err() && parse(b"\"\xff\"").is_ok());
    }
}
