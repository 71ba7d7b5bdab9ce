//! Stores the steady time and the grace period. The next run continues the steady time. A collection without a
//! server uses the grace period.

use std::sync::Arc;

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
        keep(&self.0).await.context("cannot store the steady time and the grace period")?;
        Ok(Next::AsListed)
    }
}

/// Stores both in one transaction, so that a start syncs once for both. A cluster keeps its time in another row.
pub(crate) async fn keep(app: &App) -> gangplank_store::Result<()> {
    let grace = i64::try_from(app.leases.grace.as_millis()).unwrap_or(i64::MAX);
    let mut marks = vec![(Mark::GcGrace, grace)];
    if app.clock.cluster().is_none() {
        marks.push((Mark::SteadyTime, app.clock.steady().0));
    }
    app.metadata.set_marks(marks).await
}
