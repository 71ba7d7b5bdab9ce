//! Removes content that no row points to: the row went first, now the bytes.

use std::sync::Arc;
use std::time::Duration;

use gangplank_store::blobs::{BlobStore, ContentKey};
use tokio_util::sync::CancellationToken;

use crate::app::App;

const BATCH: usize = 100;
const RETRY: Duration = Duration::from_mins(1);

pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let wait = match remove(&app).await {
            Ok(BATCH..) => continue,
            Ok(_) => None,
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

async fn remove(app: &App) -> gangplank_store::Result<usize> {
    let keys = app.metadata.discarded(BATCH).await?;
    if keys.is_empty() {
        return Ok(0);
    }
    let removed = app.blocking(move |blobs| Ok(remove_each(blobs, keys))).await?;
    let count = removed.len();
    app.metadata.forget_discarded(removed).await?;
    Ok(count)
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
