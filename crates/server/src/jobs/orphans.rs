//! Removes published content that an earlier run did not live to make a row for.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::Release;

use gangplank_store::blobs::ContentKey;
use tokio_util::sync::CancellationToken;

use super::discarded::remove_each;
use crate::app::App;

const BATCH: usize = 1_000;

/// Everything that is published. Taken before the first request, so that what is found without a row
/// later is not merely about to get one.
///
/// What is published and still has its upload session is removed at once: the session would have
/// ended with the row. Later the session could be fed anew and publish under the same key.
pub(crate) async fn candidates(app: &App) -> gangplank_store::Result<Vec<ContentKey>> {
    let sessions: HashSet<String> = app.metadata.open_upload_ids().await?.into_iter().collect();
    let (candidates, all_removed) = app
        .blocking(move |blobs| {
            let of_session = |key: &ContentKey| sessions.contains(key.as_str());
            let (unfinished, rest): (Vec<_>, Vec<_>) = blobs.published()?.into_iter().partition(of_session);
            let found = unfinished.len();
            Ok((rest, remove_each(blobs, unfinished).len() == found))
        })
        .await?;
    if !all_removed {
        app.orphaned.store(true, Release);
    }
    Ok(candidates)
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
                tracing::warn!(%error, "cannot look for content that a crash left; the next start will");
                app.orphaned.store(true, Release);
                return;
            }
        }
    }
}

async fn remove(app: &App, keys: Vec<ContentKey>) -> gangplank_store::Result<usize> {
    let orphans = app.metadata.unknown_content(keys).await?;
    let found = orphans.len();
    let removed = app.blocking(move |blobs| Ok(remove_each(blobs, orphans).len())).await?;
    if removed < found {
        app.orphaned.store(true, Release);
    }
    Ok(removed)
}
