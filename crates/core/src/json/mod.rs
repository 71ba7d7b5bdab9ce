//! JSON that has the same meaning for every reader: no member twice in an object, and limited nesting.
//!
//! RFC 8259 does not define the meaning of a repeated member. Of two `Condition` members, one reader would take the
//! first and another the last. A policy must not be ambiguous.

mod path;

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

pub use path::{Path, Quoted};

/// How many lists and objects may be nested.
pub const DEEPEST: usize = 32;

/// The reason for which a text is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} {problem}")]
pub struct JsonError {
    /// The place of the fault, such as `$.Statement[0]`.
    pub path: String,
    /// The fault. It is the end of a sentence that begins with the place.
    pub problem: String,
}

/// Reads one JSON value, and nothing after it.
///
/// # Errors
/// If it is no JSON, is nested deeper than [`DEEPEST`], or has a member twice.
pub fn parse(text: &[u8]) -> Result<Value, JsonError> {
    let fault = Cell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(text);
    Strict { path: Path::Root, depth: 0, fault: &fault }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| {
            fault.take().unwrap_or_else(|| JsonError {
                path: Path::Root.to_string(),
                problem: format!("must be JSON: {error}"),
            })
        })
}

/// Reads one value.
#[derive(Clone, Copy)]
struct Strict<'s> {
    path: Path<'s>,
    depth: usize,
    /// The fault that these rules found. serde's own error type has no place for it.
    fault: &'s Cell<Option<JsonError>>,
}

impl<'s> Strict<'s> {
    fn inside(self, path: Path<'s>) -> Strict<'s> {
        Strict { path, depth: self.depth + 1, ..self }
    }

    fn check_depth<E: Error>(self) -> Result<(), E> {
        if self.depth < DEEPEST {
            return Ok(());
        }
        // The exact place would be a long text, and does not matter.
        Err(self.refuse(Path::Root, format!("must not nest deeper than {DEEPEST} levels")))
    }

    fn refuse<E: Error>(self, path: Path<'_>, problem: String) -> E {
        self.fault.set(Some(JsonError { path: path.to_string(), problem }));
        E::custom("refused")
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        self.check_depth()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.inside(Path::Item(&self.path, list.len())))? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        self.check_depth()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                let problem = format!("must not have the member {} twice", Quoted(&name));
                return Err(self.refuse(self.path, problem));
            }
            let value = members.next_value_seed(self.inside(Path::Member(&self.path, &name)))?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn refusal(text: &str) -> String {
        parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_repeated_member_is_refused_where_it_stands() {
        assert_eq!(refusal(r#"{"a":1,"a":2}"#), "$ must not have the member `a` twice");
        assert_eq!(
            refusal(r#"{"a":[{"b":{"c d":{"x":1,"\u0078":2}}}]}"#),
            "$.a[0].b[`c d`] must not have the member `x` twice"
        );
        assert_eq!(parse(br#"{"a":{"a":1},"b":{"a":1}}"#), Ok(json!({"a": {"a": 1}, "b": {"a": 1}})));
    }

    #[test]
    fn nesting_has_an_end() {
        let nested = |levels| "[".repeat(levels) + &"]".repeat(levels);
        assert!(parse(nested(DEEPEST).as_bytes()).is_ok());
        assert_eq!(refusal(&nested(DEEPEST + 1)), "$ must not nest deeper than 32 levels");
        assert_eq!(refusal(&"[{\"a\":".repeat(100_000)), "$ must not nest deeper than 32 levels");
    }

    #[test]
    fn what_is_behind_the_value_is_refused() {
        for text in ["", "{} {}", "{}x", "{'a':1}", "{\"a\":1,}", "\u{feff}{}", "\"\u{1}\""] {
            assert!(refusal(text).starts_with("$ must be JSON: "), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let strict = parse(&bytes);
            let lax = serde_json::from_slice::<Value>(&bytes);
            prop_assert!(strict.is_err() || strict.ok() == lax.ok());
        }

        #[test]
        fn any_json_like_text_is_read_or_refused(text in r#"([\[\]{}:,"]|"a"|"b"|1|true| ){0,60}"#) {
            let _ = parse(text.as_bytes());
        }
    }
}
