//! Registry logins: temporary user names and passwords.

use std::net::IpAddr;

use async_trait::async_trait;
use gangplank_core::{
    AccessKeyId, Grant, LoginId, Origin, Owner, PasswordHash, Reach, Scope, ServiceId, Tenant, Time,
};

use super::provenance::SessionSource;
use crate::Result;

/// A login to store.
#[derive(Clone, Debug)]
pub struct NewLogin {
    /// The tenant in which it works.
    pub tenant: Tenant,
    /// The principal that asked for it.
    pub owner: Owner,
    /// The actions that it allows.
    pub scope: Scope,
    /// For a pull login: the service whose images it reads.
    pub service: Option<ServiceId>,
    /// The repositories and networks that it is limited to.
    pub reach: Reach,
    /// If a role's session asked for it: the session's temporary key.
    pub session: Option<AccessKeyId>,
    /// The hash of its password, by which it is found.
    pub password: PasswordHash,
    /// When it was made, by the wall clock.
    pub created_at: Time,
    /// When it ends, by the wall clock.
    pub expires_at: Time,
}

/// The conditions that a tenant must meet to get a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requires {
    /// Nothing.
    Nothing,
    /// At least one container service: Lightsail refuses push logins without one.
    AnyService,
}

/// The outcome of making a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginCreated {
    /// It is stored.
    Created(LoginId),
    /// The service it is for does not exist.
    NoSuchService,
    /// A container service is required, and the tenant has none.
    NoServiceYet,
    /// The session that asked for it has ended meanwhile.
    SessionEnded,
}

/// A login in a list.
#[derive(Clone, Debug)]
pub struct LoginSummary {
    /// Its number, by which it can be revoked.
    pub id: LoginId,
    /// The actions that it allows.
    pub scope: Scope,
    /// For a pull login: the name of its service.
    pub service: Option<String>,
    /// The principal that made it.
    pub owner: Owner,
    /// The repositories and networks that it is limited to.
    pub reach: Reach,
    /// The role's session that asked for it: its key, and its name and claims until the session is forgotten.
    pub session: Option<(AccessKeyId, Option<SessionSource>)>,
    /// When it was made, by the wall clock.
    pub created_at: Time,
    /// When it ends, by the wall clock.
    pub expires_at: Time,
    /// When it was revoked, by the wall clock. `None` if it was not.
    pub revoked_at: Option<Time>,
    /// When a request with it was last accepted, by the wall clock and to the minute.
    pub last_used_at: Option<Time>,
    /// Its last put of a manifest, to the minute.
    pub last_push: Option<Push>,
}

/// A page of logins.
#[derive(Clone, Debug, Default)]
pub struct LoginPage {
    /// The logins. A page may be empty although more pages follow.
    pub logins: Vec<LoginSummary>,
    /// The mark for the next page; `None` at the end.
    pub more: Option<LoginId>,
}

/// How many logins one page looks at, so that no query takes long.
pub const LOOKED_AT: usize = 10_000;

/// A push by a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Push {
    /// When it happened, by the wall clock.
    pub at: Time,
    /// The address that it came from.
    pub address: IpAddr,
}

/// The latest use of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// When a request with it was last accepted, by the wall clock.
    pub at: Time,
    /// Its last push; `None` if it did not push.
    pub push: Option<Push>,
}

/// A login that was revoked or has lost its key, role or service.
#[derive(Clone, Debug)]
pub struct Revoked {
    /// Its number.
    pub login: LoginId,
    /// The tenant in which it worked.
    pub tenant: Tenant,
    /// The principal that made it.
    pub owner: Owner,
    /// The actions that it allowed.
    pub scope: Scope,
}

/// The login that a password belongs to.
#[derive(Clone, Debug)]
pub enum LoginLookup {
    /// A login that was not revoked and whose maker is enabled. It may have expired. The caller compares its
    /// end with the clock.
    Live(Grant),
    /// A login that was revoked; or whose key is disabled, deleted or of another account; or whose service is
    /// deleted; or whose role was disabled or deleted at any time since its session began.
    Revoked(Revoked),
    /// No such login.
    Unknown,
}

/// Stores registry logins.
#[async_trait]
pub trait RegistryLogins: Send + Sync {
    /// Stores a login, if the tenant meets the conditions.
    ///
    /// # Errors
    /// [`OverQuota`](crate::StoreError::OverQuota) if the account has `quota` live logins in all its regions,
    /// or if the principal has half as many. [`Unavailable`](crate::StoreError::Unavailable) if another login
    /// has this password.
    async fn insert_login(
        &self,
        by: &Origin,
        login: NewLogin,
        requires: Requires,
        quota: u32,
    ) -> Result<LoginCreated>;
    /// Finds the login of a password. The state of its key or role is part of the lookup, so disabling takes
    /// effect at once.
    async fn login(&self, password: &PasswordHash) -> Result<LoginLookup>;
    /// A page of at most `limit` logins of the tenant that end after `now`, newest first. Revoked logins are
    /// listed, but not those whose service is deleted. With `before`, only logins with smaller numbers.
    async fn logins(
        &self,
        tenant: &Tenant,
        now: Time,
        before: Option<LoginId>,
        limit: usize,
    ) -> Result<LoginPage>;
    /// Revokes a login and ends the upload sessions that it fed last; their bytes go to
    /// [`discarded`](super::BlobLinks::discarded). `false` if the tenant has no such login. Revoking it again
    /// changes nothing.
    async fn revoke_login(&self, by: &Origin, tenant: &Tenant, id: LoginId, now: Time) -> Result<bool>;
    /// The live logins that the server made for its own use, of all tenants.
    async fn logins_of_server(&self, now: Time) -> Result<Vec<(Tenant, LoginId)>>;
    /// Records the latest uses of logins. Logins that were forgotten meanwhile are skipped.
    async fn note_use(&self, used: Vec<(LoginId, Used)>) -> Result<()>;
    /// Forgets some of the logins that ended before `before`. If a tenant has many thousands of revoked logins,
    /// the oldest of those are forgotten, too. Returns how many. Call it until it returns 0. The numbers are
    /// never used again. The record of who put a manifest stays.
    async fn forget_logins(&self, before: Time) -> Result<usize>;
}
