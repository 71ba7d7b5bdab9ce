//! Collects garbage, again and again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gangplank_api::gangplank::{CollectGarbageRequest, CollectGarbageResult};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::collection::{Cycle, grace_of, over};

pub(crate) async fn run(app: Arc<App>, every: Duration, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
        let _turn = app.collecting.lock().await;
        let (now, started) = (app.clock.steady(), Instant::now());
        let (metadata, blobs) = (app.metadata.as_ref(), &app.blobs);
        match (Cycle { metadata, blobs, now, over: app.leases.over(now) }).run(&stop).await {
            Ok(collected) => {
                app.metrics.collected(&collected, started.elapsed());
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

/// A cycle that an operator asked for.
pub(crate) async fn asked(
    app: &App,
    request: &CollectGarbageRequest,
) -> gangplank_store::Result<CollectGarbageResult> {
    let _turn = app.collecting.lock().await;
    let (now, started) = (app.clock.steady(), Instant::now());
    let (metadata, blobs) = (app.metadata.as_ref(), &app.blobs);
    let over = over(app.leases, grace_of(request), now);
    let result = Cycle { metadata, blobs, now, over }.answer(request.dry_run.unwrap_or(false)).await?;
    app.metrics.answered(&result, started.elapsed());
    Ok(result)
}
