//! Removes the bytes of discarded content, whose rows are already gone.

use std::sync::Arc;

use gangplank_core::Time;
use gangplank_store::Result;
use gangplank_store::blobs::{BlobStore, ContentKey};
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::blobs::Discarded;

use crate::removals::Removals;

/// How many contents are listed at once.
pub(crate) const BATCH: usize = 1_000;

/// The number of contents that were listed, of those that were removed, and of those that cannot be removed now.
#[derive(Default)]
pub(crate) struct Round {
    pub(crate) listed: usize,
    pub(crate) removed: usize,
    pub(crate) failed: usize,
}

/// Removes all discarded content that can be removed now.
///
/// # Errors
/// If the metadata store fails, or the lock against backups.
pub(crate) async fn remove_all(
    metadata: &dyn Metadata,
    blobs: &Arc<dyn BlobStore>,
    removals: &Removals,
) -> Result<()> {
    while let Round { listed: BATCH.., removed: 1.., .. } = remove(metadata, blobs, removals).await? {}
    Ok(())
}

/// Removes one batch of discarded content. Removes nothing while a backup copies.
///
/// # Errors
/// If the metadata store fails, or the lock against backups.
pub(crate) async fn remove(
    metadata: &dyn Metadata,
    blobs: &Arc<dyn BlobStore>,
    removals: &Removals,
) -> Result<Round> {
    let discarded = metadata.discarded(Time(i64::MAX), BATCH).await?;
    if discarded.is_empty() {
        return Ok(Round::default());
    }
    let listed = discarded.len();
    let Some(_removal) = removals.begin().await? else { return Ok(Round { listed, ..Round::default() }) };
    let mut keys = Vec::with_capacity(listed);
    for Discarded { key, upload } in discarded {
        let cancelled = match &upload {
            // The upload may also have published its content just when its session ended.
            Some(upload) => blobs.cancel(&key, upload).await,
            None => Ok(()),
        };
        if is_gone(&key, cancelled) {
            keys.push(key);
        }
    }
    let gone = remove_each(blobs.as_ref(), keys).await;
    let removed = gone.len();
    metadata.forget_discarded(gone).await?;
    Ok(Round { listed, removed, failed: listed - removed })
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
