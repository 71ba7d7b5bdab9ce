//! Logins to the web console, and one-time links to it.

use std::net::IpAddr;

use async_trait::async_trait;
use gangplank_core::{AccessKeyId, ConsoleSecretHash, Origin, Region, Tenant, Time};

use crate::Result;

/// How many links, and how many logins, a key may have at once. Beyond that the oldest is deleted.
pub const MOST_OF_A_KEY: usize = 100;

/// The number of a console login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConsoleLoginId(pub i64);

/// A one-time link to store.
#[derive(Clone, Debug)]
pub struct NewConsoleLink {
    /// The hash of its secret, by which it is found.
    pub secret: ConsoleSecretHash,
    /// The access key or temporary key that signed the call for it.
    pub key: AccessKeyId,
    /// The account of the key, and the region of the call.
    pub tenant: Tenant,
    /// When it is made, by the wall clock.
    pub created_at: Time,
    /// When it ends, by the wall clock.
    pub ends_at: Time,
}

/// The key and the region that a used link belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleLink {
    /// The access key or temporary key that signed the call for it.
    pub key: AccessKeyId,
    /// The region of that call.
    pub region: Region,
}

/// A console login to store.
#[derive(Clone, Debug)]
pub struct NewConsoleLogin {
    /// The hash of its secret, by which it is found.
    pub secret: ConsoleSecretHash,
    /// The access key or temporary key that it acts as.
    pub key: AccessKeyId,
    /// The account of the key, and the region that the console shows first.
    pub tenant: Tenant,
    /// The address that it was made from.
    pub address: IpAddr,
    /// When it is made, by the wall clock.
    pub created_at: Time,
    /// When it ends if nobody uses it, by the wall clock.
    pub over_at: Time,
    /// When it ends at the latest, by the wall clock.
    pub ends_at: Time,
}

/// A console login, as its row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleLogin {
    /// Its number.
    pub id: ConsoleLoginId,
    /// The access key or temporary key that it acts as. The caller checks whether the key is usable.
    pub key: AccessKeyId,
    /// The region that it was made for.
    pub region: Region,
    /// When it ends if nobody uses it before, by the wall clock.
    pub over_at: Time,
    /// When it ends at the latest, by the wall clock.
    pub ends_at: Time,
}

/// Stores console logins and links.
#[async_trait]
pub trait ConsoleLogins: Send + Sync {
    /// Stores a link.
    async fn insert_console_link(&self, by: &Origin, link: NewConsoleLink) -> Result<()>;
    /// Uses up a link. `None` if there is none, or if it ended at `now` or before. If several callers use the
    /// same link, one of them gets it.
    async fn use_console_link(&self, secret: &ConsoleSecretHash, now: Time) -> Result<Option<ConsoleLink>>;
    /// Stores a login.
    async fn insert_console_login(&self, by: &Origin, login: NewConsoleLogin) -> Result<()>;
    /// Finds a login that has not ended at `now`.
    async fn console_login(&self, secret: &ConsoleSecretHash, now: Time) -> Result<Option<ConsoleLogin>>;
    /// Lets a login live until `over_at`. A power cut may undo this.
    async fn prolong_console_login(&self, id: ConsoleLoginId, over_at: Time) -> Result<()>;
    /// Ends a login; `false` if there is no such login.
    async fn end_console_login(&self, by: &Origin, tenant: &Tenant, id: ConsoleLoginId) -> Result<bool>;
    /// Ends all logins and links of a key; returns the number of logins.
    async fn end_console_logins_of(&self, by: &Origin, tenant: &Tenant, key: &AccessKeyId) -> Result<u64>;
    /// Deletes a login whose browser signs in again. No event is recorded.
    async fn forget_console_login(&self, id: ConsoleLoginId) -> Result<()>;
    /// Deletes the logins and links of a key that can no longer be used. Otherwise they would work again as
    /// soon as the key works again.
    async fn forget_console_logins_of(&self, key: &AccessKeyId) -> Result<()>;
    /// Deletes some of the logins and links that ended before `before`; returns how many. Call it until it
    /// returns 0.
    async fn forget_console_logins(&self, before: Time) -> Result<usize>;
}
