//! Removes the staged bytes of upload sessions that an earlier run did not store.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gangplank_store::blobs::Staged;
use tokio_util::sync::CancellationToken;

use super::job::{Job, Next};
use crate::app::App;

/// Lists the leftovers. It runs before the first request, so all staged bytes are from an earlier run. If
/// several processes use the store, some may belong to another process: the list is empty then, and
/// [`sweep`](super::sweep) finds old leftovers.
pub(crate) async fn list(app: &App) -> gangplank_store::Result<Vec<Staged>> {
    if !app.blobs.settles_after().is_zero() {
        return Ok(Vec::new());
    }
    unknown(app, Duration::ZERO).await
}

/// Staged bytes that are at least this old and have no session.
pub(super) async fn unknown(app: &App, older_than: Duration) -> gangplank_store::Result<Vec<Staged>> {
    let mut staged = app.blobs.staged(older_than).await?;
    let keys = staged.iter().map(|staged| staged.key.clone()).collect();
    let unknown: HashSet<_> = app.metadata.unknown_content(keys).await?.into_iter().collect();
    staged.retain(|staged| unknown.contains(&staged.key));
    Ok(staged)
}

/// Removes the leftovers in the background, since large ones take time. Requests need not wait: no content key
/// is used again.
pub(super) struct Removing {
    pub(super) app: Arc<App>,
    pub(super) leftovers: Vec<Staged>,
}

#[async_trait]
impl Job for Removing {
    async fn round(&mut self, _: &CancellationToken) -> anyhow::Result<Next> {
        cancel(&self.app, std::mem::take(&mut self.leftovers)).await;
        Ok(Next::Never)
    }
}

/// Removes the staged bytes of interrupted uploads.
pub(super) async fn cancel(app: &App, leftovers: Vec<Staged>) {
    let (found, mut removed) = (leftovers.len(), 0);
    for Staged { key, checkpoint } in leftovers {
        match app.blobs.cancel(&key, &checkpoint).await {
            Ok(()) => removed += 1,
            // One failure does not stop the others.
            Err(error) => tracing::warn!(%key, %error, "cannot discard staged content"),
        }
    }
    if found > 0 {
        tracing::info!(removed, found, "removed staged content of interrupted uploads");
    }
}
