//! Closes to others what a data directory had before it was its owner's alone, or what a restore made. In the
//! background and in steps: how much content there is must not hold up anything.

use std::path::PathBuf;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::private::Mending;

/// How many entries are looked at in one go.
const STEP: usize = 256;

/// What follows each.
const PAUSE: Duration = Duration::from_millis(5);

pub(crate) async fn run(data_dir: PathBuf, stop: CancellationToken) {
    let mut mending = Mending::of(&data_dir);
    loop {
        let step = tokio::task::spawn_blocking(move || (mending.step(STEP), mending));
        let Ok((more, after)) = step.await else { return };
        mending = after;
        if !more {
            break;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
    if mending.closed > 0 {
        tracing::info!(
            closed = mending.closed,
            "others could read files of the data directory; they are closed now"
        );
    }
    if mending.failed > 0 {
        tracing::warn!(
            failed = mending.failed,
            "files of the data directory could not be closed to others; do they belong to another user?"
        );
    }
}
