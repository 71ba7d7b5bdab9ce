//! Keeps what the next run goes on from, the steady time, and what a collection without a server goes by,
//! the grace period.

use std::sync::Arc;
use std::time::Duration;

use gangplank_store::metadata::progress::Mark;
use tokio_util::sync::CancellationToken;

use crate::app::App;

/// After a crash, so much of what has aged has not.
const EVERY: Duration = Duration::from_mins(1);

pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    loop {
        if let Err(error) = keep(&app).await {
            tracing::warn!(%error, "cannot keep the time and the grace period; will try again");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Keeps the time of this moment, and the grace period in the same transaction: a start syncs no more for it.
pub(crate) async fn keep(app: &App) -> gangplank_store::Result<()> {
    let grace = i64::try_from(app.leases.grace.as_millis()).unwrap_or(i64::MAX);
    let marks = vec![(Mark::SteadyTime, app.clock.steady().0), (Mark::GcGrace, grace)];
    app.metadata.set_marks(marks).await
}
