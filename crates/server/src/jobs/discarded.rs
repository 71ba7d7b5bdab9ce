//! Removes discarded content when its restore window is over.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::job::{Job, Next};
use crate::app::App;
use crate::discarded::{BATCH, Round};

pub(super) struct Removing(pub(super) Arc<App>);

#[async_trait]
impl Job for Removing {
    async fn round(&mut self, _: &CancellationToken) -> anyhow::Result<Next> {
        let removed = self.0.remover().remove().await;
        Ok(match removed.context("cannot remove discarded content")? {
            Round { listed: BATCH.., removed: 1.., .. } => Next::In(Duration::ZERO),
            Round { listed, failed: failed @ 1.., .. } => {
                bail!("the bytes of {failed} of {listed} discarded contents cannot be deleted now")
            }
            // The next scheduled round tries again to remove the rest, and finds content that other processes
            // discarded.
            _ => Next::AsListed,
        })
    }

    async fn woken(&mut self) {
        self.0.discarded.notified().await;
    }
}
