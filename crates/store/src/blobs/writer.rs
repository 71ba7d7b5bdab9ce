//! Content on its way in, and how far it has come.

use async_trait::async_trait;
use gangplank_oci::{Algorithm, Hasher};

use super::ContentKey;
use crate::{Result, StoreError};

/// How far content has come: all that is needed to go on with it, by this process or another. The row of an upload
/// session keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// How many bytes count.
    pub received: u64,
    /// The hash of those bytes, to go on from: see [`Hasher::state`].
    pub hash_state: Vec<u8>,
    /// Keys under which the store keeps some of the bytes, beside the content's own. No other content has them.
    /// Whoever keeps the checkpoint discards those that a later one no longer names.
    pub keys: Vec<ContentKey>,
    /// What the store itself has to know. Nobody else reads it.
    pub opaque: Vec<u8>,
}

impl Checkpoint {
    /// Where content begins that is hashed with `algorithm`.
    pub fn beginning(algorithm: Algorithm) -> Self {
        let hash_state = Hasher::new(algorithm).state().unwrap_or_default();
        Self { received: 0, hash_state, keys: Vec::new(), opaque: Vec::new() }
    }

    /// What [`cancel`](super::BlobIngester::cancel) needs of one that is kept no longer. Nobody can go on from it.
    pub const fn to_cancel(opaque: Vec<u8>) -> Self {
        Self { received: 0, hash_state: Vec::new(), keys: Vec::new(), opaque }
    }

    /// The hash of the bytes that count.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if this program cannot read it, as after an upgrade, or it is that of another number of
    /// bytes.
    pub fn hasher(&self) -> Result<Hasher> {
        let hasher = Hasher::resume(&self.hash_state).ok().filter(|hasher| hasher.hashed() == self.received);
        hasher.ok_or_else(|| StoreError::damaged("the hash of a half upload cannot be gone on with"))
    }
}

/// Writes content, and hashes it on the way.
///
/// Each piece takes [`ready`](Self::ready) and then [`write`](Self::write). After an error the writer is of no use;
/// whoever has it drops it, and cancels the content or goes on from a checkpoint. Dropping it ends what it has under way;
/// what an earlier checkpoint counts stays.
#[async_trait]
pub trait BlobWriter: Send {
    /// Whether [`write`](Self::write) may wait for a local disk. Then it belongs on a thread that may block.
    fn blocks(&self) -> bool;

    /// The hash of all bytes so far.
    fn hasher(&self) -> &Hasher;

    /// Waits until another piece can be taken. Where bytes go out slower than they come, this is what holds the client
    /// up.
    ///
    /// # Errors
    /// If earlier bytes could not be kept.
    async fn ready(&mut self) -> Result<()>;

    /// Takes the next piece. It waits for nothing but a local disk, and that only if it [`blocks`](Self::blocks).
    ///
    /// # Errors
    /// [`StoreError::Full`] if there is no space; [`StoreError::Damaged`] if what was staged before is not all there, such
    /// as after a power cut, or because the content was published or discarded. Nothing is made up in its place.
    fn write(&mut self, bytes: &[u8]) -> Result<()>;

    /// A checkpoint that has become possible since this was asked last: from there another process can go on, whatever
    /// becomes of this one. `None` if there is no new one; some stores never have one before [`suspend`](Self::suspend).
    fn progress(&mut self) -> Option<Checkpoint>;

    /// Ends the writing for now, and says how far it has come: all bytes count.
    ///
    /// # Errors
    /// If bytes could not be kept. The last checkpoint holds.
    async fn suspend(self: Box<Self>) -> Result<Checkpoint>;

    /// Makes everything written durable and publishes it: when this returns, the content is visible, and it and its
    /// name survive power loss. Returns the key that it has: its own or one of its checkpoint's.
    ///
    /// # Errors
    /// As of [`write`](Self::write). Then nothing was published that anybody should rely on, and what was staged must be
    /// cancelled: a second sync of the same file could falsely succeed.
    async fn commit(self: Box<Self>) -> Result<ContentKey>;
}
