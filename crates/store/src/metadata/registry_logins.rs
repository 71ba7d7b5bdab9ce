//! Registry logins: the temporary credentials.

use std::net::IpAddr;

use async_trait::async_trait;
use gangplank_core::{
    AccessKeyId, Grant, LoginId, Origin, Owner, PasswordHash, Reach, Scope, ServiceId, Tenant, Time,
};

use super::provenance::SessionSource;
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
    /// What it is narrowed to.
    pub reach: Reach,
    /// If a session of a role asked for it: its temporary key.
    pub session: Option<AccessKeyId>,
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
    /// The session that asked for it was ended meanwhile.
    SessionEnded,
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
    /// What it is narrowed to.
    pub reach: Reach,
    /// The session of a role that asked for it, and what it is as long as that is known.
    pub session: Option<(AccessKeyId, Option<SessionSource>)>,
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

/// A page of logins.
#[derive(Clone, Debug, Default)]
pub struct LoginPage {
    /// The logins; there may be none, and still more to come.
    pub logins: Vec<LoginSummary>,
    /// What to ask for the next page with, if there may be one.
    pub more: Option<LoginId>,
}

/// How many logins are looked at for one page, so that no list takes long.
pub const LOOKED_AT: usize = 10_000;

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
    /// Revoked, or its key is disabled or deleted or of another account, or its service is deleted, or its role is or
    /// was disabled or deleted since the session began that asked for it.
    Revoked(Revoked),
    /// No such login.
    Unknown,
}

/// Keeps registry logins.
#[async_trait]
pub trait RegistryLogins: Send + Sync {
    /// Keeps a login, if the tenant has what is required.
    ///
    /// An account may have `quota` live ones, its regions together, and a principal half of them; one more is
    /// [`OverQuota`](crate::StoreError::OverQuota). A password that another login has is
    /// [`Unavailable`](crate::StoreError::Unavailable).
    async fn insert_login(
        &self,
        by: &Origin,
        login: NewLogin,
        requires: Requires,
        quota: u32,
    ) -> Result<LoginCreated>;
    /// Finds what a password opens. The state of its key or role is read with it, so disabling takes effect at once.
    async fn login(&self, password: &PasswordHash) -> Result<LoginLookup>;
    /// A page of at most `limit` of the tenant's logins that end after `now`, newest first: revoked ones too, but
    /// not those whose service is deleted. With `before`, of those with lesser numbers.
    async fn logins(
        &self,
        tenant: &Tenant,
        now: Time,
        before: Option<LoginId>,
        limit: usize,
    ) -> Result<LoginPage>;
    /// Revokes a login, and ends the upload sessions that it fed last; their bytes go to
    /// [`discarded`](super::BlobLinks::discarded). `false` if the tenant has no such login. Of several times the
    /// first counts.
    async fn revoke_login(&self, by: &Origin, tenant: &Tenant, id: LoginId, now: Time) -> Result<bool>;
    /// The live logins that the server made for itself, of all tenants.
    async fn logins_of_server(&self, now: Time) -> Result<Vec<(Tenant, LoginId)>>;
    /// Notes when logins were last used and last pushed. One that is forgotten meanwhile is passed over.
    async fn note_use(&self, used: Vec<(LoginId, Used)>) -> Result<()>;
    /// Forgets a part of the logins that ended before `before`, and of those that were revoked where a tenant has many
    /// thousands; returns how many. To forget all, call until it
    /// returns 0. Their numbers are not used again. Who put a manifest with one is not forgotten.
    async fn forget_logins(&self, before: Time) -> Result<usize>;
}
