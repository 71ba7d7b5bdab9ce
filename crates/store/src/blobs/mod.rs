//! Bytes: staged while they are uploaded, published when they are complete, and never changed after that.
//!
//! Narrow traits describe what a store can do; their documentation is the contract. [`BlobStore`] combines
//! them. The calls are async. A store that waits for a disk does so on its own threads, and not on the
//! threads of the runtime. Only [`BlobWriter::write`] may block.
//!
//! A key is used once: after its content is removed, no other content gets the key. So removing old bytes can
//! never hit new ones. The caller makes sure that content has only one writer at a time.

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
pub use writer::{BlobWriter, Checkpoint, Held};

use crate::Result;
use crate::identity::Identity;

/// Tells which content exists.
#[async_trait]
pub trait BlobStatter: Send + Sync {
    /// The size of published content in bytes; `None` if there is none.
    async fn stat(&self, key: &ContentKey) -> Result<Option<u64>>;

    /// The size as [`stat`](Self::stat) says it, from the bytes themselves and not from memory.
    async fn stat_anew(&self, key: &ContentKey) -> Result<Option<u64>> {
        self.stat(key).await
    }
}

/// Reads content.
#[async_trait]
pub trait BlobProvider: Send + Sync {
    /// Opens published content to read the bytes in `range`, as far as the content has them. `None` if there is
    /// no such content. An open reading can be finished while the content is removed. If the content is not on
    /// a local disk, this is only true if its row was removed some time before.
    async fn read(&self, key: &ContentKey, range: Range<u64>) -> Result<Option<Reading>>;

    /// A URL from which anybody can read the content for this time, at the store's own address or at the endpoint
    /// `public`. `None` if this store makes no URLs now. The URL is a secret. The content may be missing: this is
    /// not checked.
    async fn redirect(
        &self,
        key: &ContentKey,
        lifetime: Duration,
        public: Option<&str>,
    ) -> Result<Option<String>> {
        let _ = (key, lifetime, public);
        Ok(None)
    }
}

/// Stores new content.
#[async_trait]
pub trait BlobIngester: Send + Sync {
    /// A writer that continues from a checkpoint of `key`, or begins at [`Checkpoint::beginning`]. Staged bytes
    /// beyond the checkpoint are lost. The call does not wait. Only the use of the writer shows whether the
    /// counted bytes exist.
    ///
    /// # Errors
    /// [`StoreError::Damaged`](crate::StoreError::Damaged) if the checkpoint cannot be continued.
    fn writer(&self, key: &ContentKey, from: &Checkpoint) -> Result<Box<dyn BlobWriter>>;

    /// Checks that every byte that a checkpoint counts exists. Returns the checkpoint to continue from, or
    /// `None` if bytes are missing; then the upload is over. After a crash the bytes cannot be relied on, so
    /// they are read. The returned checkpoint records that.
    async fn vouch(&self, key: &ContentKey, checkpoint: &Checkpoint) -> Result<Option<Checkpoint>>;

    /// Deletes the content that is staged under `key`, and everything that the checkpoint names. Published
    /// content under `key` itself stays. Missing content is no error. Fails if a writer of it is active.
    async fn cancel(&self, key: &ContentKey, checkpoint: &Checkpoint) -> Result<()>;

    /// Whether the last checkpoint stays valid when a writer fails because the store is out of reach, even in
    /// [`commit`](BlobWriter::commit). On a local disk it does not: after a failed sync nobody knows which bytes
    /// are there.
    fn keeps_checkpoints(&self) -> bool;

    /// Deletes the staged content that `checkpoint` names and `row` does not. A writer that has lost its
    /// session calls this. Another writer continues from `row`. The caller takes no further step. Missing
    /// content is no error.
    async fn cancel_beyond(&self, key: &ContentKey, checkpoint: &Checkpoint, row: &Checkpoint) -> Result<()>;
}

/// Staged content that a store has found by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    /// Its key.
    pub key: ContentKey,
    /// The checkpoint for [`BlobIngester::cancel`]. No writer can continue from it.
    pub checkpoint: Checkpoint,
}

/// The owner of a store of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The caller owns the content: nobody else can use the store, or the owner was checked when the store was
    /// opened.
    Certain,
    /// The database with this identity owns the content. The store has just been asked.
    Database(Identity),
    /// Nobody owns the content, although several databases could use the store.
    Nobody,
}

/// A published content that a store has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Its key.
    pub key: ContentKey,
    /// Its size in bytes.
    pub size: u64,
}

/// Finds and removes orphaned content.
#[async_trait]
pub trait BlobSweeper: Send + Sync {
    /// The owner of the content in this store. Content is only removed for its owner.
    async fn owner(&self) -> Result<Owner> {
        Ok(Owner::Certain)
    }

    /// How old content without a row must be before it counts as an orphan. Younger content may get its row at
    /// any moment. Zero if one process has the store to itself: then content of an earlier run gets no row any
    /// more.
    fn settles_after(&self) -> Duration {
        Duration::ZERO
    }

    /// How old the key of content may be when it gets its row; `None` if it does not matter. An orphan's key is
    /// much older, so a process that was paused for days publishes nothing that another one removes.
    fn publishes_within(&self) -> Option<Duration> {
        let settles_after = self.settles_after();
        (!settles_after.is_zero()).then(|| settles_after / 3 * 2)
    }

    /// The keys of published content that is at least `older_than` old, in one of 256 parts and in any order.
    /// The last two digits of a key are the number of its part ([`ContentKey::part`]). The store's clock
    /// decides about the age.
    async fn published(&self, part: u8, older_than: Duration) -> Result<Vec<ContentKey>>;

    /// All published content of a part, however old, in any order. Content that is published meanwhile may be
    /// missing or included.
    async fn inventory(&self, part: u8) -> Result<Vec<Published>>;

    /// Staged content that was begun or got its last byte at least `older_than` ago, in any order.
    async fn staged(&self, older_than: Duration) -> Result<Vec<Staged>>;

    /// Removes published content; missing content is no error. Returns a result for each key, in their order. A
    /// failure does not stop the others.
    async fn remove(&self, keys: &[ContentKey]) -> Vec<Result<()>>;
}

/// The space for content, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// The whole space, used or free.
    pub total: u64,
    /// The free space.
    pub free: u64,
}

/// Tells how much space there is.
#[async_trait]
pub trait Capacity: Send + Sync {
    /// Checks that there is room for `bytes` more bytes in addition to the reserve for the database.
    ///
    /// # Errors
    /// [`StoreError::Full`](crate::StoreError::Full) if there is not.
    async fn require(&self, bytes: u64) -> Result<()>;

    /// The space without the reserve for the database; `None` if the store has no limit.
    async fn space(&self) -> Result<Option<Space>>;
}

/// Stores bytes by key.
pub trait BlobStore: BlobStatter + BlobProvider + BlobIngester + BlobSweeper + Capacity {}

impl<T: BlobStatter + BlobProvider + BlobIngester + BlobSweeper + Capacity> BlobStore for T {}
