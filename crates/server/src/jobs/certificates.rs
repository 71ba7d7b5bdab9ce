//! Takes certificates that were replaced in their files.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use crate::certificates::Certificates;

/// How often the files are looked at. A new pair is taken at the second look at the latest.
const EVERY: Duration = Duration::from_secs(3);

pub(crate) async fn run(certificates: Arc<Certificates>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let certificates = Arc::clone(&certificates);
        let _ = spawn_blocking(move || certificates.reload_if_changed()).await;
    }
}
