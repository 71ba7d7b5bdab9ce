//! Actors, and the text under which their things are stored.

use std::fmt;

use crate::access_key::AccessKeyId;
use crate::role::{self, RoleId, RoleName, SessionName};
use crate::tenant::AccountId;

/// An actor on the control API, through a registry login, or on the server's own machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Principal {
    /// The server itself, and everybody who works in its data directory.
    Server,
    /// A root key. It administers the server: the keys of all accounts, collection, and the audit trail of all
    /// accounts.
    RootKey(AccessKeyId),
    /// An ordinary access key. In its own account it may do what its policy allows, or everything if it has no
    /// policy. It may do nothing to the server.
    AccessKey(AccessKeyId),
    /// A session of a role.
    Session(RoleSession),
}

/// A session of a role: the holder of its temporary key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RoleSession {
    /// The role.
    pub role: RoleId,
    /// The name of the role.
    pub role_name: RoleName,
    /// The name of the session, which its maker chose.
    pub name: SessionName,
    /// The temporary key.
    pub key: AccessKeyId,
}

impl Principal {
    /// Whether it may administer the server.
    pub fn is_administrator(&self) -> bool {
        match self {
            Self::Server | Self::RootKey(_) => true,
            Self::AccessKey(_) | Self::Session(_) => false,
        }
    }

    /// Its ARN in AWS's form. A root key has the ARN of its account's root.
    pub fn arn(&self, account: &AccountId) -> String {
        match self {
            Self::Server | Self::RootKey(_) => format!("arn:aws:iam::{account}:root"),
            Self::AccessKey(id) => format!("arn:aws:iam::{account}:user/{id}"),
            Self::Session(RoleSession { role_name, name, .. }) => {
                format!("arn:aws:sts::{account}:assumed-role/{role_name}/{name}")
            }
        }
    }

    /// Its id within its account, in AWS's form. A root key has the id of the account.
    pub fn user_id(&self, account: &AccountId) -> String {
        match self {
            Self::Server | Self::RootKey(_) => account.to_string(),
            Self::AccessKey(id) => id.to_string(),
            Self::Session(RoleSession { role, name, .. }) => format!("{role}:{name}"),
        }
    }

    /// The text under which its things are stored. It stays the same when credentials are renewed.
    pub fn owner(&self) -> Owner {
        match self {
            Self::Server => Owner::server(),
            Self::RootKey(id) | Self::AccessKey(id) => Owner::from(id),
            Self::Session(RoleSession { role, role_name, .. }) => Owner::role(role_name, role),
        }
    }

    /// The temporary key, if it is a session.
    pub fn session(&self) -> Option<&AccessKeyId> {
        match self {
            Self::Session(session) => Some(&session.key),
            _ => None,
        }
    }
}

/// The text under which a principal's uploads, logins, images, services, puts and events are stored: the id of its
/// access key, `role/NAME/ID` for a role, or `server`. An access key's id has no slash.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner(String);

impl Owner {
    const SERVER: &str = "server";
    const ROLE: &str = "role/";

    /// The owner of things that the server itself makes.
    pub fn server() -> Self {
        Self(Self::SERVER.to_owned())
    }

    /// Reads a stored owner. `None` if the text is no owner.
    pub fn parse(text: &str) -> Option<Self> {
        let owner = Self(text.to_owned());
        let known = text == Self::SERVER || owner.access_key().is_some() || owner.as_role().is_some();
        known.then_some(owner)
    }

    /// The owner of things that sessions of a role make. A later role with the same name is another owner.
    pub fn role(name: &RoleName, id: &RoleId) -> Self {
        Self(format!("{}{name}/{id}", Self::ROLE))
    }

    /// The role, if it is one.
    pub fn as_role(&self) -> Option<(RoleName, RoleId)> {
        let (name, id) = self.0.strip_prefix(Self::ROLE)?.split_once('/')?;
        Some((RoleName::parse(name).ok()?, RoleId::parse(id)?))
    }

    /// The ARN for policies. A role has its own ARN. An access key has the ARN of its user, and the server has
    /// the ARN of the root.
    pub fn arn(&self, account: &AccountId) -> String {
        match self.as_role() {
            Some((name, _)) => role::arn(account, &name),
            None if self.0 == Self::SERVER => Principal::Server.arn(account),
            None => format!("arn:aws:iam::{account}:user/{}", self.0),
        }
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

    fn session() -> Principal {
        Principal::Session(RoleSession {
            role: RoleId::generate([1; 10]),
            role_name: RoleName::parse("push-web").unwrap(),
            name: SessionName::parse("ci").unwrap(),
            key: role::session_key([2; 10]),
        })
    }

    #[test]
    fn a_session_acts_as_its_role_and_is_called_by_its_name() {
        let (account, session) = (AccountId::root(), session());
        assert_eq!(session.arn(&account), "arn:aws:sts::000000000000:assumed-role/push-web/ci");
        let role = RoleId::generate([1; 10]);
        assert_eq!(session.user_id(&account), format!("{role}:ci"));
        assert_eq!(session.session(), Some(&role::session_key([2; 10])));
        assert!(!session.is_administrator());
        let owner = session.owner();
        assert_eq!(owner.as_str(), format!("role/push-web/{role}"));
        assert_eq!(owner.arn(&account), "arn:aws:iam::000000000000:role/push-web");
        assert_eq!(owner.access_key(), None);
        assert_eq!(Owner::parse(owner.as_str()), Some(owner));
        for bad in
            ["role/", "role/a", "role/a/b", "role//GPARAAAAAAAAAAAAAAAA", "role/a/GPAKAAAAAAAAAAAAAAAA"]
        {
            assert_eq!(Owner::parse(bad), None, "{bad}");
        }
        let key = AccessKeyId::generate([7; 10]);
        assert_eq!(Owner::from(&key).arn(&account), format!("arn:aws:iam::000000000000:user/{key}"));
        assert_eq!(Owner::server().arn(&account), "arn:aws:iam::000000000000:root");
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
