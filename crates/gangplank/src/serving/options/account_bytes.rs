//! The limit for an account's bytes, as an operator writes it.

use std::str::FromStr;

use serde::Deserialize;

use crate::values::byte_size::ByteSize;

/// A size, or `auto`, which derives it from the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) struct AccountBytes(pub(crate) Option<u64>);

impl FromStr for AccountBytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "auto" {
            return Ok(Self(None));
        }
        text.parse().map(|size: ByteSize| Self(Some(size.0))).map_err(|error| format!("{error}, or auto"))
    }
}

/// The forms that TOML allows.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a size is written \"10GiB\", \"512MiB\" or \"10 GB\", or is a number of bytes, or \"auto\""
)]
enum Written {
    Size(ByteSize),
    Text(String),
}

impl TryFrom<Written> for AccountBytes {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Size(size) => Ok(Self(Some(size.0))),
            Written::Text(text) => text.parse(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct File {
        bytes: AccountBytes,
    }

    #[test]
    fn a_size_or_auto() {
        let read = |text: &str| toml::from_str::<File>(text).map(|file| file.bytes.0);
        assert_eq!(read("bytes = 7").unwrap(), Some(7));
        assert_eq!(read("bytes = '10GiB'").unwrap(), Some(10 << 30));
        assert_eq!(read("bytes = 'auto'").unwrap(), None);
        for wrong in ["bytes = -1", "bytes = 'much'", "bytes = true"] {
            assert!(read(wrong).unwrap_err().to_string().contains("auto"), "{wrong}");
        }
        assert_eq!("12".parse(), Ok(AccountBytes(Some(12))));
        assert!("-1".parse::<AccountBytes>().is_err());
    }
}
