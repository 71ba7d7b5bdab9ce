//! Roles, which the holder of an identity token can assume for a while.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::access_key::AccessKeyId;
use crate::tenant::AccountId;

/// The shortest session of a role. (STS: `DurationSeconds`.)
pub const SHORTEST_SESSION: Duration = Duration::from_mins(15);

/// The longest session that a role may allow.
pub const LONGEST_SESSION: Duration = Duration::from_hours(12);

/// The default life of a session, and the default limit of a role.
pub const DEFAULT_SESSION: Duration = Duration::from_hours(1);

/// The prefix of temporary keys' ids.
pub const SESSION_KEY_PREFIX: &str = "GPAS";

/// Makes the id of a temporary key from 10 random bytes.
pub fn session_key(random: [u8; 10]) -> AccessKeyId {
    AccessKeyId::generate_with(SESSION_KEY_PREFIX, random)
}

/// Whether only a temporary key can have this id.
pub fn is_session_key(id: &AccessKeyId) -> bool {
    id.as_str().starts_with(SESSION_KEY_PREFIX)
}

macro_rules! name {
    ($(#[doc = $doc:literal])+ $type:ident, $bad:ident, $error:literal, $least:literal, $most:literal) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $type(String);

        /// A text that is no valid name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
        #[error($error)]
        pub struct $bad;

        impl $type {
            /// Reads a name.
            ///
            /// # Errors
            /// If the text is no valid name. The error describes the form of a name.
            pub fn parse(text: &str) -> Result<Self, $bad> {
                let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
                if ($least..=$most).contains(&text.len()) && text.bytes().all(allowed) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err($bad)
                }
            }

            /// The name itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// The name of a role, unique in its account. (IAM: `RoleName`.)
    RoleName,
    BadRoleName,
    "the name of a role is 1 to 64 letters, digits and any of _+=,.@-",
    1,
    64
);

name!(
    /// The name of a session, which its maker chooses. (STS: `RoleSessionName`.)
    SessionName,
    BadSessionName,
    "the name of a session is 2 to 64 letters, digits and any of _+=,.@-",
    2,
    64
);

/// The id of a role, never used twice.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoleId(String);

impl RoleId {
    const PREFIX: &str = "GPAR";

    /// Makes an id of 20 characters from 10 random bytes.
    pub fn generate(random: [u8; 10]) -> Self {
        Self(AccessKeyId::generate_with(Self::PREFIX, random).as_str().to_owned())
    }

    /// Reads an id. `None` if the text is no such id.
    pub fn parse(text: &str) -> Option<Self> {
        let known = text.len() == 20
            && text.starts_with(Self::PREFIX)
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        known.then(|| Self(text.to_owned()))
    }

    /// The id itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The ARN of a role in AWS's form.
pub fn arn(account: &AccountId, name: &RoleName) -> String {
    format!("arn:aws:iam::{account}:role/{name}")
}

/// The account and the name of the role in an ARN. `None` if it is no ARN of a role. Roles have no paths here.
pub fn parse_arn(text: &str) -> Option<(AccountId, RoleName)> {
    let (account, name) = text.strip_prefix("arn:aws:iam::")?.split_once(":role/")?;
    Some((AccountId::parse(account).ok()?, RoleName::parse(name).ok()?))
}

/// The SHA-256 of a session token. Nothing else of the token is stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// The hash of a token.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(***)")
    }
}

/// The recorded claims of a verified token, by name. They say which job something came from.
pub type Claims = BTreeMap<String, String>;

/// The largest sum of a session's recorded claims, names and values together, in bytes.
pub const MOST_CLAIM_BYTES: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_reads_back() {
        let (account, name) = (AccountId::root(), RoleName::parse("push-web").unwrap());
        let text = arn(&account, &name);
        assert_eq!(text, "arn:aws:iam::000000000000:role/push-web");
        assert_eq!(parse_arn(&text), Some((account, name)));
        for bad in [
            "",
            "arn:aws:iam::000000000000:user/x",
            "arn:aws:iam::0:role/x",
            "arn:aws:iam::000000000000:role/",
            "arn:aws:iam::000000000000:role/path/x",
            "arn:aws-cn:iam::000000000000:role/x",
        ] {
            assert_eq!(parse_arn(bad), None, "{bad}");
        }
    }

    #[test]
    fn names_have_the_letters_that_aws_gives_them() {
        assert!(RoleName::parse("a").is_ok() && SessionName::parse("a").is_err());
        for bad in ["", "a/b", "a b", "ä", &"a".repeat(65)] {
            assert!(RoleName::parse(bad).is_err() && SessionName::parse(bad).is_err(), "{bad}");
        }
        assert!(SessionName::parse("botocore-session-1795743306").is_ok());
    }

    #[test]
    fn ids_tell_what_they_are_of() {
        let id = RoleId::generate([7; 10]);
        assert_eq!(RoleId::parse(id.as_str()), Some(id));
        for bad in ["GPAK7777777777777777", "GPAR777777777777777", "GPAR777777777777777a"] {
            assert_eq!(RoleId::parse(bad), None, "{bad}");
        }
        assert!(is_session_key(&session_key([1; 10])));
        assert!(!is_session_key(&AccessKeyId::generate([1; 10])));
    }

    #[test]
    fn a_token_does_not_print() {
        assert_eq!(format!("{:?}", TokenHash::of("secret")), "TokenHash(***)");
    }
}
