//! Collects garbage, periodically and when an operator asks.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use async_trait::async_trait;
use gangplank_store::coordination::Work;
use gangplank_store::metadata::collection::Collected;
use gangplank_store::{Result, StoreError};
use tokio_util::sync::CancellationToken;

use super::job::{Job, Next};
use crate::app::App;
use crate::collection::{Cycle, Plan, cutoff};

pub(super) struct Collecting(pub(super) Arc<App>);

#[async_trait]
impl Job for Collecting {
    async fn round(&mut self, stop: &CancellationToken) -> anyhow::Result<Next> {
        let collected = collect(&self.0, None, stop).await;
        let collected = collected
            .inspect_err(|_| self.0.metrics.collection_failed())
            .context("cannot collect garbage")?;
        if collected.manifests + collected.blobs > 0 {
            tracing::info!(
                manifests = collected.manifests,
                blobs = collected.blobs,
                contents = collected.contents,
                bytes = collected.bytes,
                "collected garbage"
            );
        }
        Ok(Next::AsListed)
    }
}

/// Runs one cycle. `grace` replaces the configured grace period.
pub(crate) async fn collect(
    app: &App,
    grace: Option<Duration>,
    stop: &CancellationToken,
) -> Result<Collected> {
    // One cycle runs at a time, in all processes.
    let claim = tokio::select! {
        claim = app.claims.wait(Work::Collection) => claim?,
        () = stop.cancelled() => return Ok(Collected::default()),
    };
    let started = Instant::now();
    let stop = stop.child_token();
    let cycle = cycle(app, grace);
    let mut collecting = pin!(cycle.run(&stop));
    let collected = tokio::select! {
        collected = &mut collecting => collected,
        () = claim.lost() => {
            stop.cancel();
            collecting.await.and(Err(StoreError::unavailable("another server collects now")))
        }
    }?;
    app.metrics.collected(&collected, started.elapsed());
    Ok(collected)
}

/// Lists what a cycle would remove. `grace` replaces the configured grace period.
pub(crate) async fn plan(app: &App, grace: Option<Duration>) -> Result<Plan> {
    let _claim = app.claims.wait(Work::Collection).await?;
    cycle(app, grace).plan().await
}

fn cycle(app: &App, grace: Option<Duration>) -> Cycle<'_> {
    let remover = app.remover();
    let now = remover.now;
    let cutoff = grace.map_or_else(|| app.leases.over(now), |grace| cutoff(grace, now));
    Cycle { remover, cutoff }
}
