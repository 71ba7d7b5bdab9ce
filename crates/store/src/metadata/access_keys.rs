//! Access keys: the long-lived pairs that sign API calls.

use async_trait::async_trait;
pub use gangplank_core::key_state::{LastRootKey, NewState};
use gangplank_core::{
    AccessKeyId, AccountId, LoginLimits, Origin, Owner, Permission, Principal, RoleName, Time,
};

use crate::Result;

/// An access key, as its row says.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// The public half of the pair.
    pub id: AccessKeyId,
    /// The account that it belongs to.
    pub account: AccountId,
    /// The secret half, sealed with a key that is not in the database.
    pub sealed_secret: Vec<u8>,
    /// Whether it is a root key, which administers the server.
    pub is_root: bool,
    /// Whether calls that it signs are accepted.
    pub enabled: bool,
    /// When it was made, by the wall clock.
    pub created_at: Time,
    /// Its permission in its account; `None` allows everything. A root key has no permission.
    pub permission: Option<Permission>,
    /// The limits of the registry logins that it makes.
    pub limits: LoginLimits,
    /// When it ends; `None` if never. From then on its calls are refused. The caller compares this with the
    /// clock.
    pub expires_at: Option<Time>,
    /// A text for people; may be empty.
    pub description: String,
    /// Who made it; `None` if nobody knows. The store takes it from the [`Origin`] that inserts the key.
    pub made_by: Option<Owner>,
    /// When a call that it signed was last accepted, to the minute. Exact only in lists: other lookups may come
    /// from a cache.
    pub last_used_at: Option<Time>,
}

impl AccessKey {
    /// Whether the key has ended at `now`. At the moment of its end it counts as ended.
    pub fn has_expired(&self, now: Time) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether it may do less than a full access key. A limited key makes and changes no keys and no roles.
    pub fn is_limited(&self) -> bool {
        self.permission.is_some() || !self.limits.are_none() || self.expires_at.is_some()
    }

    /// The principal that signs with it.
    pub fn principal(&self) -> Principal {
        if self.is_root { Principal::RootKey(self.id.clone()) } else { Principal::AccessKey(self.id.clone()) }
    }
}

/// The position of a key in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyMark {
    /// When it was made, by the wall clock.
    pub created_at: Time,
    /// Its id.
    pub id: AccessKeyId,
}

/// A page of access keys.
#[derive(Clone, Debug, Default)]
pub struct KeyPage {
    /// The keys.
    pub keys: Vec<AccessKey>,
    /// The mark for the next page; `None` at the end.
    pub more: Option<KeyMark>,
}

/// The outcome of a change to an access key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// The key has the wanted state.
    Done,
    /// The account has no such key.
    NoSuchKey,
    /// It is the last enabled root key: without it nobody could administer the server.
    IsLastRootKey,
}

/// The keys and roles that were disabled together with the key that made them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DisabledWithMade {
    /// Keys made by the key, directly or through other keys, that were enabled until now.
    pub keys: Vec<AccessKeyId>,
    /// Roles made by these keys that were enabled until now, each with its account.
    pub roles: Vec<(AccountId, RoleName)>,
    /// Whether there are more; another call disables them.
    pub more: bool,
}

/// How many keys and roles one call disables in addition to the key that it names.
pub const MADE_AT_ONCE: usize = 500;

/// Stores access keys. `account: None` means any account.
#[async_trait]
pub trait AccessKeys: Send + Sync {
    /// Adds a key. `false` if the id is or was in use, in any account.
    ///
    /// # Errors
    /// [`OverQuota`](crate::StoreError::OverQuota) if the account has `quota` keys already.
    async fn insert_access_key(&self, by: &Origin, key: AccessKey, quota: u32) -> Result<bool>;
    /// Finds a key by its id, enabled or not.
    async fn access_key(&self, id: &AccessKeyId) -> Result<Option<AccessKey>>;
    /// A page of at most `limit` keys after the mark `after`, newest first.
    async fn access_keys(
        &self,
        account: Option<&AccountId>,
        after: Option<KeyMark>,
        limit: usize,
    ) -> Result<KeyPage>;
    /// Enables, disables or deletes a key. The next request of its registry logins sees the new state.
    /// Disabling and deleting also end the upload sessions of these logins; their bytes go to
    /// [`discarded`](super::BlobLinks::discarded).
    async fn change_access_key(
        &self,
        by: &Origin,
        account: Option<&AccountId>,
        id: &AccessKeyId,
        state: NewState,
        last: LastRootKey,
    ) -> Result<KeyChange>;
    /// Disables a key as [`change_access_key`](Self::change_access_key) does, together with the keys and roles
    /// that it made, and with those that these keys made in turn. They may belong to any account. The search
    /// also follows keys that are disabled already, because keys that they made may still be enabled. One call
    /// is one transaction and disables at most [`MADE_AT_ONCE`] of them. The last enabled root key is skipped.
    async fn disable_with_made(
        &self,
        by: &Origin,
        account: Option<&AccountId>,
        id: &AccessKeyId,
        last: LastRootKey,
    ) -> Result<(KeyChange, DisabledWithMade)>;
    /// Records when calls with these keys were last accepted. Keys that were deleted meanwhile are skipped.
    async fn note_key_use(&self, used: Vec<(AccessKeyId, Time)>) -> Result<()>;
}
