//! Access keys: the long-lived pairs that sign API calls.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// The public half of an access key: its id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccessKeyId(String);

/// A text that cannot be an access key id.
#[derive(Debug, thiserror::Error)]
#[error("an access key id is 16 to 128 letters, digits and underscores")]
pub struct BadAccessKeyId;

impl AccessKeyId {
    /// The prefix of every generated id.
    pub const PREFIX: &'static str = "GPAK";

    /// Makes an id of 20 characters from 10 random bytes.
    pub fn generate(random: [u8; 10]) -> Self {
        Self::generate_with(Self::PREFIX, random)
    }

    /// Makes an id with the prefix of another kind of key.
    pub(crate) fn generate_with(prefix: &str, random: [u8; 10]) -> Self {
        const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let bits = random.iter().fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
        let tail = (0..16).rev().map(|place| {
            let index = (bits >> (place * 5)) & 31;
            char::from(ALPHABET[usize::try_from(index).unwrap_or_default()])
        });
        Self(prefix.chars().chain(tail).collect())
    }

    /// Reads an id with the length and letters of AWS's.
    ///
    /// # Errors
    /// [`BadAccessKeyId`], which says what an id looks like.
    pub fn parse(text: &str) -> Result<Self, BadAccessKeyId> {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if (16..=128).contains(&text.len()) && text.bytes().all(word) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadAccessKeyId)
        }
    }

    /// The id itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The secret half. `SigV4` needs it in plain text, so it is stored sealed and not hashed.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretAccessKey(String);

/// A text that cannot be a secret access key.
#[derive(Debug, thiserror::Error)]
#[error("a secret access key is 16 to 128 printable ASCII characters without spaces")]
pub struct BadSecretAccessKey;

impl SecretAccessKey {
    /// Makes a secret of 40 characters from 30 random bytes.
    pub fn generate(random: [u8; 30]) -> Self {
        Self(STANDARD_NO_PAD.encode(random))
    }

    /// Reads a secret that somebody else chose.
    ///
    /// # Errors
    /// [`BadSecretAccessKey`] if it is too short or too long, or has a character that an ini file cannot hold.
    pub fn parse(text: &str) -> Result<Self, BadSecretAccessKey> {
        if (16..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadSecretAccessKey)
        }
    }

    /// The secret in plain text, for signing, sealing, or handing it over once.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretAccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretAccessKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_pairs_are_ones_we_accept() {
        let id = AccessKeyId::generate([0xff; 10]);
        assert_eq!(id.as_str(), "GPAK7777777777777777");
        assert_eq!(AccessKeyId::generate([0; 10]).as_str(), "GPAKAAAAAAAAAAAAAAAA");
        assert!(AccessKeyId::parse(id.as_str()).is_ok());
        let secret = SecretAccessKey::generate([7; 30]);
        assert_eq!(secret.expose().len(), 40);
        assert!(SecretAccessKey::parse(secret.expose()).is_ok());
    }

    #[test]
    fn a_secret_does_not_print() {
        let secret = SecretAccessKey::parse("wJalrXUtnFEMI/K7MDENG").unwrap();
        assert_eq!(format!("{secret:?}"), "SecretAccessKey(***)");
    }

    #[test]
    fn what_would_break_a_header_or_a_file_is_no_key() {
        for bad in ["short", "has space in it here", "AKID/SLASH/0123456", "ключключключключ"]
        {
            assert!(AccessKeyId::parse(bad).is_err(), "{bad}");
        }
        assert!(SecretAccessKey::parse("sixteen chars plus").is_err());
    }
}
