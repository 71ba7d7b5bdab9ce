//! Bytes in a bucket of an S3 server.
//!
//! ```text
//! <prefix>/gangplank.json      the number of its database
//! <prefix>/content/<ab>/<key>  content, and tails of paused uploads; <ab> are the last two digits of
//!                              the key, which are random and so spread the load
//! ```
//!
//! Nothing is ever renamed or copied. Content that is larger than a part is a multipart upload to its final key
//! from the beginning. When the writing pauses, the bytes of the unfinished part become a separate object, a
//! *tail*, which the checkpoint names. Another process needs it to continue, since parts cannot be read back.
//! If no more bytes come, a tail that contains everything is the blob.
//!
//! A part that is not in the checkpoint does not count. It is uploaded again under the same number. The
//! checkpoint contains the entity tag of each part that counts. If a late part arrives from an older writer,
//! its tag differs: the join fails or leaves it out. It never replaces another part.

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

pub(crate) use sweeping::SETTLED;

/// The least size of a part, in bytes.
pub const PART: u64 = 8 << 20;

/// The most parts of an upload on S3.
const MOST_PARTS: u64 = 10_000;

/// How many parts are sent at once, of all uploads together.
const PARTS_AT_ONCE: usize = 32;

/// A blob store in a bucket. Clones share everything.
#[derive(Clone)]
pub struct S3(Arc<Inner>);

/// How to open a blob store in a bucket.
pub struct Settings {
    /// The client of the bucket.
    pub client: Client,
    /// The bucket, and the prefix of all keys.
    pub location: Location,
    /// The abilities of the server.
    pub abilities: Abilities,
    /// The folder in which parts wait until they are sent.
    pub scratch: PathBuf,
    /// A folder on the disk of the database, if the database is on this machine. Uploads stop early enough for
    /// the database to commit.
    pub database: Option<PathBuf>,
    /// How many bytes of these disks stay free.
    pub reserve: u64,
    /// The size of a part in bytes: at least 5 MiB, and at least one 9,000th of the largest blob.
    pub part: u64,
}

struct Inner {
    client: Client,
    location: Location,
    abilities: Abilities,
    scratch: Arc<Scratch>,
    database: Option<PathBuf>,
    reserve: Reserve,
    part: u64,
    parts_at_once: Semaphore,
    seen: Seen,
    /// The multipart uploads that this process has fed. It need not ask the server whether they are open.
    fed: Seen,
    runtime: Handle,
}

/// The size of a part, in bytes, with which a blob of this size fits into one upload.
pub fn part_for(largest_blob: u64) -> u64 {
    const FEWER: u64 = MOST_PARTS / 10 * 9;
    PART.max(largest_blob.div_ceil(FEWER))
}

impl S3 {
    /// Makes a blob store without asking the server. Tasks of the current runtime send the parts.
    ///
    /// # Errors
    /// If no file can be made in the scratch folder.
    pub fn open(settings: Settings) -> Result<Self> {
        let Settings { client, location, abilities, scratch, database, reserve, part } = settings;
        let reserve = Reserve(reserve);
        Ok(Self(Arc::new(Inner {
            client,
            location,
            abilities,
            scratch: Arc::new(Scratch::open(scratch, reserve)?),
            database,
            reserve,
            part,
            parts_at_once: Semaphore::new(PARTS_AT_ONCE),
            seen: Seen::default(),
            fed: Seen::default(),
            runtime: Handle::current(),
        })))
    }
}

impl Inner {
    /// The full object key of content.
    fn object(&self, key: &ContentKey) -> String {
        self.location.key(&format!("content/{:02x}/{key}", key.part()))
    }

    /// Asks the server for the size of content.
    async fn look(&self, key: &ContentKey) -> Result<Option<u64>> {
        let head = self.client.head_object(&self.object(key)).await.map_err(failed)?;
        let length = head.map(|head| head.length);
        match length {
            Some(length) => self.seen.note(key, length),
            None => self.seen.forget(key),
        }
        Ok(length)
    }
}

#[async_trait]
impl BlobStatter for S3 {
    async fn stat(&self, key: &ContentKey) -> Result<Option<u64>> {
        if let Some(length) = self.0.seen.length(key) {
            return Ok(Some(length));
        }
        self.0.look(key).await
    }

    async fn stat_anew(&self, key: &ContentKey) -> Result<Option<u64>> {
        self.0.look(key).await
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

    fn keeps_checkpoints(&self) -> bool {
        true
    }

    async fn cancel_beyond(&self, key: &ContentKey, checkpoint: &Checkpoint, row: &Checkpoint) -> Result<()> {
        self.0.cancel_beyond(key, checkpoint, row).await
    }
}

#[async_trait]
impl Capacity for S3 {
    /// A full bucket refuses the write itself. Here the disks of the database and of the scratch folder are
    /// checked.
    async fn require(&self, bytes: u64) -> Result<()> {
        if let Some(database) = &self.0.database {
            let disk = rustix::fs::statvfs(database).map_err(std::io::Error::from)?;
            self.0.reserve.require(&disk, 0)?;
        }
        self.0.scratch.require(bytes.min(self.0.part))
    }

    async fn space(&self) -> Result<Option<Space>> {
        Ok(None)
    }
}
