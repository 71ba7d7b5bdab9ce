//! Access keys: the long-lived pairs that sign API calls.

use async_trait::async_trait;
use gangplank_core::{AccessKeyId, AccountId, Time};

use crate::Result;

/// An access key as it is kept.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// The public half.
    pub id: AccessKeyId,
    /// Whose it is.
    pub account: AccountId,
    /// The secret half, sealed with a key that is not in the database.
    pub sealed_secret: Vec<u8>,
    /// Whether it was made at the first start.
    pub is_root: bool,
    /// Whether its calls are taken.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Time,
}

/// What became of a change to an access key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// Done.
    Done,
    /// There is no such key in the account.
    NoSuchKey,
    /// It is the last enabled key of the root account: without it nobody could manage the server.
    LastRootKey,
}

/// Keeps access keys. `account: None` means any account.
#[async_trait]
pub trait AccessKeys: Send + Sync {
    /// Adds a key; `false` if the id is taken, in any account, also by a key deleted since.
    async fn insert_access_key(&self, key: AccessKey) -> Result<bool>;
    /// Finds a key by its id, enabled or not.
    async fn access_key(&self, id: &AccessKeyId) -> Result<Option<AccessKey>>;
    /// Lists keys, newest first.
    async fn access_keys(&self, account: Option<&AccountId>) -> Result<Vec<AccessKey>>;
    /// Enables or disables a key. Its logins stop and start with it.
    async fn enable_access_key(
        &self,
        account: Option<&AccountId>,
        id: &AccessKeyId,
        on: bool,
    ) -> Result<KeyChange>;
    /// Deletes a key, for good: its logins are refused from then on, and its id is not used again.
    async fn delete_access_key(&self, account: Option<&AccountId>, id: &AccessKeyId) -> Result<KeyChange>;
}
