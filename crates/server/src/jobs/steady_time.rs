//! Keeps the steady time, so that the next run goes on from it.

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
            tracing::warn!(%error, "cannot keep the time; will try again");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Keeps the time of this moment.
pub(crate) async fn keep(app: &App) -> gangplank_store::Result<()> {
    app.metadata.set_marks(vec![(Mark::SteadyTime, app.clock.steady().0)]).await
}
