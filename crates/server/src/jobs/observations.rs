//! Removes old observations of services: logs and metric points that are too old, and logs of deleted
//! services.

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

/// How long metric points are kept. Lightsail's console shows two weeks of them.
const KEEP_POINTS: Duration = Duration::from_hours(15 * 24);

/// How many points one transaction removes at most.
const STEP: u32 = 1_000;

/// Removes metric points that are too old.
pub(super) struct ForgettingPoints(pub(super) Arc<App>);

#[async_trait]
impl Job for ForgettingPoints {
    async fn round(&mut self, stop: &CancellationToken) -> anyhow::Result<Next> {
        let forgotten = forget_points(&self.0, now(&self.0), stop).await;
        forgotten.context("cannot forget old metrics of services")?;
        Ok(Next::AsListed)
    }
}

/// Removes logs that are too old, and logs of deleted services.
pub(super) struct ForgettingLogs(pub(super) Arc<App>);

#[async_trait]
impl Job for ForgettingLogs {
    async fn round(&mut self, _: &CancellationToken) -> anyhow::Result<Next> {
        let forgotten = forget_logs(&self.0, now(&self.0)).await;
        forgotten.context("cannot forget old logs of containers")?;
        Ok(Next::AsListed)
    }
}

/// Logs and metric points have times of the wall clock. A wall clock that is ahead of the steady time may have
/// jumped. So the earlier of the two times is used: it removes too little, never too much.
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
    // Read the services after the folders. A service has its row before it has a log, so a log without a row
    // belongs to a deleted service.
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

/// Runs blocking work on the logs, on a thread for such work.
async fn blocking<T, F>(app: &App, work: F) -> gangplank_store::Result<T>
where
    T: Send + 'static,
    F: FnOnce(&Logs) -> gangplank_store::Result<T> + Send + 'static,
{
    let logs = Arc::clone(&app.logs);
    let done = tokio::task::spawn_blocking(move || work(&logs)).await;
    done.unwrap_or_else(|error| Err(StoreError::unavailable(error)))
}
