//! Access keys: the long-lived pairs that sign API calls.

use async_trait::async_trait;
pub use gangplank_core::key_state::{LastRootKey, NewState};
use gangplank_core::{
    AccessKeyId, AccountId, LoginLimits, Origin, Owner, Permission, Principal, RoleName, Time,
};

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
    /// What it may do in its account; everything if `None`. A root key has none.
    pub permission: Option<Permission>,
    /// What its logins are narrowed to.
    pub limits: LoginLimits,
    /// When it ends, if it does. From then on its calls are refused; the caller compares, by the one clock.
    pub expires_at: Option<Time>,
    /// What people say of it; may be empty.
    pub description: String,
    /// Who made it, if it is known. It is taken from the [`Origin`] that inserts it.
    pub made_by: Option<Owner>,
    /// When a call with it was last taken, to the minute. Right in lists alone.
    pub last_used_at: Option<Time>,
}

impl AccessKey {
    /// Whether it has come to its end at `now`. At that very moment it is already refused.
    pub fn has_expired(&self, now: Time) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether it may do less than an access key may. Then it makes and changes no keys and no roles.
    pub fn is_limited(&self) -> bool {
        self.permission.is_some() || !self.limits.are_none() || self.expires_at.is_some()
    }

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

/// What became of an access key that was disabled with all that it made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DisabledWithMade {
    /// The keys that it made, and those that these made, that are disabled now and were not before.
    pub keys: Vec<AccessKeyId>,
    /// The roles, likewise, each with its account.
    pub roles: Vec<(AccountId, RoleName)>,
    /// Whether there are more, which another call disables.
    pub more: bool,
}

/// How many keys and roles one call disables beside the key that it names.
pub const MADE_AT_ONCE: usize = 500;

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
    /// Disables a key as [`change_access_key`](Self::change_access_key) does, and the keys and roles that it made,
    /// and whatever those made in turn, in any account and also if they are disabled themselves: in one transaction as
    /// many as [`MADE_AT_ONCE`]. The last enabled root key is passed over.
    async fn disable_with_made(
        &self,
        by: &Origin,
        account: Option<&AccountId>,
        id: &AccessKeyId,
        last: LastRootKey,
    ) -> Result<(KeyChange, DisabledWithMade)>;
    /// Notes when calls with keys were last taken. One that is deleted meanwhile is passed over.
    async fn note_key_use(&self, used: Vec<(AccessKeyId, Time)>) -> Result<()>;
}
