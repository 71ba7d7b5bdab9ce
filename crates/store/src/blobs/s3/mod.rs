//! Bytes in a bucket of an S3 server.
//!
//! ```text
//! <prefix>/gangplank.json      to which database it belongs
//! <prefix>/content/<ab>/<key>  content, and what was left over where an upload paused; <ab> are the last two digits of
//!                              the key, which are random and so spread the load
//! ```
//!
//! Nothing is ever renamed or copied. Content that is larger than a part is a multipart upload to its final key from the
//! beginning. What is in no part when the writing pauses is an object of its own, the tail, which the checkpoint names:
//! parts cannot be read back, so another process could not go on without it. If a tail turns out to be all there is, it
//! is the blob.
//!
//! A part that was not in the checkpoint does not count, and is uploaded again under the same number. The checkpoint has
//! the entity tag of each part that counts, so one that comes late from a writer that was thought gone makes the end of
//! the upload fail, or is left out; it is never taken for another.

mod cancelling;
mod failure;
mod joining;
mod marker;
mod part;
mod piece;
mod reading;
mod scratch;
mod seen;
mod state;
mod sweeping;
mod tails;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use gangplank_s3::probe::Abilities;
use gangplank_s3::{Client, Location};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::{BlobIngester, BlobStatter, BlobWriter, Capacity, Checkpoint, ContentKey, Space};
use crate::Result;
use crate::reserve::Reserve;
use failure::failed;
use scratch::Scratch;
use seen::Seen;
use state::State;
use writer::S3Writer;

/// The size of a part, in bytes.
pub const PART: u64 = 8 << 20;

/// How many parts an upload may have on S3.
const MOST_PARTS: u64 = 10_000;

/// Parts that are sent at once, of all uploads together.
const PARTS_AT_ONCE: usize = 32;

/// A blob store in a bucket. Its clones are the same store.
#[derive(Clone)]
pub struct S3(Arc<Inner>);

/// Where and how content is kept.
pub struct Settings {
    /// The client of the bucket.
    pub client: Client,
    /// The bucket, and what all keys begin with.
    pub location: Location,
    /// What the server can do.
    pub abilities: Abilities,
    /// Where parts wait until they are sent.
    pub scratch: PathBuf,
    /// What they leave free of that disk, in bytes.
    pub reserve: u64,
    /// The size of a part in bytes: at least 5 MiB, and at least a 9,000th of the largest blob.
    pub part: u64,
}

struct Inner {
    client: Client,
    location: Location,
    abilities: Abilities,
    scratch: Arc<Scratch>,
    part: u64,
    parts_at_once: Semaphore,
    seen: Seen,
    /// Multipart uploads that this process has fed, and so need not look for.
    fed: Seen,
    runtime: Handle,
}

/// The size of parts with which the largest blob fits.
pub fn part_for(largest_blob: u64) -> u64 {
    const FEWER: u64 = MOST_PARTS / 10 * 9;
    PART.max(largest_blob.div_ceil(FEWER))
}

impl S3 {
    /// A blob store. Asks nobody; the runtime that it is called in sends its parts.
    ///
    /// # Errors
    /// If nothing can be written where parts are to wait.
    pub fn open(settings: Settings) -> Result<Self> {
        let Settings { client, location, abilities, scratch, reserve, part } = settings;
        Ok(Self(Arc::new(Inner {
            client,
            location,
            abilities,
            scratch: Arc::new(Scratch::open(scratch, Reserve(reserve))?),
            part,
            parts_at_once: Semaphore::new(PARTS_AT_ONCE),
            seen: Seen::default(),
            fed: Seen::default(),
            runtime: Handle::current(),
        })))
    }
}

impl Inner {
    /// The whole key of content.
    fn object(&self, key: &ContentKey) -> String {
        self.location.key(&format!("content/{:02x}/{key}", key.part()))
    }
}

#[async_trait]
impl BlobStatter for S3 {
    async fn stat(&self, key: &ContentKey) -> Result<Option<u64>> {
        if let Some(length) = self.0.seen.length(key) {
            return Ok(Some(length));
        }
        let head = self.0.client.head_object(&self.0.object(key)).await.map_err(failed)?;
        Ok(head.map(|head| {
            self.0.seen.note(key, head.length);
            head.length
        }))
    }
}

#[async_trait]
impl BlobIngester for S3 {
    fn writer(&self, key: &ContentKey, from: &Checkpoint) -> Result<Box<dyn BlobWriter>> {
        let state = State::read(from, self.0.part)?;
        Ok(Box::new(S3Writer::new(Arc::clone(&self.0), key.clone(), from.hasher()?, state)))
    }

    async fn vouch(&self, key: &ContentKey, checkpoint: &Checkpoint) -> Result<Option<Checkpoint>> {
        let (Ok(_), Ok(state)) = (checkpoint.hasher(), State::read(checkpoint, self.0.part)) else {
            return Ok(None);
        };
        Ok(self.0.has_all(key, &state).await?.then(|| checkpoint.clone()))
    }

    async fn cancel(&self, key: &ContentKey, checkpoint: &Checkpoint) -> Result<()> {
        self.0.cancel(key, checkpoint).await
    }
}

#[async_trait]
impl Capacity for S3 {
    /// A bucket that is full says so where it is written to. What waits here has to have room.
    async fn require(&self, bytes: u64) -> Result<()> {
        self.0.scratch.require(bytes.min(self.0.part))
    }

    async fn space(&self) -> Result<Option<Space>> {
        Ok(None)
    }
}
