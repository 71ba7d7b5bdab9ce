//! Why a token was not accepted.

use std::fmt;

/// Why a token was not accepted. Each variant is one error code of the answer. The text is for people and never
/// contains the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The token was not made by a configured issuer for this server.
    InvalidIdentityToken(String),
    /// The token was valid and has expired. The caller needs a new one.
    ExpiredToken(String),
    /// The issuer's keys cannot be fetched at present. The caller can try again.
    IdpCommunicationError(String),
    /// The token is too short or too long to be read.
    ValidationError(String),
}

impl Refused {
    /// A refusal as [`Self::InvalidIdentityToken`].
    pub(super) fn invalid(words: impl Into<String>) -> Self {
        Self::InvalidIdentityToken(words.into())
    }

    /// The reason, for people.
    pub fn words(&self) -> &str {
        match self {
            Self::InvalidIdentityToken(words)
            | Self::ExpiredToken(words)
            | Self::IdpCommunicationError(words)
            | Self::ValidationError(words) => words,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

impl std::error::Error for Refused {}
