//! Who acts, and the text under which what they make is kept.

use std::fmt;

use crate::access_key::AccessKeyId;

/// Who acts: on the control API, through a registry login, or on the server's own machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Principal {
    /// The server itself, and anybody who works in its data directory.
    Server,
    /// A root key. It administers the server: all accounts' keys, collection, everybody's audit trail.
    RootKey(AccessKeyId),
    /// An ordinary access key. It may do everything in its own account, and nothing to the server.
    AccessKey(AccessKeyId),
}

impl Principal {
    /// Whether it may administer the server.
    pub fn is_administrator(&self) -> bool {
        match self {
            Self::Server | Self::RootKey(_) => true,
            Self::AccessKey(_) => false,
        }
    }

    /// The text under which its doings are kept. It stays the same while credentials are renewed.
    pub fn owner(&self) -> Owner {
        match self {
            Self::Server => Owner::server(),
            Self::RootKey(id) | Self::AccessKey(id) => Owner::from(id),
        }
    }
}

/// The text under which uploads, logins, images, services, puts and events of a principal are kept: the id of
/// its access key, or `server`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner(String);

impl Owner {
    const SERVER: &str = "server";

    /// The owner of what the server itself does.
    pub fn server() -> Self {
        Self(Self::SERVER.to_owned())
    }

    /// Reads an owner that was kept; `None` for a text that none has.
    pub fn parse(text: &str) -> Option<Self> {
        let known = text == Self::SERVER || AccessKeyId::parse(text).is_ok();
        known.then(|| Self(text.to_owned()))
    }

    /// The access key, if it is one.
    pub fn access_key(&self) -> Option<AccessKeyId> {
        AccessKeyId::parse(&self.0).ok()
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&AccessKeyId> for Owner {
    fn from(id: &AccessKeyId) -> Self {
        Self(id.as_str().to_owned())
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_reads_back() {
        let id = AccessKeyId::generate([7; 10]);
        for principal in [Principal::Server, Principal::RootKey(id.clone()), Principal::AccessKey(id.clone())]
        {
            let owner = principal.owner();
            assert_eq!(Owner::parse(owner.as_str()), Some(owner));
        }
        assert_eq!(Principal::RootKey(id.clone()).owner().access_key(), Some(id));
        assert_eq!(Owner::server().access_key(), None);
        assert_eq!(Owner::parse("short"), None);
    }

    #[test]
    fn an_ordinary_key_does_not_administer_the_server() {
        let id = AccessKeyId::generate([7; 10]);
        assert!(Principal::RootKey(id.clone()).is_administrator());
        assert!(!Principal::AccessKey(id).is_administrator());
    }
}
