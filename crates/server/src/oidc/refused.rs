//! Why a token was not accepted.

use std::fmt;

/// Why a token was not accepted, by what the caller is answered. The words are for people; the token is not in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is none that a configured issuer made for this server.
    InvalidIdentityToken(String),
    /// It was one, and its time is over. A new one helps.
    ExpiredToken(String),
    /// The keys of its issuer cannot be had at present. Trying again helps.
    IdpCommunicationError(String),
    /// It is too short or too long to be looked at.
    ValidationError(String),
}

impl Refused {
    /// It is none that a configured issuer made for this server.
    pub(super) fn invalid(words: impl Into<String>) -> Self {
        Self::InvalidIdentityToken(words.into())
    }

    /// What is the matter, for people.
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
