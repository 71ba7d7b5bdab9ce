//! Removes the bytes of discarded content, whose rows are already gone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gangplank_core::Time;
use gangplank_store::blobs::{BlobStore, ContentKey};
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::blobs::Discarded;
use gangplank_store::open::{Failovers, may_remove};
use gangplank_store::{Result, StoreError};

use crate::removals::Removals;

/// How many contents are listed at once.
pub(crate) const BATCH: usize = 1_000;

/// How long discarded content stays in a bucket, unless an option says otherwise. A database that is restored to
/// a point within this time finds all its content.
pub const RESTORE_WINDOW: Duration = Duration::from_hours(24);

/// The terms on which bytes are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Whether the content is in a bucket.
    pub(crate) is_bucket: bool,
    /// How long discarded content stays.
    pub(crate) window: Duration,
    /// Whether a failover of the database may lose commits.
    pub(crate) failovers: Failovers,
}

impl Terms {
    /// The terms for a store. `window` is an option's value. Without it, content in a bucket stays for
    /// [`RESTORE_WINDOW`], and content in a folder is removed at once: a backup of a folder has its bytes.
    pub(crate) fn of(blobs: &dyn BlobStore, window: Option<Duration>, failovers: Failovers) -> Self {
        let is_bucket = !blobs.settles_after().is_zero();
        let window = window.unwrap_or(RESTORE_WINDOW);
        Self { is_bucket, window: if is_bucket { window } else { Duration::ZERO }, failovers }
    }
}

/// How long a round continues while the answers are errors. While the store of bytes is out of reach, each
/// further content would take as long to fail as the first.
const PATIENCE: Duration = Duration::from_secs(10);

/// Removes discarded content from a store.
#[derive(Clone, Copy)]
pub(crate) struct Remover<'a> {
    pub(crate) metadata: &'a dyn Metadata,
    pub(crate) blobs: &'a Arc<dyn BlobStore>,
    pub(crate) removals: &'a Removals,
    pub(crate) terms: Terms,
    /// The present, in steady time.
    pub(crate) now: Time,
}

/// How many contents were listed, how many were removed, and how many cannot be removed now.
#[derive(Default)]
pub(crate) struct Round {
    pub(crate) listed: usize,
    pub(crate) removed: usize,
    pub(crate) failed: usize,
}

impl Remover<'_> {
    /// Removes all discarded content that can be removed now. If the database may not remove anything, this is
    /// logged, and the content stays discarded.
    ///
    /// # Errors
    /// If the metadata store or the lock against backups fails.
    pub(crate) async fn remove_all(&self) -> Result<()> {
        loop {
            match self.remove().await {
                Ok(Round { listed: BATCH.., removed: 1.., .. }) => {}
                Ok(_) => return Ok(()),
                Err(StoreError::Unusable(why)) => {
                    tracing::error!(%why, "cannot remove discarded content");
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Removes one batch of discarded content. Removes nothing while a backup copies.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] if the database may not remove anything; also if the metadata store or the lock
    /// against backups fails.
    pub(crate) async fn remove(&self) -> Result<Round> {
        let discarded = self.metadata.discarded(self.until(), BATCH).await?;
        if discarded.is_empty() {
            return Ok(Round::default());
        }
        let listed = discarded.len();
        let Some(_removal) = self.removals.begin().await? else {
            return Ok(Round { listed, ..Round::default() });
        };
        may_remove(self.metadata, self.blobs.as_ref(), self.terms.failovers).await?;
        let mut keys = Vec::with_capacity(listed);
        let mut failing = Duration::ZERO;
        for Discarded { key, upload } in discarded {
            let begun = Instant::now();
            let cancelled = match &upload {
                // The upload may also have published its content just when its session ended.
                Some(upload) => self.blobs.cancel(&key, upload).await,
                None => Ok(()),
            };
            if is_gone(&key, cancelled) {
                keys.push(key);
            } else {
                failing += begun.elapsed();
                if failing > PATIENCE {
                    break;
                }
            }
        }
        let gone = remove_each(self.blobs.as_ref(), keys).await;
        let removed = gone.len();
        self.metadata.forget_discarded(gone).await?;
        Ok(Round { listed, removed, failed: listed - removed })
    }

    /// Content that was discarded at this time or earlier may be removed.
    fn until(&self) -> Time {
        if self.terms.window.is_zero() { Time(i64::MAX) } else { self.now.minus(self.terms.window) }
    }
}

/// Removes contents, and returns those that were removed. A failure is logged, and the other contents are still
/// removed.
pub(crate) async fn remove_each(blobs: &dyn BlobStore, mut keys: Vec<ContentKey>) -> Vec<ContentKey> {
    let mut removed = blobs.remove(&keys).await.into_iter();
    keys.retain(|key| removed.next().is_some_and(|removed| is_gone(key, removed)));
    keys
}

fn is_gone(key: &ContentKey, removed: Result<()>) -> bool {
    if let Err(error) = &removed {
        tracing::warn!(%key, %error, "cannot remove discarded content");
    }
    removed.is_ok()
}
