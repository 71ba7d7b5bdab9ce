//! Text that must not reach a log.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Field, Shape};

/// A password or a secret key: goes over the wire as it is, and prints as `***`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the one place that needs it.
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
