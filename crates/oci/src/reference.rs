//! The reference in a URL, after `/manifests/`.

use std::fmt;
use std::str::FromStr;

use crate::text::checked_text;
use crate::{Digest, DigestError};

/// A name that a repository gives to one of its manifests. It can be moved to another manifest.
///
/// At most 128 letters, digits, `_`, `.` and `-`. The first is neither `.` nor `-` (distribution specification,
/// "Pulling manifests").
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Tag(Box<str>);

checked_text!(Tag, TagError);

/// A text that is no [`Tag`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tag is 1 to 128 letters, digits, `_`, `.` and `-`, and begins with none of the last two")]
pub struct TagError;

impl Tag {
    /// The longest tag, in bytes.
    pub const MAX_LENGTH: usize = 128;

    /// Checks a tag.
    pub fn parse(text: &str) -> Result<Tag, TagError> {
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        match text.as_bytes() {
            [first, rest @ ..]
                if rest.len() < Self::MAX_LENGTH
                    && word(*first)
                    && rest.iter().all(|b| word(*b) || matches!(b, b'.' | b'-')) =>
            {
                Ok(Tag(text.into()))
            }
            _ => Err(TagError),
        }
    }

    /// Whether clients look under this tag for referrers of a manifest, such as its signatures. Such a tag is the
    /// manifest's digest with a `-` for its colon, the hash cut to 64 digits, and perhaps a suffix (distribution
    /// specification, "Referrers Tag Schema"; cosign adds `.sig`).
    pub fn is_about_a_manifest(&self) -> bool {
        let hash = ["sha256-", "sha512-"].iter().find_map(|algorithm| self.0.strip_prefix(algorithm));
        let hash = hash.and_then(|hash| hash.as_bytes().get(..64));
        hash.is_some_and(|hash| hash.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
    }
}

/// How a request names a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reference {
    /// A tag, which can be moved.
    Tag(Tag),
    /// The digest of the manifest's bytes.
    Digest(Digest),
}

/// The reason for which a text is no [`Reference`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// It has no colon, so it can only be a tag, and is not valid.
    #[error(transparent)]
    Tag(#[from] TagError),
    /// It has a colon, so it can only be a digest, and is not valid.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

impl Reference {
    /// Parses a reference. A colon decides: every digest has one, and no tag has.
    pub fn parse(text: &str) -> Result<Reference, ReferenceError> {
        if text.contains(':') {
            Ok(Reference::Digest(Digest::parse(text)?))
        } else {
            Ok(Reference::Tag(Tag::parse(text)?))
        }
    }

    /// The tag, if it is one.
    pub fn tag(&self) -> Option<&Tag> {
        match self {
            Reference::Tag(tag) => Some(tag),
            Reference::Digest(_) => None,
        }
    }

    /// The digest, if it is one.
    pub fn digest(&self) -> Option<&Digest> {
        match self {
            Reference::Tag(_) => None,
            Reference::Digest(digest) => Some(digest),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reference::Tag(tag) => tag.fmt(f),
            Reference::Digest(digest) => digest.fmt(f),
        }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Reference, ReferenceError> {
        Reference::parse(text)
    }
}

impl From<Tag> for Reference {
    fn from(tag: Tag) -> Reference {
        Reference::Tag(tag)
    }
}

impl From<Digest> for Reference {
    fn from(digest: Digest) -> Reference {
        Reference::Digest(digest)
    }
}
