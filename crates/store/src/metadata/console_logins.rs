//! Logins to the web console, and the one-time links to it.

use std::net::IpAddr;

use async_trait::async_trait;
use gangplank_core::{AccessKeyId, ConsoleSecretHash, Origin, Region, Tenant, Time};

use crate::Result;

/// How many links a key has at once, and how many logins; a new one takes the place of the oldest.
pub const MOST_OF_A_KEY: usize = 100;

/// The row number of a console login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConsoleLoginId(pub i64);

/// A one-time link to be kept.
#[derive(Clone, Debug)]
pub struct NewConsoleLink {
    /// How it is found.
    pub secret: ConsoleSecretHash,
    /// The access key or the temporary key that signed the call for it.
    pub key: AccessKeyId,
    /// Where that key acted.
    pub tenant: Tenant,
    /// When it is made.
    pub created_at: Time,
    /// When it ends.
    pub ends_at: Time,
}

/// A link that was used: for whom it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleLink {
    /// The access key or the temporary key that signed the call for it.
    pub key: AccessKeyId,
    /// The region that it acted in.
    pub region: Region,
}

/// A login to be kept.
#[derive(Clone, Debug)]
pub struct NewConsoleLogin {
    /// How it is found.
    pub secret: ConsoleSecretHash,
    /// The access key or the temporary key that it acts as.
    pub key: AccessKeyId,
    /// Where that key acts at first.
    pub tenant: Tenant,
    /// From where it is made.
    pub address: IpAddr,
    /// When it is made.
    pub created_at: Time,
    /// When it ends if it is not used.
    pub over_at: Time,
    /// When it ends at the latest.
    pub ends_at: Time,
}

/// A login as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleLogin {
    /// Its number.
    pub id: ConsoleLoginId,
    /// The access key or the temporary key that it acts as. Whether that may still be used is the caller's to ask.
    pub key: AccessKeyId,
    /// The region that it was made for.
    pub region: Region,
    /// When it ends if it is not used before.
    pub over_at: Time,
    /// When it ends at the latest.
    pub ends_at: Time,
}

/// Keeps logins to the console, and links to it.
#[async_trait]
pub trait ConsoleLogins: Send + Sync {
    /// Keeps a link.
    async fn insert_console_link(&self, by: &Origin, link: NewConsoleLink) -> Result<()>;
    /// Uses a link up; `None` if there is none, or it ended at `now` or before. Of several who come with the same link one
    /// gets it.
    async fn use_console_link(&self, secret: &ConsoleSecretHash, now: Time) -> Result<Option<ConsoleLink>>;
    /// Keeps a login.
    async fn insert_console_login(&self, by: &Origin, login: NewConsoleLogin) -> Result<()>;
    /// Finds a login that is not over at `now`.
    async fn console_login(&self, secret: &ConsoleSecretHash, now: Time) -> Result<Option<ConsoleLogin>>;
    /// Lets a login live until then. A power cut may undo it.
    async fn prolong_console_login(&self, id: ConsoleLoginId, over_at: Time) -> Result<()>;
    /// Ends a login of a tenant's key; `false` if there is none.
    async fn end_console_login(&self, by: &Origin, tenant: &Tenant, id: ConsoleLoginId) -> Result<bool>;
    /// Ends all logins and links of a key; returns how many logins.
    async fn end_console_logins_of(&self, by: &Origin, tenant: &Tenant, key: &AccessKeyId) -> Result<u64>;
    /// Forgets a login whose browser signs in anew.
    async fn forget_console_login(&self, id: ConsoleLoginId) -> Result<()>;
    /// Forgets the logins and links of a key that opens nothing any more, so that none comes to life with it again.
    async fn forget_console_logins_of(&self, key: &AccessKeyId) -> Result<()>;
    /// Forgets a part of the logins and links that were over before `before`; returns how many. To forget all, call
    /// until it returns 0.
    async fn forget_console_logins(&self, before: Time) -> Result<usize>;
}
