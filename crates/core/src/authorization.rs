//! Decides whether a caller of the control API may do what it asks, before anything is done.
//!
//! The decisions of the registry are in [`Grant::access`](crate::Grant::access).

use crate::access_key::AccessKeyId;
use crate::principal::Principal;
use crate::tenant::AccountId;

/// A thing that a call acts on, with the facts that matter for the decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// The caller's tenant and the things in it, such as a container service.
    Tenant,
    /// The keys, events and logins of an account.
    Account(AccountId),
    /// A root key. `None` stands for the right to make a root key.
    RootKey(Option<AccessKeyId>),
    /// The server, with the things of all accounts.
    Server,
}

/// The reason for which a call is denied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Only a root key may do this with another account's things.
    #[error("Account {0} is reached by its own access keys and by root keys alone.")]
    OtherAccount(AccountId),
    /// Only a root key may change a root key.
    #[error("The access key {0} is a root key, which only a root key may change.")]
    RootKey(AccessKeyId),
    /// Only a root key may make a root key.
    #[error("Only a root key may make another root key.")]
    NewRootKey,
    /// Only a root key may do things that concern all accounts.
    #[error("This concerns all accounts of the server, which only a root key may do.")]
    Server,
}

impl Denied {
    /// The name of this kind of refusal in the audit trail.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::OtherAccount(_) => "OtherAccount",
            Self::RootKey(_) => "RootKey",
            Self::NewRootKey => "NewRootKey",
            Self::Server => "Server",
        }
    }
}

/// Decides whether `principal`, of `account`, may act on all of `resources`.
///
/// # Errors
/// The first resource that the caller may not act on.
pub fn authorize(principal: &Principal, account: &AccountId, resources: &[Resource]) -> Result<(), Denied> {
    if principal.is_administrator() {
        return Ok(());
    }
    for resource in resources {
        match resource {
            Resource::Tenant => {}
            Resource::Account(other) if other == account => {}
            Resource::Account(other) => return Err(Denied::OtherAccount(other.clone())),
            Resource::RootKey(Some(id)) => return Err(Denied::RootKey(id.clone())),
            Resource::RootKey(None) => return Err(Denied::NewRootKey),
            Resource::Server => return Err(Denied::Server),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_key_stays_in_its_account_and_off_the_server() {
        let id = AccessKeyId::generate([1; 10]);
        let (own, other) = (AccountId::root(), AccountId::parse("123456789012").unwrap());
        let (ordinary, root) = (Principal::AccessKey(id.clone()), Principal::RootKey(id.clone()));
        let allowed = [Resource::Tenant, Resource::Account(own.clone())];
        assert_eq!(authorize(&ordinary, &own, &allowed), Ok(()));
        for (resource, denied) in [
            (Resource::Account(other.clone()), Denied::OtherAccount(other.clone())),
            (Resource::RootKey(Some(id.clone())), Denied::RootKey(id)),
            (Resource::RootKey(None), Denied::NewRootKey),
            (Resource::Server, Denied::Server),
        ] {
            let resources = [Resource::Tenant, resource];
            assert_eq!(authorize(&ordinary, &own, &resources), Err(denied), "{resources:?}");
            assert_eq!(authorize(&root, &own, &resources), Ok(()));
            assert_eq!(authorize(&Principal::Server, &own, &resources), Ok(()));
        }
    }
}
