//! The keys of an issuer.

use anyhow::{Context as _, Result, bail};
use gangplank_api::strict_json;
use jsonwebtoken::Algorithm;
use serde_json::Value;

use super::header::Header;
use super::key::Key;

/// The keys of an issuer that can verify tokens.
#[derive(Debug)]
pub(super) struct KeySet(Vec<Key>);

/// Why a token's key was not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoKey {
    /// The issuer has no such key.
    Unknown,
    /// The key that the token names cannot verify this algorithm.
    Unfit(Algorithm),
}

impl KeySet {
    /// Reads a JWK set. Unknown keys, and keys that are not for signatures, are left out.
    ///
    /// # Errors
    /// If the text is no JWK set.
    pub(super) fn read(text: &[u8]) -> Result<Self> {
        let json = strict_json(text).context("is no JSON")?;
        let Some(Value::Array(keys)) = json.get("keys") else {
            bail!("is no JWK set: it has no list `keys`");
        };
        Ok(Self(keys.iter().filter_map(Key::read).collect()))
    }

    /// The number of keys.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The key that a token names by its id. If the token names none, the only key of the set.
    pub(super) fn find(&self, header: &Header) -> Result<&Key, NoKey> {
        let named = match &header.key_id {
            Some(_) => self.0.iter().filter(|key| key.id == header.key_id).collect(),
            None if self.0.len() == 1 => vec![&self.0[0]],
            None => Vec::new(),
        };
        if named.is_empty() {
            return Err(NoKey::Unknown);
        }
        // Two keys of different kinds may share an id (RFC 7517).
        let mut fitting = named.into_iter().filter(|key| key.fits(header.algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key),
            _ => Err(NoKey::Unfit(header.algorithm)),
        }
    }
}
