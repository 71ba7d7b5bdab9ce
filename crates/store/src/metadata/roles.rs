//! Roles: what somebody with an identity token may become for a while.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gangplank_core::policy::TrustPolicy;
use gangplank_core::role::Claims;
use gangplank_core::{AccountId, LoginLimits, Origin, Owner, Permission, RoleId, RoleName, Time};

use crate::Result;

/// A role as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// Its id, which no other role gets or got.
    pub id: RoleId,
    /// Whose it is.
    pub account: AccountId,
    /// Its name, which no other role of the account has.
    pub name: RoleName,
    /// Who may become it.
    pub trust: Arc<TrustPolicy>,
    /// What it may do.
    pub permission: Permission,
    /// How long a session lives at the most.
    pub max_session: Duration,
    /// What its logins are narrowed to.
    pub limits: LoginLimits,
    /// What people say of it; may be empty.
    pub description: String,
    /// Whether it may be assumed.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Time,
    /// Who made it, if it is known.
    pub made_by: Option<Owner>,
    /// When it was last assumed.
    pub last_assumed_at: Option<Time>,
    /// Claims that a token has to have as the first one had them. Keys are whatever [`NewSession`] was given.
    ///
    /// [`NewSession`]: super::role_sessions::NewSession
    pub remembered: Claims,
    /// Grows with each change, so that what was decided by one state of the role is not done in another.
    pub revision: i64,
}

impl Role {
    /// The text under which its doings are kept.
    pub fn owner(&self) -> Owner {
        Owner::role(&self.name, &self.id)
    }

    /// Its ARN.
    pub fn arn(&self) -> String {
        gangplank_core::role::arn(&self.account, &self.name)
    }
}

/// How many values a role remembers. One that trusts more repositories than that by their names has to trust them by
/// their numbers.
pub const MOST_REMEMBERED: usize = 1_000;

/// A role to be made. It is enabled.
#[derive(Clone, Debug)]
pub struct NewRole {
    /// Its id.
    pub id: RoleId,
    /// Whose it is.
    pub account: AccountId,
    /// Its name.
    pub name: RoleName,
    /// Who may become it.
    pub trust: TrustPolicy,
    /// What it may do.
    pub permission: Permission,
    /// How long a session lives at the most.
    pub max_session: Duration,
    /// What its logins are narrowed to.
    pub limits: LoginLimits,
    /// What people say of it; may be empty.
    pub description: String,
    /// When it is made.
    pub created_at: Time,
}

/// What became of a new role.
#[derive(Clone, Debug, PartialEq)]
pub enum RoleMade {
    /// It is there.
    Made(Box<Role>),
    /// The account has a role of that name.
    NameTaken,
    /// The id is or was another role's.
    IdTaken,
}

/// What is to become of a role; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct RoleChange {
    /// Who may become it. What was remembered of the first token is forgotten if this is another policy than before.
    pub trust: Option<TrustPolicy>,
    /// What it may do, from the next call of its sessions on.
    pub permission: Option<Permission>,
    /// How long a session lives at the most that begins from now on.
    pub max_session: Option<Duration>,
    /// What its logins are narrowed to that are made from now on. The networks bind its sessions at once.
    pub limits: Option<LoginLimits>,
    /// What people say of it.
    pub description: Option<String>,
    /// Whether it may be assumed. If not, all its sessions and logins end, for good.
    pub enabled: Option<bool>,
}

/// A page of roles, by name.
#[derive(Clone, Debug, Default)]
pub struct RolePage {
    /// The roles.
    pub roles: Vec<Role>,
    /// The name to ask for the next page with, if there may be one.
    pub more: Option<RoleName>,
}

/// Keeps roles.
#[async_trait]
pub trait Roles: Send + Sync {
    /// Makes a role, by whoever `by` says. If the account has `quota` roles it is
    /// [`OverQuota`](crate::StoreError::OverQuota).
    async fn insert_role(&self, by: &Origin, role: NewRole, quota: u32) -> Result<RoleMade>;
    /// Finds a role, enabled or not.
    async fn role(&self, account: &AccountId, name: &RoleName) -> Result<Option<Role>>;
    /// A page of at most `limit` roles of an account, by name, behind the name `after`.
    async fn roles(&self, account: &AccountId, after: Option<&RoleName>, limit: usize) -> Result<RolePage>;
    /// Changes a role; returns it as it is then, or `None` if there is none. Sessions and logins of one that is
    /// disabled end with the next request, for good, and so do their upload sessions, whose bytes go to
    /// [`discarded`](super::BlobLinks::discarded). A change that changes nothing is no event.
    async fn change_role(
        &self,
        by: &Origin,
        account: &AccountId,
        name: &RoleName,
        change: RoleChange,
    ) -> Result<Option<Role>>;
    /// Deletes a role, with all that ends when it is disabled; `false` if there is none. Another role may have the name
    /// from then on, and what this one made is not its.
    async fn delete_role(&self, by: &Origin, account: &AccountId, name: &RoleName) -> Result<bool>;
}
