//! Sessions of roles: temporary keys.

use std::sync::Arc;

use async_trait::async_trait;
use gangplank_core::policy::PermissionPolicy;
use gangplank_core::role::{Claims, TokenHash};
use gangplank_core::{
    AccessKeyId, AccountId, Origin, Owner, Principal, RoleId, RoleName, SessionName, Time, principal,
};

use super::access_keys::AccessKey;
use super::roles::Role;
use crate::Result;

/// A role's session, as its row says.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleSession {
    /// The public half of its temporary key.
    pub key: AccessKeyId,
    /// The secret half, sealed with a key that is not in the database.
    pub sealed_secret: Vec<u8>,
    /// The hash by which its session token is recognized.
    pub token: TokenHash,
    /// The account that it belongs to.
    pub account: AccountId,
    /// Its role, which may be deleted meanwhile.
    pub role: RoleId,
    /// The name of the role when the session was made.
    pub role_name: RoleName,
    /// The name that its maker chose.
    pub name: SessionName,
    /// The session policy, which limits it further.
    pub policy: Option<Arc<PermissionPolicy>>,
    /// The recorded claims of the identity token that it was made for.
    pub claims: Claims,
    /// When it was made, by the wall clock.
    pub created_at: Time,
    /// When it ends, by the wall clock.
    pub expires_at: Time,
}

impl RoleSession {
    /// The principal that signs with its key.
    pub fn principal(&self) -> Principal {
        Principal::Session(principal::RoleSession {
            role: self.role.clone(),
            role_name: self.role_name.clone(),
            name: self.name.clone(),
            key: self.key.clone(),
        })
    }

    /// The owner under which its actions are recorded.
    pub fn owner(&self) -> Owner {
        Owner::role(&self.role_name, &self.role)
    }
}

/// A session that was found by its key.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundSession {
    /// The session. It may have expired. The caller compares its end with the clock.
    pub session: RoleSession,
    /// Its role in its present state. `None` if the session was revoked, or if the role was disabled or deleted
    /// at any time since the session began.
    pub role: Option<Role>,
}

/// The credential that a key id names.
#[derive(Clone, Debug)]
pub enum Credential {
    /// An access key, enabled or not.
    AccessKey(Arc<AccessKey>),
    /// A temporary key, ended or not.
    Session(Arc<FoundSession>),
}

/// A session to make. Its role's trust policy has allowed it.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The role, as it was when its trust policy was evaluated.
    pub role: Role,
    /// The public half of its temporary key.
    pub key: AccessKeyId,
    /// The secret half, sealed.
    pub sealed_secret: Vec<u8>,
    /// The hash by which its session token is recognized.
    pub token: TokenHash,
    /// The name that its maker chose.
    pub name: SessionName,
    /// The session policy, which limits it further.
    pub policy: Option<PermissionPolicy>,
    /// The claims to record; at most [`MOST_CLAIM_BYTES`](gangplank_core::role::MOST_CLAIM_BYTES) bytes.
    pub claims: Claims,
    /// Claims of the token that the role must remember. If the role remembers another value under the same key,
    /// no session is made. From then on it also remembers the values under new keys.
    pub remember: Claims,
    /// When it was made, by the wall clock.
    pub created_at: Time,
    /// When it ends, by the wall clock.
    pub expires_at: Time,
}

/// The outcome of making a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionMade {
    /// The session is stored.
    Made,
    /// The role was changed, disabled or deleted since its trust policy was evaluated. Evaluate it again.
    RoleChanged,
    /// The role would remember more than [`MOST_REMEMBERED`](super::roles::MOST_REMEMBERED) values.
    RemembersTooMuch,
    /// The role remembers another value for a claim.
    RemembersAnother {
        /// The key of the claim.
        key: String,
        /// The value that the role remembers.
        remembered: String,
    },
}

/// A page of sessions, newest first.
#[derive(Clone, Debug, Default)]
pub struct SessionPage {
    /// The sessions. A page may be empty although more pages follow.
    pub sessions: Vec<RoleSession>,
    /// The mark for the next page; `None` at the end.
    pub more: Option<i64>,
}

/// How many sessions one page looks at, so that no query takes long.
pub const LOOKED_AT: usize = 10_000;

/// Stores sessions of roles, and finds the credential that signs a call.
#[async_trait]
pub trait RoleSessions: Send + Sync {
    /// Makes a session, and records when its role was last assumed.
    ///
    /// # Errors
    /// [`OverQuota`](crate::StoreError::OverQuota) if the account has `quota` live sessions, or if the role has
    /// half as many. [`Unavailable`](crate::StoreError::Unavailable) if the key id is or was in use.
    async fn insert_session(&self, by: &Origin, session: NewSession, quota: u32) -> Result<SessionMade>;
    /// Finds the access key or temporary key with this id. The state of the role is part of the lookup, so the
    /// end of a session takes effect at once.
    ///
    /// If several processes share the store, the answer may be a few seconds old.
    async fn credential(&self, id: &AccessKeyId) -> Result<Option<Credential>>;
    /// Finds a credential as [`credential`](Self::credential) does, in its present state. Calls that change
    /// something use this: a key that another process has disabled changes nothing any more.
    async fn credential_now(&self, id: &AccessKeyId) -> Result<Option<Credential>>;
    /// A page of at most `limit` sessions of a role that are live at `now`, newest first. With `before`, only
    /// sessions with smaller numbers.
    async fn sessions(
        &self,
        account: &AccountId,
        role: &RoleName,
        now: Time,
        before: Option<i64>,
        limit: usize,
    ) -> Result<SessionPage>;
    /// Revokes a session of a role, its logins that are live at `now`, and their uploads. `false` if the role
    /// has no such session. Revoking it again changes nothing.
    async fn revoke_session(
        &self,
        by: &Origin,
        account: &AccountId,
        role: &RoleName,
        key: &AccessKeyId,
        now: Time,
    ) -> Result<bool>;
    /// Forgets some of the sessions that ended before `before`. If an account has many thousands of sessions
    /// that ended early, the oldest of those are forgotten, too. When none is left, forgets some of the
    /// [sources](super::provenance) that nothing refers to. Returns how many sessions. Call it until it returns
    /// 0, and again from time to time.
    async fn forget_sessions(&self, before: Time) -> Result<usize>;
}
