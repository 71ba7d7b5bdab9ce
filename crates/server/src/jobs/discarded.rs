//! Removes content that no row points to: the row went first, now the bytes.

use std::sync::Arc;
use std::time::Duration;

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
    let removed = keys.clone();
    app.blocking(move |blobs| keys.iter().try_for_each(|key| blobs.remove(key))).await?;
    let count = removed.len();
    app.metadata.forget_discarded(removed).await?;
    Ok(count)
}
