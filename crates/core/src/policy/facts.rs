//! Facts of a request: the values of condition keys.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::Timestamp;

use crate::time::Time;

/// The value of a condition key in one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// One value.
    One(String),
    /// A list of values. Only `ForAnyValue` and `ForAllValues` can look into it.
    Many(Vec<String>),
    /// Several values, any of which may match, such as the audiences of a token.
    Alternatives(Vec<String>),
    /// A value that no operator can compare, such as a claim that is an object.
    Opaque,
}

impl Fact {
    /// Whether the fact has no values. Such a fact counts as missing where lists are allowed.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Many(values) | Self::Alternatives(values) => values.is_empty(),
            Self::One(_) | Self::Opaque => false,
        }
    }
}

/// The condition keys of one request with their values. The case of a key does not matter (IAM user guide, "Condition
/// keys").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts(BTreeMap<String, Fact>);

impl Facts {
    /// No facts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key with one value.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.add(key, Fact::One(value.into()));
        self
    }

    /// Adds a key with any number of values.
    #[must_use]
    pub fn with_many(mut self, key: &str, values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.add(key, Fact::Many(values.into_iter().map(Into::into).collect()));
        self
    }

    /// Adds the time of the request: `aws:CurrentTime` and `aws:EpochTime`.
    #[must_use]
    pub fn at(mut self, now: Time) -> Self {
        if let Ok(time) = Timestamp::from_second(now.seconds()) {
            self.add("aws:CurrentTime", Fact::One(time.to_string()));
        }
        self.add("aws:EpochTime", Fact::One(now.seconds().to_string()));
        self
    }

    /// Adds a key. If it already has another value, no operator can compare it any more, because its meaning would be
    /// ambiguous.
    pub fn add(&mut self, key: &str, fact: Fact) {
        match self.0.entry(key.to_lowercase()) {
            Entry::Vacant(entry) => {
                entry.insert(fact);
            }
            Entry::Occupied(mut entry) => {
                if *entry.get() != fact {
                    entry.insert(Fact::Opaque);
                }
            }
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Fact> {
        self.0.get(&key.to_lowercase())
    }

    /// The value of a key in lower case.
    pub(super) fn get_folded(&self, key: &str) -> Option<&Fact> {
        self.0.get(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_same_in_any_case() {
        let facts = Facts::new().with("aws:SourceIp", "192.0.2.1").with("AWS:sourceip", "192.0.2.1");
        assert_eq!(facts.get("aws:SOURCEIP"), Some(&Fact::One("192.0.2.1".to_owned())));
    }

    #[test]
    fn two_values_of_one_key_are_none() {
        let facts = Facts::new().with("i:sub", "a").with("i:SUB", "b");
        assert_eq!(facts.get("i:sub"), Some(&Fact::Opaque));
    }

    #[test]
    fn the_time_is_told_in_both_forms() {
        let facts = Facts::new().at(Time(1_795_747_200_999));
        assert_eq!(facts.get("aws:CurrentTime"), Some(&Fact::One("2026-11-27T02:40:00Z".to_owned())));
        assert_eq!(facts.get("aws:EpochTime"), Some(&Fact::One("1795747200".to_owned())));
    }
}
