//! Removes published content that an earlier run did not live to make a row for.

use std::sync::Arc;

use gangplank_store::blobs::ContentKey;
use tokio_util::sync::CancellationToken;

use super::discarded::remove_each;
use crate::app::App;

const BATCH: usize = 1_000;

/// Everything that is published. Taken before the first request, so that what is found without a row
/// later is not merely about to get one.
pub(crate) async fn candidates(app: &App) -> gangplank_store::Result<Vec<ContentKey>> {
    app.blocking(|blobs| blobs.published()).await
}

/// Removes those of the candidates that no row knows.
pub(crate) async fn run(app: Arc<App>, candidates: Vec<ContentKey>, stop: CancellationToken) {
    for batch in candidates.chunks(BATCH) {
        if stop.is_cancelled() {
            return;
        }
        match remove(&app, batch.to_vec()).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "removed content that a crash left without a row"),
            Err(error) => {
                tracing::warn!(%error, "cannot look for content that a crash left; the next crash will");
                return;
            }
        }
    }
}

async fn remove(app: &App, keys: Vec<ContentKey>) -> gangplank_store::Result<usize> {
    let orphans = app.metadata.unknown_content(keys).await?;
    app.blocking(move |blobs| Ok(remove_each(blobs, orphans).len())).await
}
