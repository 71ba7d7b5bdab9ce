//! The audit trail's words: what is noted, and who is said to have done it.

use std::net::IpAddr;

use crate::access_key::AccessKeyId;
use crate::registry_login::LoginId;
use crate::time::Time;

/// Declares the kinds once: the variant is the word.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventKind {
            $($(#[doc = $doc])+ $name,)+
        }

        impl EventKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The word for it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// The kind of that word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
            }
        }
    };
}

kinds! {
    /// A registry login was handed out.
    LoginIssued,
    /// The registry refused a login, or what was said to be one.
    LoginRefused,
    /// A registry login was ended before its time.
    LoginRevoked,
    /// The API refused a signature.
    CallRefused,
    /// A manifest was put: the end of a push.
    ManifestPushed,
    /// A manifest was deleted, with every tag on it.
    ManifestDeleted,
    /// A tag was deleted, and its manifest was not.
    TagDeleted,
    /// A repository's hold of a blob was ended.
    BlobDeleted,
    /// A manifest was registered on a container service.
    ImageRegistered,
    /// A registered image was deleted.
    ImageDeleted,
    /// A container service was made.
    ServiceCreated,
    /// A container service was deleted, with its images and pull logins.
    ServiceDeleted,
    /// An access key was made.
    AccessKeyCreated,
    /// A disabled access key was enabled.
    AccessKeyEnabled,
    /// An access key was disabled, and with it its logins.
    AccessKeyDisabled,
    /// An access key was deleted, and with it its logins.
    AccessKeyDeleted,
}

/// How much of a `User-Agent` is kept, in bytes.
const MAX_USER_AGENT: usize = 256;

/// Who does something, from where and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// When, by the wall clock.
    pub at: Time,
    /// When, by the steady time.
    pub steady: Time,
    /// The access key that signed the call, or that the login was made with.
    pub access_key: Option<AccessKeyId>,
    /// The registry login.
    pub login: Option<LoginId>,
    /// The client's address; none for what was done on the server's machine itself.
    pub address: Option<IpAddr>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
}

impl Origin {
    /// Somebody on the server's machine who has the data directory.
    pub fn local(now: Time) -> Self {
        Self { at: now, steady: now, access_key: None, login: None, address: None, user_agent: None }
    }

    /// A `User-Agent` as it is kept: not endless, and nothing in it that a terminal obeys.
    pub fn shortened(user_agent: &str) -> String {
        user_agent.chars().filter(|it| (' '..='~').contains(it)).take(MAX_USER_AGENT).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_word() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::parse(kind.as_str()), Some(*kind));
        }
        assert_eq!(EventKind::parse("loginissued"), None);
    }

    #[test]
    fn a_user_agent_is_short_and_harmless() {
        assert_eq!(Origin::shortened("docker/20.10 \u{1b}[31m\u{9b}(linux)"), "docker/20.10 [31m(linux)");
        assert_eq!(Origin::shortened(&"a".repeat(9_000)).len(), MAX_USER_AGENT);
    }
}
