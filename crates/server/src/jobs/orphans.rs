//! Removes published content for which an earlier run made no row before it ended. It runs in the background,
//! since a search through much content would delay the start.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::Ordering::Release;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::job::{Job, Next};
use crate::app::App;
use crate::discarded::remove_each;

/// Removes published content whose upload session still exists. Such content has no row, because the
/// transaction that adds the row also ends the session. It runs before the first request. Later, a client could
/// continue the session and publish under the same key.
pub(crate) async fn of_sessions(app: &App) -> gangplank_store::Result<()> {
    if !app.blobs.settles_after().is_zero() {
        // Another process may be about to add the row. If the client repeats its last request, it learns how
        // the upload ended.
        return Ok(());
    }
    let mut unfinished = Vec::new();
    for (key, _) in app.metadata.open_uploads().await? {
        if app.blobs.stat(&key).await?.is_some() {
            unfinished.push(key);
        }
    }
    let found = unfinished.len();
    if remove_each(app.blobs.as_ref(), unfinished).await.len() < found {
        app.orphaned.store(true, Release);
    }
    Ok(())
}

/// Searches all published content, one part of the store in each step.
pub(super) struct Searching {
    app: Arc<App>,
    parts: RangeInclusive<u8>,
}

impl Searching {
    pub(super) fn of(app: &Arc<App>) -> Self {
        Self { app: Arc::clone(app), parts: 0..=u8::MAX }
    }
}

#[async_trait]
impl Job for Searching {
    async fn round(&mut self, stop: &CancellationToken) -> anyhow::Result<Next> {
        while !stop.is_cancelled() {
            let Some(part) = self.parts.clone().next() else { return Ok(Next::Never) };
            let removed =
                remove(&self.app, part).await.context("cannot look for content that a crash left")?;
            if removed > 0 {
                tracing::info!(removed, "removed content that a crash left without a row");
            }
            self.parts.next();
        }
        Ok(Next::WhenWoken)
    }

    async fn end(&mut self) {
        if !self.parts.is_empty() {
            // The next start searches again.
            self.app.orphaned.store(true, Release);
        }
    }
}

async fn remove(app: &App, part: u8) -> gangplank_store::Result<usize> {
    let mut keys = app.blobs.published(part, Duration::ZERO).await?;
    // Read `publishing` first, the rows second. In the other order, content whose row was added between both
    // reads would look like an orphan.
    keys.retain(|key| !app.publishing.holds(key));
    let orphans = app.metadata.unknown_content(keys).await?;
    let found = orphans.len();
    let removed = remove_each(app.blobs.as_ref(), orphans).await.len();
    if removed < found {
        app.orphaned.store(true, Release);
    }
    Ok(removed)
}
