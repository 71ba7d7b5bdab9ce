//! A bucket whose server was out of reach at the start. Until the bucket's server answers, every call fails as
//! it does when the server is out of reach.

use std::ops::Range;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep};

use super::bucket::Opening;
use crate::blobs::s3::{S3, SETTLED};
use crate::blobs::{
    BlobIngester, BlobProvider, BlobStatter, BlobSweeper, BlobWriter, Capacity, Checkpoint, ContentKey,
    Owner, Published, Reading, Space, Staged,
};
use crate::{Result, StoreError};

/// The pause between two tries to reach the server.
const PAUSE: Duration = Duration::from_secs(2);

/// The pause after the bucket turned out to be the wrong one, which an operator has to correct.
const LONG_PAUSE: Duration = Duration::from_secs(10);

/// How often the log says that the bucket is still missing.
const TOLD: Duration = Duration::from_mins(1);

/// A blob store that opens later. A task tries to open it, as long as anybody has this value.
pub(super) struct Awaited(Arc<OnceLock<S3>>);

impl Awaited {
    /// Begins to wait. `why` is the reason why the store could not be opened.
    pub(super) fn begin(opening: Opening, why: &impl ToString) -> Self {
        let place = Arc::new(OnceLock::new());
        let why = why.to_string();
        tracing::warn!(why, "{} is out of reach: blobs are refused until it comes", opening.shown());
        tokio::spawn(wait(opening, Arc::downgrade(&place)));
        Self(place)
    }

    fn store(&self) -> Result<&S3> {
        let away = || StoreError::unavailable("the bucket of the blobs is still out of reach");
        self.0.get().ok_or_else(away)
    }
}

async fn wait(opening: Opening, place: Weak<OnceLock<S3>>) {
    let mut told = Instant::now();
    let mut pause = PAUSE;
    while place.strong_count() > 0 {
        sleep(pause).await;
        match opening.open().await {
            Ok((store, _)) => {
                tracing::info!("{} is within reach", opening.shown());
                if let Some(place) = place.upgrade() {
                    let _ = place.set(store);
                }
                return;
            }
            Err(error @ StoreError::Unusable(_)) => {
                tracing::error!(%error, "blobs are refused: the bucket is within reach and cannot be used");
                pause = LONG_PAUSE;
            }
            Err(error) => {
                if told.elapsed() >= TOLD {
                    tracing::warn!(%error, "{} is still out of reach", opening.shown());
                    told = Instant::now();
                }
                pause = PAUSE;
            }
        }
    }
}

#[async_trait]
impl BlobStatter for Awaited {
    async fn stat(&self, key: &ContentKey) -> Result<Option<u64>> {
        self.store()?.stat(key).await
    }

    async fn stat_anew(&self, key: &ContentKey) -> Result<Option<u64>> {
        self.store()?.stat_anew(key).await
    }
}

#[async_trait]
impl BlobProvider for Awaited {
    async fn read(&self, key: &ContentKey, range: Range<u64>) -> Result<Option<Reading>> {
        self.store()?.read(key, range).await
    }

    async fn redirect(
        &self,
        key: &ContentKey,
        lifetime: Duration,
        public: Option<&str>,
    ) -> Result<Option<String>> {
        self.store()?.redirect(key, lifetime, public).await
    }
}

#[async_trait]
impl BlobIngester for Awaited {
    fn writer(&self, key: &ContentKey, from: &Checkpoint) -> Result<Box<dyn BlobWriter>> {
        self.store()?.writer(key, from)
    }

    async fn vouch(&self, key: &ContentKey, checkpoint: &Checkpoint) -> Result<Option<Checkpoint>> {
        self.store()?.vouch(key, checkpoint).await
    }

    async fn cancel(&self, key: &ContentKey, checkpoint: &Checkpoint) -> Result<()> {
        self.store()?.cancel(key, checkpoint).await
    }

    fn keeps_checkpoints(&self) -> bool {
        // The answer for any bucket.
        true
    }

    async fn cancel_beyond(&self, key: &ContentKey, checkpoint: &Checkpoint, row: &Checkpoint) -> Result<()> {
        self.store()?.cancel_beyond(key, checkpoint, row).await
    }
}

#[async_trait]
impl BlobSweeper for Awaited {
    fn settles_after(&self) -> Duration {
        SETTLED
    }

    async fn owner(&self) -> Result<Owner> {
        self.store()?.owner().await
    }

    async fn published(&self, part: u8, older_than: Duration) -> Result<Vec<ContentKey>> {
        self.store()?.published(part, older_than).await
    }

    async fn inventory(&self, part: u8) -> Result<Vec<Published>> {
        self.store()?.inventory(part).await
    }

    async fn staged(&self, older_than: Duration) -> Result<Vec<Staged>> {
        self.store()?.staged(older_than).await
    }

    async fn remove(&self, keys: &[ContentKey]) -> Vec<Result<()>> {
        match self.store() {
            Ok(store) => store.remove(keys).await,
            Err(_) => keys.iter().map(|_| self.store().map(drop)).collect(),
        }
    }
}

#[async_trait]
impl Capacity for Awaited {
    /// Rows need no space in the bucket.
    async fn require(&self, bytes: u64) -> Result<()> {
        match self.0.get() {
            Some(store) => store.require(bytes).await,
            None => Ok(()),
        }
    }

    async fn space(&self) -> Result<Option<Space>> {
        match self.0.get() {
            Some(store) => store.space().await,
            None => Ok(None),
        }
    }
}
