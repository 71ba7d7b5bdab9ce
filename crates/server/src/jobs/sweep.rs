//! Discards old content without a row in a blob store that several processes may use. Crashes and lost answers
//! leave such content. Its bytes are removed like those of all discarded content.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use gangplank_store::blobs::Staged;
use gangplank_store::metadata::blobs::Discarded;
use gangplank_store::metadata::progress::Mark;
use gangplank_store::open::may_remove;
use tokio_util::sync::CancellationToken;

use super::job::{Job, Next};
use super::leftovers;
use super::parts::Parts;
use crate::app::App;

/// All parts are searched in a day.
const PARTS: Parts = Parts { part: Mark::SweptPart, due: Mark::SweepDue, all: Duration::from_hours(24) };

/// Up to this many unknown contents in one part of the store are plausible, even if the part has few known
/// ones.
const NO_WONDER: usize = 1_000;

/// If more are unknown, at most one in this many contents of the part may be unknown. With more, the database
/// is probably the wrong one.
const ONE_IN: usize = 20;

/// Searches one part of the store in each round, and all interrupted uploads with the first part.
pub(super) struct Sweep {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl Job for Sweep {
    async fn round(&mut self, _: &CancellationToken) -> anyhow::Result<Next> {
        let app = &self.app;
        let metadata = app.metadata.as_ref();
        let part = match PARTS.next(metadata, app.clock.steady()).await? {
            Ok(part) => part,
            Err(pause) => return Ok(Next::In(pause)),
        };
        may_remove(metadata, app.blobs.as_ref(), app.removal_terms.failovers).await?;
        let settled = app.blobs.settles_after();
        let mut discarded = 0;
        if part == 0 {
            discarded += uploads(app, settled).await.context("cannot list uploads that were left")?;
        }
        discarded += content(app, part, settled).await.context("cannot look for content without a row")?;
        if discarded > 0 {
            tracing::info!(part = format!("{part:02x}"), discarded, "discarded old content that had no row");
            app.discarded.notify_one();
        }
        Ok(Next::In(PARTS.done(part, metadata, app.clock.steady()).await?))
    }
}

/// Discards old uploads that no session knows.
async fn uploads(app: &App, settled: Duration) -> gangplank_store::Result<usize> {
    let staged = leftovers::unknown(app, settled).await?;
    let orphans = staged.into_iter();
    let orphans = orphans.map(|Staged { key, checkpoint }| Discarded { key, upload: Some(checkpoint) });
    app.metadata.discard_orphans(orphans.collect(), settled, app.clock.steady()).await
}

/// Discards old content of a part that no row knows.
async fn content(app: &App, part: u8, settled: Duration) -> anyhow::Result<usize> {
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
    let orphans = unknown.into_iter().map(|key| Discarded { key, upload: None }).collect();
    Ok(app.metadata.discard_orphans(orphans, settled, app.clock.steady()).await?)
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
