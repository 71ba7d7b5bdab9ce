//! Takes the members of an object one by one. Every error has the path.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::ManifestError;
use crate::strict_json::{Json, Path};

/// The members of an object that have not been taken yet. Members that are never taken are ignored. A member
/// that may be absent may also be `null`, which is how Go writes an absent list.
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

    /// The members of `value`, which must be an object. Its reader knows the members in `known`. A name that
    /// differs from a known one only in letter case is refused. Some readers, Go's among them, would take it
    /// for the known one, and others would not.
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

    /// An error about the member `name`.
    pub(crate) fn error(&self, name: &str, problem: impl Into<String>) -> ManifestError {
        ManifestError::new(&Path::Member(self.path, name), problem)
    }

    fn mistyped(&self, name: &str, wanted: &str, found: &Json<'_>) -> ManifestError {
        self.error(name, format!("must be {wanted}, is {}", found.kind()))
    }

    /// The value of a member, unless it is absent or null.
    pub(crate) fn optional(&mut self, name: &str) -> Option<Json<'a>> {
        let position = self.members.iter().position(|(member, _)| member == name)?;
        let (_, value) = self.members.swap_remove(position);
        (value != Json::Null).then_some(value)
    }

    /// The value of a required member. `wanted` describes it for the error.
    pub(crate) fn required(&mut self, name: &str, wanted: &str) -> Result<Json<'a>, ManifestError> {
        self.optional(name).ok_or_else(|| self.error(name, format!("must be {wanted}, is missing")))
    }

    /// Refuses a member that this kind of object must not have.
    pub(crate) fn forbidden(&mut self, name: &str, why: &str) -> Result<(), ManifestError> {
        match self.optional(name) {
            None => Ok(()),
            Some(_) => Err(self.error(name, format!("must not be there: {why}"))),
        }
    }

    /// A string that is neither absent nor empty. Go writes an absent string as an empty one.
    pub(crate) fn nonempty_text(&mut self, name: &str) -> Result<Option<Cow<'a, str>>, ManifestError> {
        Ok(self.optional_text(name)?.filter(|text| !text.is_empty()))
    }

    /// A string, unless it is absent.
    pub(crate) fn optional_text(&mut self, name: &str) -> Result<Option<Cow<'a, str>>, ManifestError> {
        match self.optional(name) {
            None => Ok(None),
            Some(Json::Text(text)) => self.without_nul(name, text).map(Some),
            Some(other) => Err(self.mistyped(name, "a string", &other)),
        }
    }

    /// A string that is not empty.
    pub(crate) fn required_text(&mut self, name: &str) -> Result<Cow<'a, str>, ManifestError> {
        match self.required(name, "a string")? {
            Json::Text(text) if text.is_empty() => Err(self.error(name, "must not be empty")),
            Json::Text(text) => self.without_nul(name, text),
            other => Err(self.mistyped(name, "a string", &other)),
        }
    }

    /// Not every database can keep the character U+0000 in a text, and no name or type has it.
    fn without_nul(&self, name: &str, text: Cow<'a, str>) -> Result<Cow<'a, str>, ManifestError> {
        if text.contains('\0') {
            Err(self.error(name, "must not contain the character U+0000"))
        } else {
            Ok(text)
        }
    }

    /// An array. Empty if it is absent.
    pub(crate) fn optional_list(&mut self, name: &str) -> Result<Vec<Json<'a>>, ManifestError> {
        self.optional(name).map_or(Ok(Vec::new()), |value| self.list(name, value))
    }

    fn list(&self, name: &str, value: Json<'a>) -> Result<Vec<Json<'a>>, ManifestError> {
        match value {
            Json::List(list) => Ok(list),
            other => Err(self.mistyped(name, "an array", &other)),
        }
    }

    /// An array of strings. Empty if it is absent.
    pub(crate) fn texts(&mut self, name: &str) -> Result<Vec<String>, ManifestError> {
        let list = self.optional_list(name)?;
        let path = Path::Member(self.path, name);
        list.into_iter().enumerate().map(|(index, item)| text(item, &Path::Item(&path, index))).collect()
    }

    /// An object whose members are strings. Empty if it is absent.
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

/// Compares names as Go's decoder does: it also takes the long s and the Kelvin sign for letters.
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
