//! Removes discarded content as soon as there is some.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::discarded::{BATCH, Round, remove};

const RETRY: Duration = Duration::from_mins(1);

pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let wait = match remove(app.metadata.as_ref(), &app.blobs, &app.removals).await {
            Ok(Round { listed: BATCH.., removed: 1.. }) => continue,
            Ok(Round { listed, removed }) => (removed < listed).then_some(RETRY),
            Err(error) => {
                tracing::warn!(%error, "cannot remove discarded content; will try again");
                Some(RETRY)
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = app.discarded.notified() => {}
            () = tokio::time::sleep(wait.unwrap_or(Duration::MAX)) => {}
        }
    }
}
