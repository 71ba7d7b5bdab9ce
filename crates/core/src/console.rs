//! Logins to the web console: their lives, and the secrets that open them.
//!
//! A secret is 256 random bits in URL-safe characters. A one-time link has one, and so has the cookie that replaces
//! it. Only its SHA-256 is stored.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::time::Time;

/// The life of a one-time link.
pub const LINK: Duration = Duration::from_mins(1);
/// The life of a login without any request.
pub const IDLE: Duration = Duration::from_mins(30);
/// The longest life of a login.
pub const LONGEST: Duration = Duration::from_hours(8);
/// A login's end is stored again only if it is this much later.
const STEP: Duration = Duration::from_mins(1);

/// The number of characters of a secret.
const CHARS: usize = 43;

/// A secret in plain text. It is in a link or a cookie, and nowhere on the server.
#[derive(Clone)]
pub struct ConsoleSecret(String);

impl ConsoleSecret {
    /// Makes a secret from 32 random bytes.
    pub fn generate(random: [u8; 32]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(random))
    }

    /// Reads a secret that a browser sent. `None` if no secret has this form.
    pub fn parse(text: &str) -> Option<Self> {
        let is_one = text.len() == CHARS && URL_SAFE_NO_PAD.decode(text).is_ok();
        is_one.then(|| Self(text.to_owned()))
    }

    /// The hash that the database stores.
    pub fn hash(&self) -> ConsoleSecretHash {
        ConsoleSecretHash(Sha256::digest(self.0.as_bytes()).into())
    }

    /// The secret in plain text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ConsoleSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConsoleSecret(***)")
    }
}

/// The SHA-256 of a secret. Links and logins are found by it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConsoleSecretHash(pub [u8; 32]);

impl fmt::Debug for ConsoleSecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConsoleSecretHash(***)")
    }
}

/// The end of a login that is used at `now`. It never lies after `longest`.
pub fn over_at(now: Time, longest: Time) -> Time {
    now.plus(IDLE).min(longest)
}

/// The new end of a login, if it is much later than the stored end `noted`. Otherwise a write is not worth
/// while.
pub fn prolonged(noted: Time, now: Time, longest: Time) -> Option<Time> {
    let over_at = over_at(now, longest);
    (over_at > noted.plus(STEP) || over_at == longest && over_at > noted).then_some(over_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_reads_back_and_does_not_print() {
        let secret = ConsoleSecret::generate([9; 32]);
        assert_eq!(ConsoleSecret::parse(secret.expose()).unwrap().hash(), secret.hash());
        assert!(!format!("{secret:?}{:?}", secret.hash()).contains(&secret.expose()[4..]));
        for bad in ["", "short", &"a".repeat(44), &"*".repeat(43), &format!("{}=", &secret.expose()[1..])] {
            assert!(ConsoleSecret::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_login_ends_after_a_pause_and_after_a_day_of_work() {
        let (start, longest) = (Time(0), Time(0).plus(LONGEST));
        let noted = over_at(start, longest);
        assert_eq!(noted, start.plus(IDLE));
        assert_eq!(prolonged(noted, Time(30_000), longest), None, "not each request is a write");
        let later = start.plus(Duration::from_mins(5));
        assert_eq!(prolonged(noted, later, longest), Some(later.plus(IDLE)));
        let late = longest.minus(Duration::from_mins(10));
        assert_eq!(prolonged(longest.minus(Duration::from_secs(10)), late, longest), Some(longest));
        assert_eq!(prolonged(longest, late, longest), None);
    }
}
