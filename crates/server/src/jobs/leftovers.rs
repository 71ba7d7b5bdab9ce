//! Clears staged bytes whose session an earlier run did not live to keep.

use std::collections::HashSet;

use gangplank_store::blobs::{BlobStore, ContentKey};

use crate::app::App;

/// Runs before the first request, so everything staged is of an earlier run.
pub(crate) async fn remove(app: &App) -> gangplank_store::Result<()> {
    let sessions: HashSet<String> = app.metadata.open_upload_ids().await?.into_iter().collect();
    let removed = app
        .blocking(move |blobs| {
            let staged = blobs.staged()?;
            let dead = staged.into_iter().filter(|key| !sessions.contains(key.as_str()));
            Ok(discard_each(blobs, dead))
        })
        .await?;
    if removed > 0 {
        tracing::info!(removed, "removed what interrupted uploads left behind");
    }
    Ok(())
}

/// Discards what can be discarded, and counts it; what cannot holds up no other.
pub(super) fn discard_each(blobs: &dyn BlobStore, keys: impl Iterator<Item = ContentKey>) -> usize {
    keys.filter(|key| match blobs.discard_staged(key) {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(%key, %error, "cannot discard staged content");
            false
        }
    })
    .count()
}
