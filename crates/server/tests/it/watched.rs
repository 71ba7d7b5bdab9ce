//! A store in memory that a test watches, and that fails when the test says so.

use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use gangplank_oci::Hasher;
use gangplank_store::blobs::{
    BlobIngester, BlobProvider, BlobStatter, BlobSweeper, BlobWriter, Capacity, Checkpoint, ContentKey,
    Memory, Published, Reading, Space, Staged,
};
use gangplank_store::{Result, StoreError};

/// A function that runs while an upload is being finished, when its bytes are published.
pub(crate) type Then = Box<dyn Fn(&ContentKey) -> Result<()> + Send + Sync>;

/// A store in memory that records discarded content.
#[derive(Default)]
pub(crate) struct Watched {
    pub(crate) memory: Memory,
    pub(crate) discarded: Mutex<Vec<ContentKey>>,
    pub(crate) then: Arc<Mutex<Option<Then>>>,
    /// Fails the next pauses of writers.
    pub(crate) pausing: Arc<Mutex<Option<StoreError>>>,
}

struct Ending {
    writer: Box<dyn BlobWriter>,
    then: Arc<Mutex<Option<Then>>>,
    pausing: Arc<Mutex<Option<StoreError>>>,
}

#[async_trait]
impl BlobWriter for Ending {
    fn blocks(&self) -> bool {
        self.writer.blocks()
    }

    fn hasher(&self) -> &Hasher {
        self.writer.hasher()
    }

    async fn ready(&mut self) -> Result<()> {
        self.writer.ready().await
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer.write(bytes)
    }

    fn progress(&mut self) -> Option<Checkpoint> {
        self.writer.progress()
    }

    async fn suspend(self: Box<Self>) -> Result<Checkpoint> {
        let fails = self.pausing.lock().unwrap().clone();
        fails.map_or(Ok(()), Err)?;
        self.writer.suspend().await
    }

    async fn commit(self: Box<Self>) -> Result<ContentKey> {
        let key = self.writer.commit().await?;
        self.then.lock().unwrap().as_ref().map_or(Ok(()), |then| then(&key))?;
        Ok(key)
    }
}

#[async_trait]
impl BlobStatter for Watched {
    async fn stat(&self, key: &ContentKey) -> Result<Option<u64>> {
        self.memory.stat(key).await
    }
}

#[async_trait]
impl BlobProvider for Watched {
    async fn read(&self, key: &ContentKey, range: Range<u64>) -> Result<Option<Reading>> {
        self.memory.read(key, range).await
    }
}

#[async_trait]
impl BlobIngester for Watched {
    fn writer(&self, key: &ContentKey, from: &Checkpoint) -> Result<Box<dyn BlobWriter>> {
        let (then, pausing) = (Arc::clone(&self.then), Arc::clone(&self.pausing));
        Ok(Box::new(Ending { writer: self.memory.writer(key, from)?, then, pausing }))
    }

    async fn vouch(&self, key: &ContentKey, checkpoint: &Checkpoint) -> Result<Option<Checkpoint>> {
        self.memory.vouch(key, checkpoint).await
    }

    async fn cancel(&self, key: &ContentKey, checkpoint: &Checkpoint) -> Result<()> {
        self.discarded.lock().unwrap().extend(checkpoint.keys.iter().cloned());
        self.memory.cancel(key, checkpoint).await
    }

    fn keeps_checkpoints(&self) -> bool {
        self.memory.keeps_checkpoints()
    }

    async fn cancel_beyond(&self, key: &ContentKey, checkpoint: &Checkpoint, row: &Checkpoint) -> Result<()> {
        self.memory.cancel_beyond(key, checkpoint, row).await
    }
}

#[async_trait]
impl BlobSweeper for Watched {
    async fn published(&self, part: u8, older_than: Duration) -> Result<Vec<ContentKey>> {
        self.memory.published(part, older_than).await
    }

    async fn inventory(&self, part: u8) -> Result<Vec<Published>> {
        self.memory.inventory(part).await
    }

    async fn staged(&self, older_than: Duration) -> Result<Vec<Staged>> {
        self.memory.staged(older_than).await
    }

    async fn remove(&self, keys: &[ContentKey]) -> Vec<Result<()>> {
        self.memory.remove(keys).await
    }
}

#[async_trait]
impl Capacity for Watched {
    async fn require(&self, bytes: u64) -> Result<()> {
        self.memory.require(bytes).await
    }

    async fn space(&self) -> Result<Option<Space>> {
        self.memory.space().await
    }
}
