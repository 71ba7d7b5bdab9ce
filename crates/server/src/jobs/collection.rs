//! Collects garbage, again and again, and when an operator asks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gangplank_store::Result;
use gangplank_store::metadata::collection::Collected;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::collection::{Cycle, Plan, cutoff};

pub(crate) async fn run(app: Arc<App>, every: Duration, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
        match collect(&app, None, &stop).await {
            Ok(collected) => {
                if collected.manifests + collected.blobs > 0 {
                    tracing::info!(
                        manifests = collected.manifests,
                        blobs = collected.blobs,
                        contents = collected.contents,
                        bytes = collected.bytes,
                        "collected garbage"
                    );
                }
            }
            Err(error) => {
                app.metrics.collection_failed();
                tracing::warn!(%error, "cannot collect garbage; will try again");
            }
        }
    }
}

/// A cycle, by another grace period if one is given.
pub(crate) async fn collect(
    app: &App,
    grace: Option<Duration>,
    stop: &CancellationToken,
) -> Result<Collected> {
    let _turn = app.collecting.lock().await;
    let started = Instant::now();
    let collected = cycle(app, grace).run(stop).await?;
    app.metrics.collected(&collected, started.elapsed());
    Ok(collected)
}

/// What such a cycle would remove.
pub(crate) async fn plan(app: &App, grace: Option<Duration>) -> Result<Plan> {
    let _turn = app.collecting.lock().await;
    cycle(app, grace).plan().await
}

fn cycle(app: &App, grace: Option<Duration>) -> Cycle<'_> {
    let now = app.clock.steady();
    let cutoff = grace.map_or_else(|| app.leases.over(now), |grace| cutoff(grace, now));
    Cycle { metadata: app.metadata.as_ref(), blobs: &app.blobs, removals: &app.removals, now, cutoff }
}
