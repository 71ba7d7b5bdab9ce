//! Content that no row points to: the row went first, now the bytes.

use std::sync::Arc;

use gangplank_store::Result;
use gangplank_store::blobs::{BlobStore, ContentKey};
use gangplank_store::metadata::Metadata;

use crate::app::blocking;
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
    let keys = metadata.discarded(BATCH).await?;
    if keys.is_empty() {
        return Ok(Round { listed: 0, removed: 0 });
    }
    let listed = keys.len();
    let Some(_removal) = removals.begin().await? else { return Ok(Round { listed, removed: 0 }) };
    let gone = blocking(blobs, move |blobs| {
        // Of an upload that ended for others' sake it is still staged.
        Ok(each(keys, |key| blobs.discard_staged(key).and_then(|()| blobs.remove(key))))
    })
    .await?;
    let removed = gone.len();
    metadata.forget_discarded(gone).await?;
    Ok(Round { listed, removed })
}

/// Removes what can be removed; content that cannot is left for later, and holds up no other.
pub(crate) fn remove_each(blobs: &dyn BlobStore, keys: Vec<ContentKey>) -> Vec<ContentKey> {
    each(keys, |key| blobs.remove(key))
}

fn each(keys: Vec<ContentKey>, remove: impl Fn(&ContentKey) -> Result<()>) -> Vec<ContentKey> {
    let remove = |key: &ContentKey| match remove(key) {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(%key, %error, "cannot remove discarded content");
            false
        }
    };
    keys.into_iter().filter(remove).collect()
}
