//! How many bytes an account may have, as an operator says it.

use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// A number of bytes, or `auto`: then the disk decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AccountBytes(pub(crate) Option<u64>);

impl FromStr for AccountBytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self(None));
        }
        let number = text.parse().map_err(|_| "it is a number of bytes, or auto".to_owned())?;
        Ok(Self(Some(number)))
    }
}

impl<'de> Deserialize<'de> for AccountBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = AccountBytes;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number of bytes, or \"auto\"")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<AccountBytes, E> {
                let bytes = u64::try_from(number);
                bytes
                    .map(|bytes| AccountBytes(Some(bytes)))
                    .map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<AccountBytes, E> {
                text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Either)
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
    fn a_number_or_auto() {
        let read = |text: &str| toml::from_str::<File>(text).map(|file| file.bytes.0);
        assert_eq!(read("bytes = 7").unwrap(), Some(7));
        assert_eq!(read("bytes = 'auto'").unwrap(), None);
        for wrong in ["bytes = -1", "bytes = 'much'", "bytes = true"] {
            assert!(
                read(wrong).unwrap_err().to_string().contains("a number of bytes, or \"auto\""),
                "{wrong}"
            );
        }
        assert_eq!("12".parse(), Ok(AccountBytes(Some(12))));
        assert!("-1".parse::<AccountBytes>().is_err());
    }
}
