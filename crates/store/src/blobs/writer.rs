//! Writing content, and its progress.

use async_trait::async_trait;
use gangplank_oci::{Algorithm, Hasher};

use super::ContentKey;
use crate::{Result, StoreError};

/// The progress of content: everything that this or another process needs to continue. The row of an upload
/// session stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The number of bytes that count as received.
    pub received: u64,
    /// The state of the hash after these bytes, see [`Hasher::state`].
    pub hash_state: Vec<u8>,
    /// Keys other than the content's own under which the store has some of the bytes. No other content uses
    /// them. When a later checkpoint no longer names a key, the caller discards it.
    pub keys: Vec<ContentKey>,
    /// Data of the store itself. Nobody else reads it.
    pub opaque: Vec<u8>,
}

impl Checkpoint {
    /// The checkpoint of new content that is hashed with `algorithm`.
    pub fn beginning(algorithm: Algorithm) -> Self {
        let hash_state = Hasher::new(algorithm).state().unwrap_or_default();
        Self { received: 0, hash_state, keys: Vec::new(), opaque: Vec::new() }
    }

    /// A checkpoint for [`cancel`](super::BlobIngester::cancel) only. No writer can continue from it.
    pub const fn to_cancel(opaque: Vec<u8>) -> Self {
        Self { received: 0, hash_state: Vec::new(), keys: Vec::new(), opaque }
    }

    /// The hash of the bytes that count.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if this program cannot read it, for example after an upgrade, or if it counts
    /// another number of bytes.
    pub fn hasher(&self) -> Result<Hasher> {
        let hasher = Hasher::resume(&self.hash_state).ok().filter(|hasher| hasher.hashed() == self.received);
        hasher.ok_or_else(|| StoreError::damaged("the hash of a half upload cannot be gone on with"))
    }
}

/// Bytes that a writer keeps.
pub type Held = Box<dyn AsRef<[u8]> + Send>;

/// Writes content and hashes it.
///
/// Call [`ready`](Self::ready) and then [`write`](Self::write) for each piece. After an error drop the writer,
/// and cancel the content or continue from a checkpoint. Dropping a writer stops its work. The bytes that an
/// earlier checkpoint counts stay.
#[async_trait]
pub trait BlobWriter: Send {
    /// Whether [`write`](Self::write) may wait for a local disk. Then call it on a thread that may block.
    fn blocks(&self) -> bool;

    /// The hash of all bytes so far.
    fn hasher(&self) -> &Hasher;

    /// Waits until the next piece can be taken. If the store is slower than the client, this slows the client
    /// down.
    ///
    /// # Errors
    /// If earlier bytes could not be stored.
    async fn ready(&mut self) -> Result<()>;

    /// Takes the next piece. The call may wait for a local disk if the writer [`blocks`](Self::blocks). It
    /// waits for nothing else.
    ///
    /// # Errors
    /// [`StoreError::Full`] if there is no space. [`StoreError::Damaged`] if earlier staged bytes are missing,
    /// for example after a power cut, or because the content was published or discarded. The writer never fills
    /// such a gap.
    fn write(&mut self, bytes: &[u8]) -> Result<()>;

    /// Takes the last piece. The writer may keep it in memory until [`commit`](Self::commit), which is the only call
    /// that may follow. This call never waits for a disk.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    fn hold(&mut self, last: Held) -> Result<()> {
        self.write((*last).as_ref())
    }

    /// A new checkpoint since the last call; `None` if there is none. Another process can continue from it even
    /// if this one crashes. Some stores have none before [`suspend`](Self::suspend).
    fn progress(&mut self) -> Option<Checkpoint>;

    /// Stops writing for now. Returns a checkpoint that counts all bytes.
    ///
    /// # Errors
    /// If bytes could not be stored. The last checkpoint stays valid.
    async fn suspend(self: Box<Self>) -> Result<Checkpoint>;

    /// Makes all bytes durable and publishes the content. When this returns, the content is visible, and it
    /// survives a power cut together with its name. Returns its key: the content's own, or one that its
    /// checkpoint named.
    ///
    /// # Errors
    /// Fails as [`write`](Self::write) does. After an error, nobody may rely on published content. The staged
    /// bytes must be cancelled, unless the store [keeps checkpoints](super::BlobIngester::keeps_checkpoints): a
    /// second sync of the same file could succeed although bytes are lost.
    async fn commit(self: Box<Self>) -> Result<ContentKey>;
}
