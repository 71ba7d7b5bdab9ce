//! Roles: a set of permissions that an identity token opens for a limited time.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gangplank_core::policy::TrustPolicy;
use gangplank_core::role::Claims;
use gangplank_core::{AccountId, LoginLimits, Origin, Owner, Permission, RoleId, RoleName, Time};

use crate::Result;

/// A role, as its row says.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// Its id. No other role ever gets the same.
    pub id: RoleId,
    /// The account that it belongs to.
    pub account: AccountId,
    /// Its name, unique in the account.
    pub name: RoleName,
    /// The trust policy: who may assume it.
    pub trust: Arc<TrustPolicy>,
    /// The actions that it allows.
    pub permission: Permission,
    /// The longest life of a session.
    pub max_session: Duration,
    /// The limits of the registry logins that its sessions make.
    pub limits: LoginLimits,
    /// A text for people; may be empty.
    pub description: String,
    /// Whether it may be assumed.
    pub enabled: bool,
    /// When it was made, by the wall clock.
    pub created_at: Time,
    /// Who made it; `None` if nobody knows.
    pub made_by: Option<Owner>,
    /// When it was last assumed, by the wall clock. `None` if it never was.
    pub last_assumed_at: Option<Time>,
    /// Values of claims that the first token had and every later token must have. The keys come from
    /// [`NewSession`].
    ///
    /// [`NewSession`]: super::role_sessions::NewSession
    pub remembered: Claims,
    /// Grows with each change. A session is made only if the role still has the revision that the decision was
    /// made on.
    pub revision: i64,
}

impl Role {
    /// The owner under which its actions are recorded.
    pub fn owner(&self) -> Owner {
        Owner::role(&self.name, &self.id)
    }

    /// Its ARN.
    pub fn arn(&self) -> String {
        gangplank_core::role::arn(&self.account, &self.name)
    }
}

/// How many values a role can remember. A role that has to trust more repositories must trust them by id, and
/// not by name.
pub const MOST_REMEMBERED: usize = 1_000;

/// A role to make. It will be enabled.
#[derive(Clone, Debug)]
pub struct NewRole {
    /// Its id.
    pub id: RoleId,
    /// The account that it belongs to.
    pub account: AccountId,
    /// Its name.
    pub name: RoleName,
    /// The trust policy: who may assume it.
    pub trust: TrustPolicy,
    /// The actions that it allows.
    pub permission: Permission,
    /// The longest life of a session.
    pub max_session: Duration,
    /// The limits of the registry logins that its sessions make.
    pub limits: LoginLimits,
    /// A text for people; may be empty.
    pub description: String,
    /// When it is made, by the wall clock.
    pub created_at: Time,
}

/// The outcome of making a role.
#[derive(Clone, Debug, PartialEq)]
pub enum RoleMade {
    /// The new role.
    Made(Box<Role>),
    /// The account has a role of that name.
    NameTaken,
    /// The id is or was in use.
    IdTaken,
}

/// A change of a role. `None` leaves a property as it is.
#[derive(Clone, Debug, Default)]
pub struct RoleChange {
    /// The trust policy. If it differs from the present one, the role forgets the remembered claims.
    pub trust: Option<TrustPolicy>,
    /// The actions that it allows, from the next call of its sessions on.
    pub permission: Option<Permission>,
    /// The longest life of sessions that begin from now on.
    pub max_session: Option<Duration>,
    /// The limits of registry logins that are made from now on. The limit of networks applies to existing
    /// sessions at once.
    pub limits: Option<LoginLimits>,
    /// A text for people.
    pub description: Option<String>,
    /// Whether it may be assumed. Disabling ends all its sessions and logins for good.
    pub enabled: Option<bool>,
}

/// A page of roles, by name.
#[derive(Clone, Debug, Default)]
pub struct RolePage {
    /// The roles.
    pub roles: Vec<Role>,
    /// The mark for the next page; `None` at the end.
    pub more: Option<RoleName>,
}

/// Stores roles.
#[async_trait]
pub trait Roles: Send + Sync {
    /// Makes a role. The owner of `by` is recorded as its maker.
    ///
    /// # Errors
    /// [`OverQuota`](crate::StoreError::OverQuota) if the account has `quota` roles already.
    async fn insert_role(&self, by: &Origin, role: NewRole, quota: u32) -> Result<RoleMade>;
    /// Finds a role, enabled or not.
    async fn role(&self, account: &AccountId, name: &RoleName) -> Result<Option<Role>>;
    /// A page of at most `limit` roles of an account, by name, after the name `after`.
    async fn roles(&self, account: &AccountId, after: Option<&RoleName>, limit: usize) -> Result<RolePage>;
    /// Changes a role. Returns the changed role, or `None` if there is no such role. When a role is disabled,
    /// its sessions and logins end for good with the next request. Their upload sessions end, too, and the
    /// bytes of these go to [`discarded`](super::BlobLinks::discarded). A change that changes nothing records
    /// no event.
    async fn change_role(
        &self,
        by: &Origin,
        account: &AccountId,
        name: &RoleName,
        change: RoleChange,
    ) -> Result<Option<Role>>;
    /// Deletes a role, and ends its sessions, logins and uploads; `false` if there is none. A later role of the
    /// same name is another role, and owns nothing of this one.
    async fn delete_role(&self, by: &Origin, account: &AccountId, name: &RoleName) -> Result<bool>;
}
