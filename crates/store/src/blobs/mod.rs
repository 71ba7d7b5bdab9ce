//! Bytes: staged while they arrive, published once they are complete, never changed after.
//!
//! What a store can do is in narrow traits, which [`BlobStore`] puts together; their documentation is the contract. The
//! calls are async, and a store that waits for a disk sees to it that it keeps no worker of the runtime waiting; only
//! [`BlobWriter::write`] may block.
//!
//! A key is used once: content is published under it at most once and, when removed, never again, so removing old bytes
//! can never hit new ones. One writer at a time has a content: whoever calls sees to that.

mod folder;
mod key;
mod local_files;
mod local_writer;
mod memory;
mod presence;
mod reading;
pub mod s3;
mod shards;
mod write_back;
mod writer;

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;

pub use folder::Folder;
pub use key::ContentKey;
pub use local_files::{DEFAULT_RESERVE, LocalFiles};
pub use local_writer::LocalWriter;
pub use memory::Memory;
pub use presence::ID;
pub use reading::{ByteStream, FileRange, Read, Reading};
pub use writer::{BlobWriter, Checkpoint};

use crate::Result;

/// Says which content is there.
#[async_trait]
pub trait BlobStatter: Send + Sync {
    /// The length of published content in bytes; `None` if there is none.
    async fn stat(&self, key: &ContentKey) -> Result<Option<u64>>;
}

/// Hands content out.
#[async_trait]
pub trait BlobProvider: Send + Sync {
    /// Opens published content, of which the bytes in `range` are read; where the content ends, they end too. `None` if
    /// there is none. What was opened can be read to its end while the content is removed, as long as its row went a
    /// while before, where it is not on a local disk.
    async fn read(&self, key: &ContentKey, range: Range<u64>) -> Result<Option<Reading>>;

    /// A URL from which anybody can read the content for so long; `None` if this store hands out none. It is a secret.
    /// Whether the content is there is not looked at.
    async fn redirect(&self, key: &ContentKey, lifetime: Duration) -> Result<Option<String>> {
        let _ = (key, lifetime);
        Ok(None)
    }
}

/// Takes content in.
#[async_trait]
pub trait BlobIngester: Send + Sync {
    /// A writer that goes on from a checkpoint of `key`, or begins at [`Checkpoint::beginning`]. What was staged beyond
    /// the checkpoint is lost. It waits for nothing: whether the bytes are there turns out when the writer is used.
    ///
    /// # Errors
    /// [`StoreError::Damaged`](crate::StoreError::Damaged) if nobody can go on from the checkpoint.
    fn writer(&self, key: &ContentKey, from: &Checkpoint) -> Result<Box<dyn BlobWriter>>;

    /// Looks whether all bytes are there that a checkpoint counts, and returns the checkpoint to go on from; `None` if
    /// they are not: then the upload is over. It reads the bytes where they cannot be relied on otherwise, such as after a
    /// crash, and the checkpoint that it returns then says that this was done.
    async fn vouch(&self, key: &ContentKey, checkpoint: &Checkpoint) -> Result<Option<Checkpoint>>;

    /// Discards what is staged under `key`, and all that the checkpoint names; published content of `key` itself stays. No
    /// error if nothing is there. Nobody writes it any more, or whoever does fails.
    async fn cancel(&self, key: &ContentKey, checkpoint: &Checkpoint) -> Result<()>;
}

/// Content on its way in that a store has found by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    /// Its key.
    pub key: ContentKey,
    /// What [`BlobIngester::cancel`] has to know of it. Nothing can be gone on with from here.
    pub checkpoint: Checkpoint,
}

/// Finds and removes what nobody needs.
#[async_trait]
pub trait BlobSweeper: Send + Sync {
    /// How old something has to be that no row knows, so that nobody can be about to make its row. Zero where one process
    /// has the store: what an earlier run left is nobody's.
    fn settles_after(&self) -> Duration {
        Duration::ZERO
    }

    /// The keys of published content in one of 256 parts that has been there for so long, in any order. A key is in the
    /// part that its last two digits name ([`ContentKey::part`]). Age is counted by the store's own clock.
    async fn published(&self, part: u8, older_than: Duration) -> Result<Vec<ContentKey>>;

    /// What is on its way in and was begun or fed so long ago, in any order.
    async fn staged(&self, older_than: Duration) -> Result<Vec<Staged>>;

    /// Removes published content where there is any: a result for each key, in their order. What cannot be removed holds
    /// up no other.
    async fn remove(&self, keys: &[ContentKey]) -> Vec<Result<()>>;
}

/// How much space there is for content, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// All of it, whatever it is used for.
    pub total: u64,
    /// What is free.
    pub free: u64,
}

/// Knows how much there is room for.
#[async_trait]
pub trait Capacity: Send + Sync {
    /// Refuses, as [`StoreError::Full`](crate::StoreError::Full), what would take so many bytes of the space that is kept
    /// for the database, or fills the store.
    async fn require(&self, bytes: u64) -> Result<()>;

    /// How much space there is, without what is kept for the database; `None` where that has no bound.
    async fn space(&self) -> Result<Option<Space>>;
}

/// Keeps bytes by key.
pub trait BlobStore: BlobStatter + BlobProvider + BlobIngester + BlobSweeper + Capacity {}

impl<T: BlobStatter + BlobProvider + BlobIngester + BlobSweeper + Capacity> BlobStore for T {}
