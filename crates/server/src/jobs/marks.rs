//! Stores the steady time, the grace period and the restore window. The next run continues the steady time. A
//! collection that runs without a server uses the grace period and the restore window.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use gangplank_store::metadata::progress::Mark;
use tokio_util::sync::CancellationToken;

use super::job::{Job, Next};
use crate::app::App;

pub(super) struct Keeping(pub(super) Arc<App>);

#[async_trait]
impl Job for Keeping {
    async fn round(&mut self, _: &CancellationToken) -> anyhow::Result<Next> {
        keep(&self.0).await.context("cannot store the steady time and the terms of collection")?;
        Ok(Next::AsListed)
    }
}

/// Stores all in one transaction, so that a start syncs once. A cluster keeps its time in another row.
pub(crate) async fn keep(app: &App) -> gangplank_store::Result<()> {
    let milliseconds = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let mut marks = vec![
        (Mark::GcGrace, milliseconds(app.leases.grace)),
        (Mark::RestoreWindow, milliseconds(app.removal_terms.window)),
    ];
    if app.clock.cluster().is_none() {
        marks.push((Mark::SteadyTime, app.clock.steady().0));
    }
    app.metadata.set_marks(marks).await
}
