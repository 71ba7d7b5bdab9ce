//! The parameters of a call, read from a form.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use super::StsError;

/// The parameters of a call: names and values, with each name once.
pub struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads a body of the type `application/x-www-form-urlencoded`.
    ///
    /// # Errors
    /// If a name is there twice, because the meaning would be unclear.
    pub fn parse(body: &[u8]) -> Result<Self, StsError> {
        let mut parameters = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(body) {
            match parameters.entry(name.into_owned()) {
                Entry::Vacant(entry) => entry.insert(value.into_owned()),
                Entry::Occupied(entry) => {
                    let name: String = entry.key().chars().take(64).collect();
                    return Err(StsError::validation(format!("The parameter '{name}' is given twice.")));
                }
            };
        }
        Ok(Self(parameters))
    }

    /// The value of a parameter; `None` if it was not given.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether there is a parameter of this name, or one that belongs to the list of this name, such as
    /// `Name.member.1.arn`.
    pub(super) fn has_list(&self, name: &str) -> bool {
        let belongs = |other: &String| {
            other.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.0.keys().any(belongs)
    }
}

/// Hides the values, which may be tokens.
impl fmt::Debug for Parameters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}
