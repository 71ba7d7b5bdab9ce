//! Sessions of roles: the temporary keys.

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

/// A session of a role as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleSession {
    /// The public half of its temporary key.
    pub key: AccessKeyId,
    /// The secret half, sealed with a key that is not in the database.
    pub sealed_secret: Vec<u8>,
    /// How its token is recognised.
    pub token: TokenHash,
    /// Whose it is.
    pub account: AccountId,
    /// Of which role, which may be deleted.
    pub role: RoleId,
    /// The name that the role had.
    pub role_name: RoleName,
    /// What its maker called it.
    pub name: SessionName,
    /// What it is narrowed to.
    pub policy: Option<Arc<PermissionPolicy>>,
    /// The claims of its token that tell where it came from.
    pub claims: Claims,
    /// When it was made.
    pub created_at: Time,
    /// When it ends.
    pub expires_at: Time,
}

impl RoleSession {
    /// Who signs with its key.
    pub fn principal(&self) -> Principal {
        Principal::Session(principal::RoleSession {
            role: self.role.clone(),
            role_name: self.role_name.clone(),
            name: self.name.clone(),
            key: self.key.clone(),
        })
    }

    /// The text under which its doings are kept.
    pub fn owner(&self) -> Owner {
        Owner::role(&self.role_name, &self.role)
    }
}

/// A session that a key id was found to name.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundSession {
    /// The session. It may have expired: the caller compares, by the one clock.
    pub session: RoleSession,
    /// Its role as it is now; none if the session was ended, alone or since the role was disabled or deleted at some time
    /// after the session began.
    pub role: Option<Role>,
}

/// What a key id names.
#[derive(Clone, Debug)]
pub enum Credential {
    /// An access key, enabled or not.
    AccessKey(Arc<AccessKey>),
    /// A temporary key, ended or not.
    Session(Arc<FoundSession>),
}

/// A session to be made of a role whose trust was asked.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The role, as it was when it was asked.
    pub role: Role,
    /// The public half of the temporary key.
    pub key: AccessKeyId,
    /// The secret half, sealed.
    pub sealed_secret: Vec<u8>,
    /// How its token is recognised.
    pub token: TokenHash,
    /// What its maker calls it.
    pub name: SessionName,
    /// What it is narrowed to.
    pub policy: Option<PermissionPolicy>,
    /// The claims to be kept; at most [`MOST_CLAIM_BYTES`](gangplank_core::role::MOST_CLAIM_BYTES).
    pub claims: Claims,
    /// What the role has to remember, or has remembered: values of claims. If the role remembers another value under
    /// one of these keys, there is no session. Keys that it does not remember yet are remembered.
    pub remember: Claims,
    /// When it was made.
    pub created_at: Time,
    /// When it ends.
    pub expires_at: Time,
}

/// What became of a new session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionMade {
    /// It is there.
    Made,
    /// The role was changed, disabled or deleted since it was asked: it has to be asked again.
    RoleChanged,
    /// The role remembers [`MOST_REMEMBERED`](super::roles::MOST_REMEMBERED) values, and this would be more.
    RemembersTooMuch,
    /// The role remembers another value.
    RemembersAnother {
        /// Under which key.
        key: String,
        /// What it remembers.
        remembered: String,
    },
}

/// A page of sessions, the newest first.
#[derive(Clone, Debug, Default)]
pub struct SessionPage {
    /// The sessions; there may be none, and still more to come.
    pub sessions: Vec<RoleSession>,
    /// What to ask for the next page with, if there may be one.
    pub more: Option<i64>,
}

/// How many sessions are looked at for one page, so that no list takes long.
pub const LOOKED_AT: usize = 10_000;

/// Keeps sessions of roles, and finds whatever signs calls.
#[async_trait]
pub trait RoleSessions: Send + Sync {
    /// Makes a session and notes that its role was assumed.
    ///
    /// An account may have `quota` live ones, and a role half of them; one more is
    /// [`OverQuota`](crate::StoreError::OverQuota). A key id that is or was another key's is
    /// [`Unavailable`](crate::StoreError::Unavailable).
    async fn insert_session(&self, by: &Origin, session: NewSession, quota: u32) -> Result<SessionMade>;
    /// Finds the access key or the temporary key of this id. The state of the role is read with it, so what ends a
    /// session takes effect at once.
    async fn credential(&self, id: &AccessKeyId) -> Result<Option<Credential>>;
    /// A page of at most `limit` sessions of a role that are live at `now`, newest first; with `before`, of those that
    /// are older than that.
    async fn sessions(
        &self,
        account: &AccountId,
        role: &RoleName,
        now: Time,
        before: Option<i64>,
        limit: usize,
    ) -> Result<SessionPage>;
    /// Ends a session of a role before its time, with its logins that are live at `now` and what they upload; for good.
    /// `false` if the role has no such session. Of several times the first counts.
    async fn revoke_session(
        &self,
        by: &Origin,
        account: &AccountId,
        role: &RoleName,
        key: &AccessKeyId,
        now: Time,
    ) -> Result<bool>;
    /// Forgets a part of the sessions that ended before `before`, and of those that an account ended where it has
    /// many thousands; then a part of the [sources](super::provenance) that nothing refers to any more. Returns how many
    /// sessions. To forget all, call until it returns 0, and again from time to time.
    async fn forget_sessions(&self, before: Time) -> Result<usize>;
}
