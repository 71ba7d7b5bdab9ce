//! Quotas of an account. The defaults are Lightsail's documented quotas, if it has one.

use std::fmt;

/// The quotas of every account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Container services in one region.
    pub services_per_region: u32,
    /// Registered images on one service.
    pub images_per_service: u32,
    /// Tags on one resource.
    pub tags_per_resource: u32,
    /// Upload sessions that are open in one account. One login may have half of them.
    pub open_uploads: u32,
    /// Bytes of contents, manifests and staged uploads. If `None`, an account leaves the last tenth of the disk to
    /// others.
    pub account_bytes: Option<u64>,
    /// Repositories.
    pub repositories: u64,
    /// Manifests.
    pub manifests: u64,
    /// Tags of repositories.
    pub tags: u64,
    /// Live registry logins. One principal may have half of them.
    pub registry_logins: u32,
    /// Access keys.
    pub access_keys: u32,
    /// Roles.
    pub roles: u32,
    /// Live sessions of roles. One role may have half of them.
    pub role_sessions: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            services_per_region: 100,
            images_per_service: 150,
            tags_per_resource: 50,
            open_uploads: 1_000,
            account_bytes: None,
            repositories: 10_000,
            manifests: 1_000_000,
            tags: 1_000_000,
            registry_logins: 10_000,
            access_keys: 1_000,
            roles: 1_000,
            role_sessions: 10_000,
        }
    }
}

/// The largest number of referrers of one subject that push logins may put.
pub const MAX_HUNG: u32 = 256;

/// The part of a shared quota that one user of it may have.
pub fn half(quota: u32) -> u32 {
    (quota / 2).max(1)
}

/// Something that is limited for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quota {
    /// Bytes of contents, manifests and staged uploads.
    Bytes,
    /// Repositories.
    Repositories,
    /// Manifests.
    Manifests,
    /// Tags of repositories.
    Tags,
    /// Live registry logins.
    RegistryLogins,
    /// Live registry logins that one principal made.
    LoginsOfPrincipal,
    /// Access keys.
    AccessKeys,
    /// Roles.
    Roles,
    /// Live sessions of roles.
    RoleSessions,
    /// Live sessions of one role.
    SessionsOfRole,
}

/// A quota that would be exceeded. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverQuota {
    /// The quota.
    pub quota: Quota,
    /// The amount in use.
    pub used: u64,
    /// The allowed amount.
    pub allowed: u64,
}

impl std::error::Error for OverQuota {}

impl Quota {
    /// The option of the server that sets the quota, without its dashes.
    pub fn option(self) -> &'static str {
        match self {
            Self::Bytes => "max-account-bytes",
            Self::Repositories => "max-repositories",
            Self::Manifests => "max-manifests",
            Self::Tags => "max-tags",
            Self::RegistryLogins | Self::LoginsOfPrincipal => "max-registry-logins",
            Self::AccessKeys => "max-access-keys",
            Self::Roles => "max-roles",
            Self::RoleSessions | Self::SessionsOfRole => "max-role-sessions",
        }
    }

    /// Admits `more`, given the amounts `used` and `allowed`. A `more` of zero is always admitted, even if the
    /// quota is already exceeded.
    ///
    /// # Errors
    /// [`OverQuota`].
    pub fn admit(self, used: u64, more: u64, allowed: u64) -> Result<(), OverQuota> {
        if more == 0 || used.checked_add(more).is_some_and(|sum| sum <= allowed) {
            return Ok(());
        }
        Err(OverQuota { quota: self, used, allowed })
    }
}

impl fmt::Display for OverQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { quota, used, allowed } = self;
        let (whose, things, advice) = match quota {
            Quota::Bytes => ("the account", "bytes", "delete some images"),
            Quota::Repositories => ("the account", "repositories", "delete some"),
            Quota::Manifests => ("the account", "manifests", "delete some"),
            Quota::Tags => ("the account", "tags", "delete some"),
            Quota::RegistryLogins => ("the account", "live registry logins", "revoke some"),
            Quota::LoginsOfPrincipal => ("the access key or role", "live registry logins", "revoke some"),
            Quota::AccessKeys => ("the account", "access keys", "delete some"),
            Quota::Roles => ("the account", "roles", "delete some"),
            Quota::RoleSessions => ("the account", "live sessions of roles", "make them shorter"),
            Quota::SessionsOfRole => ("the role", "live sessions", "make them shorter"),
        };
        let option = quota.option();
        write!(
            f,
            "{whose} has {used} of the {allowed} {things} that it may have, and this would be more: {advice}, or \
             ask for a higher --{option}"
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn so_much_is_admitted_and_no_more() {
        let admit = |used, more, allowed| Quota::Tags.admit(used, more, allowed);
        assert_eq!(admit(2, 1, 3), Ok(()));
        assert_eq!(admit(3, 1, 3), Err(OverQuota { quota: Quota::Tags, used: 3, allowed: 3 }));
        assert_eq!(admit(5, 0, 3), Ok(()), "a quota that was lowered refuses only more");
        assert!(admit(u64::MAX, 1, u64::MAX).is_err());
    }

    proptest! {
        #[test]
        fn what_is_admitted_one_by_one_stays_within(allowed in 0..20u64, asked in proptest::collection::vec(0..6u64, 0..12)) {
            let mut used = 0;
            for more in asked {
                let room = allowed - used;
                let admitted = Quota::Bytes.admit(used, more, allowed).is_ok();
                prop_assert_eq!(admitted, more <= room);
                used += if admitted { more } else { 0 };
            }
            prop_assert!(used <= allowed);
        }
    }
}
