//! Bytes in memory: the reference for stores whose content is not in local files.
//!
//! Content consists of parts of one size. A part counts as soon as it is full. When the writing pauses, the
//! bytes of the unfinished part become separate content, which the checkpoint names. If no more bytes come,
//! this content is the blob.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use gangplank_oci::Hasher;

use super::{
    BlobIngester, BlobProvider, BlobStatter, BlobSweeper, BlobWriter, Capacity, Checkpoint, ContentKey,
    Owner, Published, Read, Reading, Space, Staged,
};
use crate::{Result, StoreError};

/// The default size of a part, in bytes.
const PART: usize = 8 << 20;

/// A blob store in memory.
pub struct Memory {
    held: Arc<Held>,
    part: usize,
    settles_after: Duration,
    owner: Mutex<Owner>,
}

#[derive(Default)]
struct Held(Mutex<Contents>);

#[derive(Default)]
struct Contents {
    published: HashMap<ContentKey, (Instant, Bytes)>,
    /// The full parts of each content, joined.
    staged: HashMap<ContentKey, (Instant, Vec<u8>)>,
}

impl Default for Memory {
    fn default() -> Self {
        Self::with_parts(PART)
    }
}

impl Memory {
    /// A store whose parts have this many bytes.
    pub fn with_parts(bytes: usize) -> Self {
        Self {
            held: Arc::default(),
            part: bytes.max(1),
            settles_after: Duration::ZERO,
            owner: Mutex::new(Owner::Certain),
        }
    }

    /// The store as if several processes used it, and content counted as an orphan after this time.
    #[must_use]
    pub fn shared(self, settles_after: Duration) -> Self {
        Self { settles_after, ..self }
    }

    /// Changes the owner.
    pub fn belong_to(&self, owner: Owner) {
        *self.owner.lock().unwrap_or_else(PoisonError::into_inner) = owner;
    }
}

impl Held {
    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    /// Whether every byte that a checkpoint counts is there.
    fn has(&self, key: &ContentKey, checkpoint: &Checkpoint) -> bool {
        let parts = in_parts(checkpoint);
        let staged = self.staged.get(key).map_or(0, |(_, bytes)| bytes.len());
        let tail = |tail| self.published.get(tail).map(|(_, bytes)| bytes.len());
        let tails: Option<usize> = checkpoint.keys.iter().map(tail).sum();
        staged >= parts && tails.is_some_and(|tails| (parts + tails) as u64 == checkpoint.received)
    }
}

