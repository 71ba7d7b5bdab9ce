//! Clears staged bytes whose session an earlier run did not live to keep.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use gangplank_store::blobs::{BlobStore, ContentKey};
use tokio_util::sync::CancellationToken;

use super::job::{Job, Next};
use crate::app::App;

/// Lists them before the first request, so everything staged is of an earlier run.
pub(crate) async fn list(app: &App) -> gangplank_store::Result<Vec<ContentKey>> {
    let sessions: HashSet<String> = app.metadata.open_upload_ids().await?.into_iter().collect();
    let mut staged = app.blocking(|blobs| blobs.staged()).await?;
    staged.retain(|key| !sessions.contains(key.as_str()));
    Ok(staged)
}

/// Removes them. Large ones take time, which nobody need wait for: no key is used again.
pub(super) struct Removing {
    pub(super) app: Arc<App>,
    pub(super) leftovers: Vec<ContentKey>,
}

#[async_trait]
impl Job for Removing {
    async fn round(&mut self, _: &CancellationToken) -> anyhow::Result<Next> {
        let leftovers = std::mem::take(&mut self.leftovers);
        let found = leftovers.len();
        if found > 0 {
            let removed =
                self.app.blocking(move |blobs| Ok(discard_each(blobs, leftovers.into_iter()))).await;
            let removed = removed.unwrap_or(0);
            tracing::info!(removed, found, "removed what interrupted uploads left behind");
        }
        Ok(Next::Never)
    }
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
