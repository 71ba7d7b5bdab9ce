//! A place in S3: a bucket and a prefix of keys.

use std::fmt;
use std::str::FromStr;

/// A bucket and a prefix, as in `s3://bucket/prefix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The bucket's name.
    pub bucket: String,
    /// The beginning of all keys, without a slash at either end. May be empty.
    pub prefix: String,
}

/// The reason why a text is no location.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoLocation {
    /// The text does not begin with `s3://`.
    #[error("{0:?} is no place in S3; write s3://bucket/prefix")]
    NoScheme(String),
    /// S3 does not allow this name of a bucket.
    #[error(
        "{0:?} cannot be a bucket's name: those have 3 to 63 lower-case letters, digits, hyphens and dots, and begin \
         and end with a letter or digit"
    )]
    Bucket(String),
    /// The prefix has characters or parts that keys of this program may not have.
    #[error(
        "the prefix {0:?} has an empty or a dotted part, or a character that is not plain, or is longer than 512 bytes"
    )]
    Prefix(String),
}

impl Location {
    /// The key of a name under the prefix.
    pub fn key(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) }
    }

    /// The part of a key behind the prefix; `None` if the key does not begin with the prefix.
    pub fn name<'k>(&self, key: &'k str) -> Option<&'k str> {
        if self.prefix.is_empty() {
            return Some(key);
        }
        key.strip_prefix(&self.prefix)?.strip_prefix('/')
    }
}

impl FromStr for Location {
    type Err = NoLocation;

    fn from_str(text: &str) -> Result<Self, NoLocation> {
        let rest = text.strip_prefix("s3://").ok_or_else(|| NoLocation::NoScheme(text.to_owned()))?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if !is_bucket(bucket) {
            return Err(NoLocation::Bucket(bucket.to_owned()));
        }
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        let is_part = |part: &str| {
            let is_plain = |letter: char| letter.is_ascii_graphic() && !"\\^`\"{}[]<>|#?%&".contains(letter);
            !matches!(part, "" | "." | "..") && part.chars().all(is_plain)
        };
        if !prefix.is_empty() && (prefix.len() > 512 || !prefix.split('/').all(is_part)) {
            return Err(NoLocation::Prefix(prefix.to_owned()));
        }
        Ok(Self { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }
}

fn is_bucket(name: &str) -> bool {
    let is_end =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = name.as_bytes();
    (3..=63).contains(&bytes.len())
        && is_end(bytes.first())
        && is_end(bytes.last())
        && bytes.iter().all(|byte| is_end(Some(byte)) || b"-.".contains(byte))
        && !name.contains("..")
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_bucket_and_a_prefix() {
        for (text, bucket, prefix) in [
            ("s3://images", "images", ""),
            ("s3://images/", "images", ""),
            ("s3://my.images-1/env=prod/registry/", "my.images-1", "env=prod/registry"),
        ] {
            let location: Location = text.parse().unwrap();
            assert_eq!((location.bucket.as_str(), location.prefix.as_str()), (bucket, prefix), "{text}");
        }
        let location: Location = "s3://images/a/b".parse().unwrap();
        assert_eq!(location.to_string(), "s3://images/a/b");
        assert_eq!(location.key("x"), "a/b/x");
        assert_eq!((location.name("a/b/x"), location.name("a/bc/x")), (Some("x"), None));
    }

    #[test]
    fn what_is_no_location_is_refused() {
        for bad in [
            "images",
            "/images",
            "http://images",
            "s3:/images",
            "s3://",
            "s3://ab",
            "s3://Images",
            "s3://a_b_c",
            "s3://-images",
            "s3://images-",
            "s3://ima..ges",
            "s3://images//a",
            "s3://images/a//b",
            "s3://images/../b",
            "s3://images/a b",
            "s3://images/a?b",
            "s3://images/a%20b",
            "s3://images/ä",
            "s3://images/a\n",
        ] {
            assert!(bad.parse::<Location>().is_err(), "{bad:?}");
        }
    }
}