/// How many bytes of a checkpoint are in full parts.
fn in_parts(checkpoint: &Checkpoint) -> usize {
    let count = checkpoint.opaque.as_slice().try_into().map_or(0, u64::from_le_bytes);
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[async_trait]
impl BlobStatter for Memory {
    async fn stat(&self, key: &ContentKey) -> Result<Option<u64>> {
        Ok(self.held.lock().published.get(key).map(|(_, bytes)| bytes.len() as u64))
    }
}

#[async_trait]
impl BlobProvider for Memory {
    async fn read(&self, key: &ContentKey, range: Range<u64>) -> Result<Option<Reading>> {
        let Some((_, content)) = self.held.lock().published.get(key).cloned() else { return Ok(None) };
        let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
        let wanted = content.slice(at(range.start)..at(range.end).max(at(range.start)));
        let pieces: Vec<_> = wanted.chunks(PART).map(|piece| Ok(wanted.slice_ref(piece))).collect();
        let bytes = Read::Stream(Box::pin(stream::iter(pieces)));
        Ok(Some(Reading { size: content.len() as u64, bytes }))
    }
}

#[async_trait]
impl BlobIngester for Memory {
    fn writer(&self, key: &ContentKey, from: &Checkpoint) -> Result<Box<dyn BlobWriter>> {
        Ok(Box::new(MemoryWriter {
            held: Arc::clone(&self.held),
            part: self.part,
            key: key.clone(),
            hasher: from.hasher()?,
            from: Some(from.clone()),
            parts: in_parts(from),
            rest: Vec::new(),
            rest_key: from.keys.first().cloned(),
            progress: None,
        }))
    }

    async fn vouch(&self, key: &ContentKey, checkpoint: &Checkpoint) -> Result<Option<Checkpoint>> {
        let goes_on = checkpoint.hasher().is_ok() && self.held.lock().has(key, checkpoint);
        Ok(goes_on.then(|| checkpoint.clone()))
    }

    async fn cancel(&self, key: &ContentKey, checkpoint: &Checkpoint) -> Result<()> {
        let mut held = self.held.lock();
        held.staged.remove(key);
        for rest in &checkpoint.keys {
            held.published.remove(rest);
        }
        Ok(())
    }

    fn keeps_checkpoints(&self) -> bool {
        true
    }

    /// Full parts beyond the row stay until its writer begins.
    async fn cancel_beyond(&self, _: &ContentKey, checkpoint: &Checkpoint, row: &Checkpoint) -> Result<()> {
        let mut held = self.held.lock();
        for rest in checkpoint.keys.iter().filter(|key| !row.keys.contains(key)) {
            held.published.remove(rest);
        }
        Ok(())
    }
}

#[async_trait]
impl BlobSweeper for Memory {
    fn settles_after(&self) -> Duration {
        self.settles_after
    }

    async fn owner(&self) -> Result<Owner> {
        Ok(*self.owner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn published(&self, part: u8, older_than: Duration) -> Result<Vec<ContentKey>> {
        let held = self.held.lock();
        let wanted = held
            .published
            .iter()
            .filter(|(key, (since, _))| key.part() == part && since.elapsed() >= older_than);
        Ok(wanted.map(|(key, _)| key.clone()).collect())
    }

    async fn inventory(&self, part: u8) -> Result<Vec<Published>> {
        let held = self.held.lock();
        let wanted = held.published.iter().filter(|(key, _)| key.part() == part);
        Ok(wanted.map(|(key, (_, bytes))| Published { key: key.clone(), size: bytes.len() as u64 }).collect())
    }

    async fn staged(&self, older_than: Duration) -> Result<Vec<Staged>> {
        let held = self.held.lock();
        let wanted = held.staged.iter().filter(|(_, (since, _))| since.elapsed() >= older_than);
        Ok(wanted
            .map(|(key, _)| Staged { key: key.clone(), checkpoint: Checkpoint::to_cancel(Vec::new()) })
            .collect())
    }

    async fn remove(&self, keys: &[ContentKey]) -> Vec<Result<()>> {
        let mut held = self.held.lock();
        let remove = |key| {
            held.published.remove(key);
            Ok(())
        };
        keys.iter().map(remove).collect()
    }
}

#[async_trait]
impl Capacity for Memory {
    async fn require(&self, _: u64) -> Result<()> {
        Ok(())
    }

    async fn space(&self) -> Result<Option<Space>> {
        Ok(None)
    }
}

struct MemoryWriter {
    held: Arc<Held>,
    part: usize,
    key: ContentKey,
    hasher: Hasher,
    /// The checkpoint to begin at; `None` after the first use.
    from: Option<Checkpoint>,
    /// How many bytes are in full parts.
    parts: usize,
    /// The bytes of the unfinished part.
    rest: Vec<u8>,
    /// The key under which exactly these bytes are stored, if they are.
    rest_key: Option<ContentKey>,
    progress: Option<Checkpoint>,
}

impl MemoryWriter {
    /// Fetches the bytes of the unfinished part, and drops bytes beyond the checkpoint.
    fn begin(&mut self) -> Result<()> {
        let Some(from) = self.from.take() else { return Ok(()) };
        let mut held = self.held.lock();
        if !held.has(&self.key, &from) {
            let why = format!("of {}, less is staged than {} bytes", self.key, from.received);
            return Err(StoreError::damaged(why));
        }
        for key in &from.keys {
            self.rest.extend(held.published.get(key).iter().flat_map(|(_, bytes)| bytes.iter()));
        }
        let (fed, staged) =
            held.staged.entry(self.key.clone()).or_insert_with(|| (Instant::now(), Vec::new()));
        *fed = Instant::now();
        staged.truncate(self.parts);
        Ok(())
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            received: self.hasher.hashed(),
            hash_state: self.hasher.state().unwrap_or_default(),
            keys: self.rest_key.iter().cloned().collect(),
            opaque: (self.parts as u64).to_le_bytes().to_vec(),
        }
    }

    /// Turns the collected bytes into a part.
    fn end_part(&mut self) -> Result<()> {
        let mut held = self.held.lock();
        let Some((fed, staged)) = held.staged.get_mut(&self.key).filter(|(_, it)| it.len() == self.parts)
        else {
            return Err(StoreError::damaged(format!("what was staged of {} is gone", self.key)));
        };
        *fed = Instant::now();
        staged.append(&mut self.rest);
        self.parts = staged.len();
        Ok(())
    }
}

#[async_trait]
impl BlobWriter for MemoryWriter {
    fn blocks(&self) -> bool {
        false
    }

    fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    async fn ready(&mut self) -> Result<()> {
        self.begin()
    }

    fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        self.begin()?;
        while !bytes.is_empty() {
            let (piece, more) =
                bytes.split_at(bytes.len().min(self.part.saturating_sub(self.rest.len()).max(1)));
            self.hasher.update(piece);
            self.rest.extend_from_slice(piece);
            self.rest_key = None;
            if self.rest.len() >= self.part {
                self.end_part()?;
                self.progress = Some(self.checkpoint());
            }
            bytes = more;
        }
        Ok(())
    }

    fn progress(&mut self) -> Option<Checkpoint> {
        self.progress.take()
    }

    async fn suspend(mut self: Box<Self>) -> Result<Checkpoint> {
        self.begin()?;
        if self.rest_key.is_none() && !self.rest.is_empty() {
            let key = ContentKey::unused();
            let rest = Bytes::from(std::mem::take(&mut self.rest));
            self.held.lock().published.insert(key.clone(), (Instant::now(), rest));
            self.rest_key = Some(key);
        }
        Ok(self.checkpoint())
    }

    async fn commit(mut self: Box<Self>) -> Result<ContentKey> {
        self.begin()?;
        let mut held = self.held.lock();
        let staged = held.staged.remove(&self.key);
        let Some((_, mut content)) = staged.filter(|(_, it)| it.len() == self.parts) else {
            return Err(StoreError::damaged(format!("what was staged of {} is gone", self.key)));
        };
        if let Some(key) = self.rest_key.take().filter(|_| content.is_empty()) {
            return Ok(key);
        }
        content.extend_from_slice(&self.rest);
        held.published.insert(self.key.clone(), (Instant::now(), content.into()));
        Ok(self.key.clone())
    }
}
