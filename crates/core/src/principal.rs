//! Who acts, and the text under which what they make is kept.

use std::fmt;

use crate::access_key::AccessKeyId;
use crate::tenant::AccountId;

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

    /// Its ARN, as AWS would write it: of a root key that of its account's root.
    pub fn arn(&self, account: &AccountId) -> String {
        match self {
            Self::Server | Self::RootKey(_) => format!("arn:aws:iam::{account}:root"),
            Self::AccessKey(id) => format!("arn:aws:iam::{account}:user/{id}"),
        }
    }

    /// What names it within its account, as AWS has it: of a root key the account itself.
    pub fn user_id(&self, account: &AccountId) -> String {
        match self {
            Self::Server | Self::RootKey(_) => account.to_string(),
            Self::AccessKey(id) => id.to_string(),
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
    fn a_root_key_is_its_account_and_others_are_users_of_it() {
        let (account, id) = (AccountId::parse("111122223333").unwrap(), AccessKeyId::generate([7; 10]));
        let root = Principal::RootKey(id.clone());
        assert_eq!(root.arn(&account), "arn:aws:iam::111122223333:root");
        assert_eq!(root.user_id(&account), "111122223333");
        let key = Principal::AccessKey(id.clone());
        assert_eq!(key.arn(&account), format!("arn:aws:iam::111122223333:user/{id}"));
        assert_eq!(key.user_id(&account), id.as_str());
    }

    #[test]
    fn an_ordinary_key_does_not_administer_the_server() {
        let id = AccessKeyId::generate([7; 10]);
        assert!(Principal::RootKey(id.clone()).is_administrator());
        assert!(!Principal::AccessKey(id).is_administrator());
    }
}
