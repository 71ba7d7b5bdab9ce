//! Reloads certificates whose files were replaced.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::job::{Job, Next};
use crate::certificates::Certificates;

pub(super) struct Reloading(pub(super) Arc<Certificates>);

#[async_trait]
impl Job for Reloading {
    async fn round(&mut self, _: &CancellationToken) -> anyhow::Result<Next> {
        let certificates = Arc::clone(&self.0);
        spawn_blocking(move || certificates.reload_if_changed()).await?;
        Ok(Next::AsListed)
    }
}
