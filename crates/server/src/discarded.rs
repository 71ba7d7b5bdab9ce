//! Content that no row points to: the row went first, now the bytes.

use std::sync::Arc;

use gangplank_core::Time;
use gangplank_store::Result;
use gangplank_store::blobs::{BlobStore, ContentKey};
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::blobs::Discarded;

use crate::removals::Removals;

/// How much is listed at once.
pub(crate) const BATCH: usize = 1_000;

/// How much there was to remove, and how much could be.
pub(crate) struct Round {
    pub(crate) listed: usize,
    pub(crate) removed: usize,
}

/// Removes all that can be removed now.
pub(crate) async fn remove_all(
    metadata: &dyn Metadata,
    blobs: &Arc<dyn BlobStore>,
    removals: &Removals,
) -> Result<()> {
    while let Round { listed: BATCH.., removed: 1.. } = remove(metadata, blobs, removals).await? {}
    Ok(())
}

/// Removes as much as is listed at once; nothing, while a backup copies it.
pub(crate) async fn remove(
    metadata: &dyn Metadata,
    blobs: &Arc<dyn BlobStore>,
    removals: &Removals,
) -> Result<Round> {
    let discarded = metadata.discarded(Time(i64::MAX), BATCH).await?;
    if discarded.is_empty() {
        return Ok(Round { listed: 0, removed: 0 });
    }
    let listed = discarded.len();
    let Some(_removal) = removals.begin().await? else { return Ok(Round { listed, removed: 0 }) };
    let mut keys = Vec::with_capacity(listed);
    for Discarded { key, upload } in discarded {
        let cancelled = match &upload {
            // It may have been published, too, by whoever was writing it when it ended.
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
    Ok(Round { listed, removed })
}

/// Removes what can be removed, and says what that was; content that cannot is left for later, and holds up no other.
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
