//! Lists in options: words with commas between them, or an array in a TOML file.

use std::convert::Infallible;
use std::str::FromStr;

use serde::Deserialize;

/// The words of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Written")]
pub(crate) struct CommaList(pub(crate) Vec<String>);

impl FromStr for CommaList {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.split(',').map(|word| word.trim().to_owned()).collect()))
    }
}

/// The forms that TOML allows.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a list is written [\"one\", \"two\"] or \"one,two\"")]
enum Written {
    Several(Vec<String>),
    Text(String),
}

impl From<Written> for CommaList {
    fn from(written: Written) -> Self {
        match written {
            Written::Several(words) => Self(words),
            Written::Text(text) => text.parse().unwrap_or_default(),
        }
    }
}
