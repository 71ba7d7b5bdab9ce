//! Removes content that no row points to: the row went first, now the bytes.

use std::sync::Arc;
use std::time::Duration;

use gangplank_store::blobs::{BlobStore, ContentKey};
use gangplank_store::metadata::Metadata;
use tokio_util::sync::CancellationToken;

use crate::app::{App, blocking};

const BATCH: usize = 1_000;
const RETRY: Duration = Duration::from_mins(1);

pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let wait = match remove(app.metadata.as_ref(), &app.blobs).await {
            Ok(Round { listed: BATCH.., removed: 1.. }) => continue,
            Ok(Round { listed, removed }) => (removed < listed).then_some(RETRY),
            Err(error) => {
                tracing::warn!(%error, "cannot remove discarded content; will try again");
                Some(RETRY)
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = app.discarded.notified() => {}
            () = tokio::time::sleep(wait.unwrap_or(Duration::MAX)) => {}
        }
    }
}

/// How much there was to remove, and how much could be.
struct Round {
    listed: usize,
    removed: usize,
}

/// Removes all that can be removed now.
pub(crate) async fn remove_all(
    metadata: &dyn Metadata,
    blobs: &Arc<dyn BlobStore>,
) -> gangplank_store::Result<()> {
    while let Round { listed: BATCH.., removed: 1.. } = remove(metadata, blobs).await? {}
    Ok(())
}

async fn remove(metadata: &dyn Metadata, blobs: &Arc<dyn BlobStore>) -> gangplank_store::Result<Round> {
    let keys = metadata.discarded(BATCH).await?;
    if keys.is_empty() {
        return Ok(Round { listed: 0, removed: 0 });
    }
    let listed = keys.len();
    let gone = blocking(blobs, move |blobs| Ok(remove_each(blobs, keys))).await?;
    let removed = gone.len();
    metadata.forget_discarded(gone).await?;
    Ok(Round { listed, removed })
}

/// Removes what can be removed; content that cannot is left for later, and holds up no other.
pub(super) fn remove_each(blobs: &dyn BlobStore, keys: Vec<ContentKey>) -> Vec<ContentKey> {
    let remove = |key: &ContentKey| match blobs.remove(key) {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(%key, %error, "cannot remove discarded content");
            false
        }
    };
    keys.into_iter().filter(remove).collect()
}
