//! Restricts the files of a data directory to their owner. Files that older versions or a restore made may be
//! readable by others. The job works in the background and in steps, so that much content delays nothing.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::job::{Job, Next};
use crate::private::Mending;

/// How many directory entries one step looks at.
const STEP: usize = 256;

/// The pause after each step.
const PAUSE: Duration = Duration::from_millis(5);

/// `None` while a step runs, and after a step that panicked: the job ends then.
pub(super) struct Closing(Option<Mending>);

impl Closing {
    pub(super) fn of(data_dir: &Path) -> Self {
        Self(Some(Mending::of(data_dir)))
    }
}

#[async_trait]
impl Job for Closing {
    async fn round(&mut self, stop: &CancellationToken) -> anyhow::Result<Next> {
        while let Some(mut mending) = self.0.take() {
            let step = tokio::task::spawn_blocking(move || (mending.step(STEP), mending));
            let (more, mending) = step.await.context("cannot close files to others")?;
            if !more {
                tell(&mending);
                break;
            }
            self.0 = Some(mending);
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
        Ok(Next::Never)
    }
}

fn tell(mending: &Mending) {
    if mending.closed > 0 {
        tracing::info!(
            closed = mending.closed,
            "files of the data directory were open to other users; closed them"
        );
    }
    if mending.failed > 0 {
        tracing::warn!(
            failed = mending.failed,
            "cannot close files of the data directory to other users; do they belong to another user?"
        );
    }
}
