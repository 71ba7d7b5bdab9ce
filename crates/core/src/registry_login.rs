//! Registry logins: temporary credentials for `docker login`.
//!
//! A password is `gpl_`, 256 random bits, and a checksum, all in URL-safe characters. The prefix lets leak scanners
//! find passwords. The checksum refuses a mistyped one without a query to the database. Only the SHA-256 is stored:
//! for 256 random bits a slow hash protects no better, and docker repeats the password with every request.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// The life of a login: exactly twelve hours (`CreateContainerServiceRegistryLogin`).
pub const LIFETIME: Duration = Duration::from_hours(12);

/// The user name of every login.
pub const USERNAME: &str = "AWS";

const PREFIX: &str = "gpl_";
const SECRET_CHARS: usize = 43;
const CHECKSUM_CHARS: usize = 6;

/// The row number of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LoginId(pub i64);

/// A password in plain text. It is only in the answer that hands it over and in the client's requests.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// Makes a password from 32 random bytes.
    pub fn generate(random: [u8; 32]) -> Self {
        let secret = URL_SAFE_NO_PAD.encode(random);
        let checksum = checksum(&secret);
        Self(format!("{PREFIX}{secret}{checksum}"))
    }

    /// Reads a password that a client sent. `None` if no login can have it.
    pub fn parse(text: &str) -> Option<Self> {
        let body = text.strip_prefix(PREFIX)?;
        if body.len() != SECRET_CHARS + CHECKSUM_CHARS || !body.is_ascii() {
            return None;
        }
        let (secret, check) = body.split_at(SECRET_CHARS);
        (checksum(secret) == check).then(|| Self(text.to_owned()))
    }

    /// The hash that the database stores.
    pub fn hash(&self) -> PasswordHash {
        PasswordHash(Sha256::digest(self.0.as_bytes()).into())
    }

    /// The password in plain text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

fn checksum(secret: &str) -> String {
    let digest = Sha256::new().chain_update(b"gangplank registry login").chain_update(secret).finalize();
    let mut text = URL_SAFE_NO_PAD.encode(digest);
    text.truncate(CHECKSUM_CHARS);
    text
}

/// The SHA-256 of a password. A login is found by this hash. Nothing else of the password is stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PasswordHash(pub [u8; 32]);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(***)")
    }
}

/// The actions that a login was made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scope {
    /// Upload blobs and put manifests.
    pub push: bool,
    /// Read blobs, manifests, tags and referrers.
    pub pull: bool,
    /// Delete blobs, manifests and tags.
    pub delete: bool,
}

impl Scope {
    /// The scope of the push login that Lightsail's call makes.
    pub const PUSH: Self = Self { push: true, pull: false, delete: false };
    /// The scope of a login for a machine that runs a service's images.
    pub const PULL: Self = Self { push: false, pull: true, delete: false };

    /// The names of its actions, in the order of the command line's documentation.
    pub fn words(self) -> Vec<&'static str> {
        [(self.push, "push"), (self.pull, "pull"), (self.delete, "delete")]
            .into_iter()
            .filter_map(|(given, word)| given.then_some(word))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_login_lives_exactly_twelve_hours() {
        assert_eq!(LIFETIME.as_secs(), 12 * 60 * 60);
    }

    #[test]
    fn a_password_does_not_print() {
        let password = Password::generate([9; 32]);
        assert!(!format!("{password:?}{:?}", password.hash()).contains(&password.expose()[4..]));
    }

    proptest! {
        #[test]
        fn a_password_reads_back_and_is_url_safe(random: [u8; 32]) {
            let password = Password::generate(random);
            prop_assert!(password.expose().bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
            let again = Password::parse(password.expose()).unwrap();
            prop_assert_eq!(again.hash(), password.hash());
        }

        #[test]
        fn one_wrong_character_is_refused_without_a_lookup(random: [u8; 32], at in 4usize..53) {
            let mut text = Password::generate(random).expose().to_owned();
            let wrong = if &text[at..=at] == "A" { "B" } else { "A" };
            text.replace_range(at..=at, wrong);
            prop_assert!(Password::parse(&text).is_none());
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let _ = Password::parse(&text);
        }
    }
}
