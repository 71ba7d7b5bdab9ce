//! Forgets what was observed of services: logs and metric points that are too old, and logs of services that are gone.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use gangplank_core::Time;
use gangplank_store::StoreError;
use gangplank_store::logs::Logs;
use tokio_util::sync::CancellationToken;

use super::job::{Job, Next};
use crate::app::App;

/// How long metric points are kept. Lightsail's console shows two weeks.
const KEEP_POINTS: Duration = Duration::from_hours(15 * 24);

/// How many points are forgotten at once.
const STEP: u32 = 1_000;

/// Forgets points that are too old.
pub(super) struct ForgettingPoints(pub(super) Arc<App>);

#[async_trait]
impl Job for ForgettingPoints {
    async fn round(&mut self, stop: &CancellationToken) -> anyhow::Result<Next> {
        let forgotten = forget_points(&self.0, now(&self.0), stop).await;
        forgotten.context("cannot forget old metrics of services")?;
        Ok(Next::AsListed)
    }
}

/// Forgets logs that are too old, or whose services are gone.
pub(super) struct ForgettingLogs(pub(super) Arc<App>);

#[async_trait]
impl Job for ForgettingLogs {
    async fn round(&mut self, _: &CancellationToken) -> anyhow::Result<Next> {
        let forgotten = forget_logs(&self.0, now(&self.0)).await;
        forgotten.context("cannot forget old logs of containers")?;
        Ok(Next::AsListed)
    }
}

/// Both are of the wall clock. Where that is ahead of the steady time, it may have jumped.
fn now(app: &App) -> Time {
    app.clock.steady().min(app.clock.now())
}

async fn forget_points(app: &App, now: Time, stop: &CancellationToken) -> gangplank_store::Result<()> {
    let before = now.minus(KEEP_POINTS);
    while !stop.is_cancelled() && app.metadata.forget_metric_points(before, STEP).await? > 0 {}
    Ok(())
}

async fn forget_logs(app: &App, now: Time) -> gangplank_store::Result<()> {
    let logged = blocking(app, move |logs| logs.forget_old(now).and_then(|()| logs.services())).await?;
    if logged.is_empty() {
        return Ok(());
    }
    // Asked after the folders: a service has its row before it has a log.
    let known: HashSet<String> = app.metadata.service_uuids().await?.into_iter().collect();
    for gone in logged.into_iter().filter(|service| !known.contains(service)) {
        blocking(app, move |logs| logs.remove_service(&gone)).await?;
    }
    Ok(())
}

/// Removes the logs of a service that was just deleted. If that fails, the job tries again.
pub(crate) async fn remove_logs(app: &App, service: String) {
    if let Err(error) = blocking(app, move |logs| logs.remove_service(&service)).await {
        tracing::warn!(%error, "cannot remove the logs of a deleted service; will try again");
    }
}

/// Runs work on the logs, which blocks, on a thread that may.
async fn blocking<T, F>(app: &App, work: F) -> gangplank_store::Result<T>
where
    T: Send + 'static,
    F: FnOnce(&Logs) -> gangplank_store::Result<T> + Send + 'static,
{
    let logs = Arc::clone(&app.logs);
    let done = tokio::task::spawn_blocking(move || work(&logs)).await;
    done.unwrap_or_else(|error| Err(StoreError::unavailable(error)))
}
