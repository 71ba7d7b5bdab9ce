//! Patterns of repositories that a login is limited to.

use std::fmt;

use super::pattern::{Grammar, Pattern};

/// A pattern of names of repositories: `*` and `?` match within a segment of the path, `**` across segments. It is
/// the same as `StringLike` on `gangplank:Repository`.
#[derive(Clone, Debug, PartialEq)]
pub struct RepositoryPattern {
    text: String,
    pattern: Pattern,
}

/// A text that no repository could match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a repository is named by lower-case letters, digits, '.', '_', '-' and '/', at most 255, with * for any \
     characters within a segment, ? for one, and ** for any across segments"
)]
pub struct BadRepositoryPattern;

impl RepositoryPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// If no repository could match it.
    pub fn parse(text: &str) -> Result<Self, BadRepositoryPattern> {
        let allowed = |byte: u8| {
            byte.is_ascii_lowercase()
                || byte.is_ascii_digit()
                || matches!(byte, b'.' | b'_' | b'-' | b'/' | b'*' | b'?')
        };
        let ends = |text: &str| text.starts_with('/') || text.ends_with('/') || text.contains("//");
        if text.is_empty() || text.len() > 255 || ends(text) || !text.bytes().all(allowed) {
            return Err(BadRepositoryPattern);
        }
        let pattern = Pattern::parse(text, Grammar::Path).map_err(|_| BadRepositoryPattern)?;
        Ok(Self { text: text.to_owned(), pattern })
    }

    /// Whether the repository matches.
    pub fn matches(&self, repository: &str) -> bool {
        self.pattern.matches_plain(repository)
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for RepositoryPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_star_stays_in_its_segment_and_two_cross() {
        for (pattern, repository, fits) in [
            ("sr", "sr", true),
            ("sr", "srx", false),
            ("team/*", "team/app", true),
            ("team/*", "team/app/debug", false),
            ("team/**", "team/app/debug", true),
            ("team/**", "teams/app", false),
            ("**", "a/b", true),
            ("app-?", "app-1", true),
        ] {
            assert_eq!(RepositoryPattern::parse(pattern).unwrap().matches(repository), fits, "{pattern}");
        }
        for bad in ["", "Team", "/a", "a/", "a//b", "a:b", "a b", "${aws:userid}", &"a".repeat(256)] {
            assert_eq!(RepositoryPattern::parse(bad), Err(BadRepositoryPattern), "{bad}");
        }
    }
}
