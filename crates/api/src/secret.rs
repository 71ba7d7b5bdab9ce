//! Texts that must not appear in a log.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Field, Shape};

/// A password or a secret key. It is serialised as it is, and printed as `***`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself. Call this only where it is needed.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

impl Field for Secret {
    const SHAPE: &'static Shape = String::SHAPE;
}
