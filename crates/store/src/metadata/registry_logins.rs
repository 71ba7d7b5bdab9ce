//! Registry logins: the temporary credentials.

use std::net::IpAddr;

use async_trait::async_trait;
use gangplank_core::{Grant, LoginId, Origin, Owner, PasswordHash, Scope, ServiceId, Tenant, Time};

use crate::Result;

/// A login to be kept.
#[derive(Clone, Debug)]
pub struct NewLogin {
    /// Where it works.
    pub tenant: Tenant,
    /// Who asked for it.
    pub owner: Owner,
    /// What it may do.
    pub scope: Scope,
    /// For a pull login: the service it reads.
    pub service: Option<ServiceId>,
    /// How it is found.
    pub password: PasswordHash,
    /// When it was made.
    pub created_at: Time,
    /// When it ends.
    pub expires_at: Time,
}

/// What a tenant must have to be given a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requires {
    /// Nothing.
    Nothing,
    /// A container service, whichever: Lightsail refuses push logins without one.
    AnyService,
}

/// What became of a new login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginCreated {
    /// Kept.
    Created(LoginId),
    /// The service it is for does not exist.
    NoSuchService,
    /// The tenant has no container service at all, and one was required.
    NoServiceYet,
}

/// A login as lists show it.
#[derive(Clone, Debug)]
pub struct LoginSummary {
    /// Its number, by which it is revoked.
    pub id: LoginId,
    /// What it may do.
    pub scope: Scope,
    /// The service of a pull login.
    pub service: Option<String>,
    /// Who made it.
    pub owner: Owner,
    /// When it was made.
    pub created_at: Time,
    /// When it ends.
    pub expires_at: Time,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Time>,
    /// When a request with it was last let in, to the minute.
    pub last_used_at: Option<Time>,
    /// When it last put a manifest, to the minute, and from where.
    pub last_push: Option<Push>,
}

/// A push by a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Push {
    /// When, by the wall clock.
    pub at: Time,
    /// From where.
    pub address: IpAddr,
}

/// What a login was used for lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// When a request with it was last let in, by the wall clock.
    pub at: Time,
    /// Its last push, if it pushed.
    pub push: Option<Push>,
}

/// Whose a login was that opens nothing any more.
#[derive(Clone, Debug)]
pub struct Revoked {
    /// The login.
    pub login: LoginId,
    /// Where it worked.
    pub tenant: Tenant,
    /// Who made it.
    pub owner: Owner,
    /// What it was for.
    pub scope: Scope,
}

/// What a password opens.
#[derive(Clone, Debug)]
pub enum LoginLookup {
    /// A login that has not been revoked, of a key that is enabled. It may have expired: the
    /// caller compares, by the one clock.
    Live(Grant),
    /// Revoked, or its key is disabled or deleted or of another account, or its service is deleted.
    Revoked(Revoked),
    /// No such login.
    Unknown,
}

/// Keeps registry logins.
#[async_trait]
pub trait RegistryLogins: Send + Sync {
    /// Keeps a login, if the tenant has what is required.
    ///
    /// A password that another login has is [`Unavailable`](crate::StoreError::Unavailable).
    async fn insert_login(&self, by: &Origin, login: NewLogin, requires: Requires) -> Result<LoginCreated>;
    /// Finds what a password opens. Key state is read with it, so disabling takes effect at once.
    async fn login(&self, password: &PasswordHash) -> Result<LoginLookup>;
    /// Lists the tenant's logins that end after `now`, newest first: revoked ones too, but not those
    /// whose service is deleted.
    async fn logins(&self, tenant: &Tenant, now: Time) -> Result<Vec<LoginSummary>>;
    /// Revokes a login; `false` if the tenant has no such login. Of several times the first counts.
    async fn revoke_login(&self, by: &Origin, tenant: &Tenant, id: LoginId, now: Time) -> Result<bool>;
    /// Notes when logins were last used and last pushed. One that is forgotten meanwhile is passed over.
    async fn note_use(&self, used: Vec<(LoginId, Used)>) -> Result<()>;
    /// Forgets logins that ended before `before`, some hundreds in one call; returns how many. Their numbers are not used again. Who put a
    /// manifest with one is not forgotten.
    async fn forget_logins(&self, before: Time) -> Result<usize>;
}
