//! Removes discarded content soon after it was discarded.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::job::{Job, Next};
use crate::app::App;
use crate::discarded::{BATCH, Round, remove};

pub(super) struct Removing(pub(super) Arc<App>);

#[async_trait]
impl Job for Removing {
    async fn round(&mut self, _: &CancellationToken) -> anyhow::Result<Next> {
        let app = &self.0;
        let removed = remove(app.metadata.as_ref(), &app.blobs, &app.removals).await;
        Ok(match removed.context("cannot remove discarded content")? {
            Round { listed: BATCH.., removed: 1.., .. } => Next::In(Duration::ZERO),
            Round { listed, failed: failed @ 1.., .. } => {
                bail!("the bytes of {failed} of {listed} discarded contents cannot be deleted now")
            }
            // The next listed round tries again what could not be removed, and sees what other processes
            // discarded.
            _ => Next::AsListed,
        })
    }

    async fn woken(&mut self) {
        self.0.discarded.notified().await;
    }
}
