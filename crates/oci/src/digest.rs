//! Content addresses.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

use crate::Hasher;

/// A hash function of a digest. The image specification registers both (descriptor.md, "Registered algorithms"). A
/// registry has to support only SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// `sha256`, which every client uses.
    Sha256,
    /// `sha512`, three times as slow here. It is used if a client asks for it.
    Sha512,
}

impl Algorithm {
    /// The identifier before the colon.
    pub const fn as_str(self) -> &'static str {
        match self {
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha512 => "sha512",
        }
    }

    /// The algorithm with an identifier, if it is one of these.
    pub fn parse(identifier: &str) -> Option<Algorithm> {
        match identifier {
            "sha256" => Some(Algorithm::Sha256),
            "sha512" => Some(Algorithm::Sha512),
            _ => None,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The digest of content: the hash function, and its value.
///
/// Prints and parses as `sha256:<64 hex digits>` (image specification, descriptor.md, "Digests"). Only lower case is
/// accepted, so each content has one spelling. It is stored as raw bytes, and sorts like the printed form.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Digest(Value);

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Value {
    Sha256([u8; 32]),
    Sha512([u8; 64]),
}

/// The reason for which a text is no [`Digest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// The text is not `algorithm:hex` with the right number of lower-case hex digits.
    #[error("a digest is `sha256:` and 64 lower-case hex digits, or `sha512:` and 128")]
    Malformed,
    /// The hash function is unknown here, so the content could not be verified.
    #[error("the digest algorithm is not supported; use sha256 or sha512")]
    UnsupportedAlgorithm,
}

impl Digest {
    /// Reads `algorithm:hex`.
    pub fn parse(text: &str) -> Result<Digest, DigestError> {
        let (identifier, hex) = text.split_once(':').ok_or(DigestError::Malformed)?;
        let hex = hex.as_bytes();
        let value = match Algorithm::parse(identifier) {
            Some(Algorithm::Sha256) => Value::Sha256(decode_hex(hex).ok_or(DigestError::Malformed)?),
            Some(Algorithm::Sha512) => Value::Sha512(decode_hex(hex).ok_or(DigestError::Malformed)?),
            None if is_algorithm_identifier(identifier) => return Err(DigestError::UnsupportedAlgorithm),
            None => return Err(DigestError::Malformed),
        };
        Ok(Digest(value))
    }

    /// The digest of `content`.
    pub fn of(algorithm: Algorithm, content: &[u8]) -> Digest {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(content);
        hasher.finish()
    }

    /// The SHA-256 digest of `content`.
    pub fn sha256(content: &[u8]) -> Digest {
        Digest::of(Algorithm::Sha256, content)
    }

    pub(crate) fn from_sha256(value: [u8; 32]) -> Digest {
        Digest(Value::Sha256(value))
    }

    pub(crate) fn from_sha512(value: [u8; 64]) -> Digest {
        Digest(Value::Sha512(value))
    }

    /// The hash function.
    pub const fn algorithm(&self) -> Algorithm {
        match self.0 {
            Value::Sha256(_) => Algorithm::Sha256,
            Value::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// Reads the bytes that [`as_bytes`](Self::as_bytes) returns. Their number shows which hash function made
    /// them.
    pub fn from_bytes(bytes: &[u8]) -> Option<Digest> {
        let sha256 = bytes.try_into().ok().map(Digest::from_sha256);
        sha256.or_else(|| bytes.try_into().ok().map(Digest::from_sha512))
    }

    /// The value of the hash function, as raw bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Value::Sha256(value) => value,
            Value::Sha512(value) => value,
        }
    }

    /// The part after the colon, as hex digits.
    pub fn hex(&self) -> String {
        Hex(self.as_bytes()).to_string()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm(), Hex(self.as_bytes()))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Digest, DigestError> {
        Digest::parse(text)
    }
}

impl TryFrom<String> for Digest {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Digest, DigestError> {
        Digest::parse(&text)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Prints at most 64 bytes as hex, without allocating memory.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut buffer = [0; 128];
        for (pair, byte) in buffer.as_chunks_mut::<2>().0.iter_mut().zip(self.0) {
            *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
        }
        let written = &buffer[..buffer.len().min(self.0.len() * 2)];
        f.write_str(std::str::from_utf8(written).map_err(|_| fmt::Error)?)
    }
}

/// Reads `N` bytes from exactly `2 * N` lower-case hex digits.
fn decode_hex<const N: usize>(hex: &[u8]) -> Option<[u8; N]> {
    let (pairs, rest) = hex.as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut value = [0; N];
    for (byte, [high, low]) in value.iter_mut().zip(pairs) {
        *byte = hex_digit(*high)? << 4 | hex_digit(*low)?;
    }
    Some(value)
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// Whether a text has the form of an algorithm, known or not: `[a-z0-9]+` joined by single `+`, `.`, `_` or `-`.
fn is_algorithm_identifier(identifier: &str) -> bool {
    identifier.split(['+', '.', '_', '-']).all(|component| {
        !component.is_empty() && component.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    })
}
