//! Access keys: the long-lived pairs that sign API calls.

use async_trait::async_trait;
use gangplank_core::{AccessKeyId, AccountId, Origin, Principal, Time};

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
    /// Whether it administers the server.
    pub is_root: bool,
    /// Whether its calls are taken.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Time,
}

impl AccessKey {
    /// Who signs with it.
    pub fn principal(&self) -> Principal {
        if self.is_root { Principal::RootKey(self.id.clone()) } else { Principal::AccessKey(self.id.clone()) }
    }
}

/// What is to become of an access key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewState {
    /// Its calls and logins are taken.
    Enabled,
    /// Its calls and logins are refused, until it is enabled again.
    Disabled,
    /// It is gone for good. Its logins are refused from then on, and its id is not used again.
    Deleted,
}

/// Whether the last root key may be disabled or deleted, which locks everybody out of administration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastRootKey {
    /// It stays.
    Keep,
    /// It may go.
    Release,
}

/// What became of a change to an access key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// Done.
    Done,
    /// There is no such key in the account.
    NoSuchKey,
    /// It is the last enabled root key: without it nobody could administer the server.
    IsLastRootKey,
}

/// Keeps access keys. `account: None` means any account.
#[async_trait]
pub trait AccessKeys: Send + Sync {
    /// Adds a key; `false` if the id is taken, in any account, also by a key deleted since.
    async fn insert_access_key(&self, by: &Origin, key: AccessKey) -> Result<bool>;
    /// Finds a key by its id, enabled or not.
    async fn access_key(&self, id: &AccessKeyId) -> Result<Option<AccessKey>>;
    /// Lists keys, newest first.
    async fn access_keys(&self, account: Option<&AccountId>) -> Result<Vec<AccessKey>>;
    /// Enables, disables or deletes a key. Its logins follow with the next request.
    async fn change_access_key(
        &self,
        by: &Origin,
        account: Option<&AccountId>,
        id: &AccessKeyId,
        state: NewState,
        last: LastRootKey,
    ) -> Result<KeyChange>;
}
