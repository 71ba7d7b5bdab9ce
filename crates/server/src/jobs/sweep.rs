//! Removes old content without a row from a blob store that several processes may use. Crashes and lost
//! answers leave such content.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::job::{Job, Next};
use super::leftovers;
use crate::app::App;
use crate::discarded::remove_each;

/// The pause between two sweeps.
pub(super) const EVERY: Duration = Duration::from_hours(24);

/// From the start to the first sweep.
pub(super) const FIRST: Duration = Duration::from_hours(1);

/// Up to this many unknown contents in one part of the store are plausible, however few are known.
const NO_WONDER: usize = 1_000;

/// If more are unknown, they may be at most one in this many of the part. Beyond that, the database is
/// probably the wrong one.
const ONE_IN: usize = 20;

/// Searches the whole store.
pub(super) struct Sweep {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl Job for Sweep {
    async fn round(&mut self, stop: &CancellationToken) -> anyhow::Result<Next> {
        let app = &self.app;
        let settled = app.blobs.settles_after();
        let staged = leftovers::unknown(app, settled).await.context("cannot list uploads that were left")?;
        leftovers::cancel(app, staged).await;
        let mut removed = 0;
        for part in 0..=u8::MAX {
            if stop.is_cancelled() {
                break;
            }
            removed += sweep(app, part, settled).await.context("cannot look for content without a row")?;
        }
        if removed > 0 {
            tracing::info!(removed, "removed old content that had no row");
        }
        Ok(Next::AsListed)
    }
}

async fn sweep(app: &App, part: u8, settled: Duration) -> anyhow::Result<usize> {
    let mut keys = app.blobs.published(part, settled).await?;
    keys.retain(|key| !app.publishing.holds(key));
    let found = keys.len();
    let unknown = app.metadata.unknown_content(keys).await?;
    anyhow::ensure!(
        !is_a_wonder(unknown.len(), found),
        "of {found} old contents of part {part:02x}, {} are unknown to the database, so nothing is removed: is it the \
         right one, and is it up to date?",
        unknown.len()
    );
    Ok(remove_each(app.blobs.as_ref(), unknown).await.len())
}

fn is_a_wonder(unknown: usize, of: usize) -> bool {
    unknown > NO_WONDER && unknown > of / ONE_IN
}

#[cfg(test)]
mod tests {
    use super::is_a_wonder;

    #[test]
    fn a_database_that_knows_little_removes_little() {
        for (unknown, of, stops) in [
            (0, 0, false),
            (1_000, 1_000, false),
            (1_001, 1_001, true),
            (1_001, 100_000, false),
            (6_000, 100_000, true),
        ] {
            assert_eq!(is_a_wonder(unknown, of), stops, "{unknown} of {of}");
        }
    }
}
