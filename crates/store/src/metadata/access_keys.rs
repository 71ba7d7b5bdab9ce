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

/// The place of a key in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyMark {
    /// When it was made.
    pub created_at: Time,
    /// Its id.
    pub id: AccessKeyId,
}

/// A page of access keys.
#[derive(Clone, Debug, Default)]
pub struct KeyPage {
    /// The keys.
    pub keys: Vec<AccessKey>,
    /// The mark to ask for the next page with, if there may be one.
    pub more: Option<KeyMark>,
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
    /// Adds a key; `false` if the id is taken, in any account, also by a key deleted since. If the account has
    /// `quota` keys it is [`OverQuota`](crate::StoreError::OverQuota).
    async fn insert_access_key(&self, by: &Origin, key: AccessKey, quota: u32) -> Result<bool>;
    /// Finds a key by its id, enabled or not.
    async fn access_key(&self, id: &AccessKeyId) -> Result<Option<AccessKey>>;
    /// A page of at most `limit` keys, newest first, behind the mark `after`.
    async fn access_keys(
        &self,
        account: Option<&AccountId>,
        after: Option<KeyMark>,
        limit: usize,
    ) -> Result<KeyPage>;
    /// Enables, disables or deletes a key. Its logins follow with the next request. Unless it is enabled, the upload
    /// sessions of its logins end, and their bytes go to [`discarded`](super::BlobLinks::discarded).
    async fn change_access_key(
        &self,
        by: &Origin,
        account: Option<&AccountId>,
        id: &AccessKeyId,
        state: NewState,
        last: LastRootKey,
    ) -> Result<KeyChange>;
}
