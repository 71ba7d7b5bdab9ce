//! JSON that has the same meaning for every reader.
//!
//! RFC 8259 does not define the meaning of a repeated member name, and readers differ: some take the first, some the
//! last. Many programs read content that is addressed by its digest, so a repeated name is refused at any depth. So
//! is nesting that could exhaust a reader's stack.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::ManifestError;
use crate::excerpt::Excerpt;

/// How deep a document may be nested. The library that reads the text also refuses documents by itself, but
/// only deeper ones.
pub const DEEPEST: usize = 100;

/// How many values a document may have. A value needs more memory than its text: without this limit four megabytes of
/// `[0,0,0` would become a hundred.
pub const MAX_VALUES: usize = 250_000;

/// A document. Texts without escapes are borrowed from its bytes.
#[derive(Debug, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Bool,
    /// A number that is zero or more, without fraction or exponent.
    Unsigned(u64),
    OtherNumber,
    Text(Cow<'a, str>),
    List(Vec<Json<'a>>),
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl Json<'_> {
    /// The name of its type, for people.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool => "a boolean",
            Json::Unsigned(_) | Json::OtherNumber => "a number",
            Json::Text(_) => "a string",
            Json::List(_) => "an array",
            Json::Object(_) => "an object",
        }
    }
}

/// The place of a value in its document. Printed as a JSON path: `$.layers[3].size`.
#[derive(Clone, Copy)]
pub(crate) enum Path<'p> {
    Root,
    Member(&'p Path<'p>, &'p str),
    Item(&'p Path<'p>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => f.write_str("$"),
            Path::Member(parent, name) if is_plain(name) => write!(f, "{parent}.{name}"),
            Path::Member(parent, name) => write!(f, "{parent}[{}]", Excerpt(name)),
            Path::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

fn is_plain(name: &str) -> bool {
    (1..=40).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Reads a whole document with at most `deepest` levels, and nothing after it.
pub(crate) fn parse(body: &[u8], deepest: usize) -> Result<Json<'_>, ManifestError> {
    let values = Cell::new(0);
    let fault = Cell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(body);
    Value { path: Path::Root, depth: 0, deepest: deepest.min(DEEPEST), values: &values, fault: &fault }
        .deserialize(&mut reader)
        .and_then(|document| reader.end().map(|()| document))
        .map_err(|error| {
            fault.take().unwrap_or_else(|| ManifestError::new(&Path::Root, format!("must be JSON: {error}")))
        })
}

/// Reads one value.
#[derive(Clone, Copy)]
struct Value<'s> {
    path: Path<'s>,
    /// The number of arrays and objects around the value.
    depth: usize,
    /// The largest number of arrays and objects around a value.
    deepest: usize,
    /// Values read so far.
    values: &'s Cell<usize>,
    /// The fault that our own rules found. serde's error type cannot carry it.
    fault: &'s Cell<Option<ManifestError>>,
}

impl<'s> Value<'s> {
    fn inside(self, path: Path<'s>) -> Value<'s> {
        Value { path, depth: self.depth + 1, ..self }
    }

    fn require_depth<E: Error>(self) -> Result<(), E> {
        if self.depth < self.deepest {
            return Ok(());
        }
        // The path would be long, and the place does not matter.
        Err(self.refuse(&Path::Root, format!("must not nest deeper than {} levels", self.deepest)))
    }

    fn refuse<E: Error>(self, path: &Path<'_>, problem: String) -> E {
        self.fault.set(Some(ManifestError::new(path, problem)));
        E::custom("refused")
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        self.values.set(self.values.get() + 1);
        if self.values.get() > MAX_VALUES {
            return Err(
                self.refuse(&Path::Root, format!("must not consist of more than {MAX_VALUES} values"))
            );
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json<'de>, E> {
        Ok(Json::Unsigned(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json<'de>, E> {
        Ok(Json::OtherNumber)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json<'de>, E> {
        Ok(Json::OtherNumber)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json<'de>, A::Error> {
        self.require_depth()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.inside(Path::Item(&self.path, list.len())))? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json<'de>, A::Error> {
        self.require_depth()?;
        let mut object = Vec::new();
        while let Some(name) = members.next_key_seed(Name)? {
            let value = members.next_value_seed(self.inside(Path::Member(&self.path, &name)))?;
            object.push((name, value));
        }
        match repeated_name(&object) {
            Some(name) => {
                Err(self.refuse(&self.path, format!("must not have the member {} twice", Excerpt(name))))
            }
            None => Ok(Json::Object(object)),
        }
    }
}

fn repeated_name<'o>(object: &'o [(Cow<'_, str>, Json<'_>)]) -> Option<&'o str> {
    let mut names: Vec<&str> = object.iter().map(|(name, _)| &**name).collect();
    names.sort_unstable();
    names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// Reads the name of a member.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}
