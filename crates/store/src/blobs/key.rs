//! The keys of contents.

use std::fmt;

/// The name of content in a blob store: a UUID that is used once.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentKey(String);

impl ContentKey {
    /// A new key.
    pub fn unused() -> Self {
        Self(uuid::Uuid::now_v7().simple().to_string())
    }

    /// Reads a key: 32 lower-case hexadecimal digits, so that it is safe in a path.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 32 && text.bytes().all(hex)).then(|| Self(text.to_owned()))
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// When the key was made, in seconds since 1970 by the clock of its maker; `None` if the key does not tell.
    pub fn made(&self) -> Option<i64> {
        let (seconds, _) = uuid::Uuid::try_parse(&self.0).ok()?.get_timestamp()?.to_unix();
        i64::try_from(seconds).ok()
    }

    /// A store has 256 parts. Returns the number of the part with this content: the last two digits, which are
    /// random.
    pub fn part(&self) -> u8 {
        u8::from_str_radix(&self.0[30..], 16).unwrap_or_default()
    }
}

impl fmt::Display for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
