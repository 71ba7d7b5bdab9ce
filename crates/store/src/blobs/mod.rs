//! Bytes: staged while they arrive, published once they are complete, never changed after.
//!
//! The calls block and belong on threads that may. A key is used once: content is published under
//! it at most once and, when removed, never again, so removing old bytes can never hit new ones.

mod folder;
mod presence;
mod shards;
mod write_back;

use std::fmt;
use std::fs::File;

pub use folder::{DEFAULT_RESERVE, Folder};
pub use presence::ID;

use crate::Result;

/// Names content in a blob store: a UUID, used once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContentKey(String);

impl ContentKey {
    /// A key that was never used.
    pub fn unused() -> Self {
        Self(uuid::Uuid::now_v7().simple().to_string())
    }

    /// Reads a key: 32 lower-case hexadecimal digits, so that it is safe in a path.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 32 && text.bytes().all(hex)).then(|| Self(text.to_owned()))
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How much space a disk has for content, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// All of it, whatever it is used for.
    pub total: u64,
    /// What is free.
    pub free: u64,
}

/// Content on its way in. Dropping it leaves what was written staged.
pub trait Staged: Send {
    /// Writes the next bytes.
    fn write(&mut self, bytes: &[u8]) -> Result<()>;
    /// Makes everything written durable and publishes it: when this returns, the content and its
    /// name survive power loss. After an error nothing was published, and what was staged must be
    /// discarded, since a second sync of the same file could falsely succeed.
    fn publish(self: Box<Self>) -> Result<()>;
}

/// Keeps bytes by key.
pub trait BlobStore: Send + Sync {
    /// Stages content for `key`, to go on after the first `offset` bytes. Anything beyond is cut
    /// off; zero starts anew. One writer at a time: a second one must wait until the first is gone.
    ///
    /// # Errors
    /// [`StoreError::Damaged`](crate::StoreError::Damaged) if fewer than `offset` bytes are staged:
    /// after a power cut, or because the content was published or discarded. Nothing is made up in
    /// their place.
    fn stage(&self, key: &ContentKey, offset: u64) -> Result<Box<dyn Staged>>;
    /// Opens staged content to be read again from its start; an error if there is none.
    fn open_staged(&self, key: &ContentKey) -> Result<File>;
    /// The length of staged content in bytes; `None` if there is none.
    fn staged_size(&self, key: &ContentKey) -> Result<Option<u64>>;
    /// Discards staged content, if there is any.
    fn discard_staged(&self, key: &ContentKey) -> Result<()>;
    /// The keys of all staged content, in any order.
    fn staged(&self) -> Result<Vec<ContentKey>>;
    /// The keys of published content in one of 256 parts, in any order. A key is in the part that its last
    /// two digits name; those are random.
    fn published(&self, part: u8) -> Result<Vec<ContentKey>>;
    /// Opens published content to be read; `None` if there is none. What was opened can be read to
    /// its end, also if it is removed meanwhile.
    fn open(&self, key: &ContentKey) -> Result<Option<File>>;
    /// The length of published content in bytes; `None` if there is none.
    fn size(&self, key: &ContentKey) -> Result<Option<u64>>;
    /// Refuses, as [`StoreError::Full`](crate::StoreError::Full), what would take so many bytes of the space
    /// that is kept for the database.
    fn require_space(&self, bytes: u64) -> Result<()>;
    /// How much space there is, without what is kept for the database.
    fn space(&self) -> Result<Space>;
    /// Removes published content, if there is any.
    fn remove(&self, key: &ContentKey) -> Result<()>;
}
