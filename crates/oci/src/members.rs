//! Taking an object apart, member by member, with the path in every complaint.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::ManifestError;
use crate::strict_json::{Json, Path};

/// The members of an object that have not been taken yet. Those that nobody takes are none of our business. A
/// member that may be absent may also be `null`: that is how Go writes an absent list.
pub(crate) struct Members<'p, 'a> {
    path: &'p Path<'p>,
    members: Vec<(Cow<'a, str>, Json<'a>)>,
}

impl<'p, 'a> Members<'p, 'a> {
    /// The members of `value`, which must be an object.
    pub(crate) fn of(value: Json<'a>, path: &'p Path<'p>) -> Result<Members<'p, 'a>, ManifestError> {
        match value {
            Json::Object(members) => Ok(Members { path, members }),
            other => Err(ManifestError::new(path, format!("must be an object, is {}", other.kind()))),
        }
    }

    /// The same of an object whose members are `known`. One that differs from a known one only in the case of its
    /// letters is refused: some readers, Go's among them, would take it for that one, and others would not.
    pub(crate) fn known(
        value: Json<'a>,
        path: &'p Path<'p>,
        known: &[&str],
    ) -> Result<Members<'p, 'a>, ManifestError> {
        let members = Self::of(value, path)?;
        for (name, _) in &members.members {
            if let Some(meant) =
                known.iter().find(|known| **known != name && is_same_but_for_case(name, known))
            {
                return Err(members.error(name, format!("must be written `{meant}`, or left out")));
            }
        }
        Ok(members)
    }

    /// A complaint about the member `name`.
    pub(crate) fn error(&self, name: &str, problem: impl Into<String>) -> ManifestError {
        ManifestError::new(&Path::Member(self.path, name), problem)
    }

    fn mistyped(&self, name: &str, wanted: &str, found: &Json<'_>) -> ManifestError {
        self.error(name, format!("must be {wanted}, is {}", found.kind()))
    }

    /// The member as it is, unless absent or null.
    pub(crate) fn optional(&mut self, name: &str) -> Option<Json<'a>> {
        let position = self.members.iter().position(|(member, _)| member == name)?;
        let (_, value) = self.members.swap_remove(position);
        (value != Json::Null).then_some(value)
    }

    /// The member as it is; `wanted` says what it should be.
    pub(crate) fn required(&mut self, name: &str, wanted: &str) -> Result<Json<'a>, ManifestError> {
        self.optional(name).ok_or_else(|| self.error(name, format!("must be {wanted}, is missing")))
    }

    /// A member that this kind of object must not have.
    pub(crate) fn forbidden(&mut self, name: &str, why: &str) -> Result<(), ManifestError> {
        match self.optional(name) {
            None => Ok(()),
            Some(_) => Err(self.error(name, format!("must not be there: {why}"))),
        }
    }

    /// A string, if there and not empty: that is how Go writes an absent string.
    pub(crate) fn nonempty_text(&mut self, name: &str) -> Result<Option<Cow<'a, str>>, ManifestError> {
        Ok(self.optional_text(name)?.filter(|text| !text.is_empty()))
    }

    /// A string, if there.
    pub(crate) fn optional_text(&mut self, name: &str) -> Result<Option<Cow<'a, str>>, ManifestError> {
        match self.optional(name) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text)),
            Some(other) => Err(self.mistyped(name, "a string", &other)),
        }
    }

    /// A string with something in it.
    pub(crate) fn required_text(&mut self, name: &str) -> Result<Cow<'a, str>, ManifestError> {
        match self.required(name, "a string")? {
            Json::Text(text) if text.is_empty() => Err(self.error(name, "must not be empty")),
            Json::Text(text) => Ok(text),
            other => Err(self.mistyped(name, "a string", &other)),
        }
    }

    /// An array, empty if not there.
    pub(crate) fn optional_list(&mut self, name: &str) -> Result<Vec<Json<'a>>, ManifestError> {
        self.optional(name).map_or(Ok(Vec::new()), |value| self.list(name, value))
    }

    fn list(&self, name: &str, value: Json<'a>) -> Result<Vec<Json<'a>>, ManifestError> {
        match value {
            Json::List(list) => Ok(list),
            other => Err(self.mistyped(name, "an array", &other)),
        }
    }

    /// An array of strings, empty if not there.
    pub(crate) fn texts(&mut self, name: &str) -> Result<Vec<String>, ManifestError> {
        let list = self.optional_list(name)?;
        let path = Path::Member(self.path, name);
        list.into_iter().enumerate().map(|(index, item)| text(item, &Path::Item(&path, index))).collect()
    }

    /// An object whose members are strings, empty if not there.
    pub(crate) fn text_map(&mut self, name: &str) -> Result<BTreeMap<String, String>, ManifestError> {
        let Some(value) = self.optional(name) else { return Ok(BTreeMap::new()) };
        let path = Path::Member(self.path, name);
        let mut map = BTreeMap::new();
        for (name, value) in Members::of(value, &path)?.members {
            let value = text(value, &Path::Member(&path, &name))?;
            map.insert(name.into_owned(), value);
        }
        Ok(map)
    }
}

/// As Go's decoder compares names: it also takes the long s and the Kelvin sign for letters.
fn is_same_but_for_case(name: &str, known: &str) -> bool {
    let fold = |letter: char| match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    name.chars().map(fold).eq(known.chars().map(fold))
}

fn text(value: Json<'_>, path: &Path<'_>) -> Result<String, ManifestError> {
    match value {
        Json::Text(text) => Ok(text.into_owned()),
        other => Err(ManifestError::new(path, format!("must be a string, is {}", other.kind()))),
    }
}
