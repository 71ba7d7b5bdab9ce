//! Names of repositories.

use crate::text::checked_text;

/// The name of a repository, without the registry's host: `sr`, `team/app`.
///
/// The grammar is the distribution specification's ("Pulling manifests"). Components consist of lower-case letters
/// and digits, joined by `.`, `_`, `__` or any number of `-`. Components are joined by `/`. A name has at most
/// [`RepositoryName::MAX_LENGTH`] bytes. So no name contains `..`, an empty component, a `%`, or anything else that
/// has a meaning in a file system or a URL.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct RepositoryName(Box<str>);

checked_text!(RepositoryName, NameError);

/// The reason for which a text is no [`RepositoryName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is empty.
    #[error("a repository name must not be empty")]
    Empty,
    /// The text has more than [`RepositoryName::MAX_LENGTH`] bytes.
    #[error("a repository name has at most 255 bytes")]
    TooLong,
    /// The text does not follow the grammar of names.
    #[error(
        "a repository name is made of components of lower-case letters and digits, separated inside by `.`, `_`, \
         `__` or dashes, and joined by `/`"
    )]
    Malformed,
}

impl RepositoryName {
    /// The longest name in bytes. Clients accept this much for host and name together, so no longer name could be
    /// pulled. Code that knows the host checks the sum.
    pub const MAX_LENGTH: usize = 255;

    /// Checks a name.
    pub fn parse(text: &str) -> Result<RepositoryName, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > Self::MAX_LENGTH {
            return Err(NameError::TooLong);
        }
        if !text.split('/').all(is_component) {
            return Err(NameError::Malformed);
        }
        Ok(RepositoryName(text.into()))
    }
}

/// Whether a text is runs of letters and digits, with one separator between two runs and none at either end.
fn is_component(component: &str) -> bool {
    let mut rest = component.as_bytes();
    loop {
        let run = rest.iter().take_while(|b| b.is_ascii_lowercase() || b.is_ascii_digit()).count();
        if run == 0 {
            return false;
        }
        rest = match &rest[run..] {
            [] => return true,
            [b'_', b'_', rest @ ..] | [b'.' | b'_', rest @ ..] => rest,
            [b'-', dashed @ ..] => &dashed[dashed.iter().take_while(|b| **b == b'-').count()..],
            _ => return false,
        };
    }
}
