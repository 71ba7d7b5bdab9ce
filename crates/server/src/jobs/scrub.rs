//! Reads all content again, slowly, and compares it with its digest. Damaged content is marked: clients are no
//! longer told that it exists, and the next push replaces it. Nothing is ever deleted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use async_trait::async_trait;
use gangplank_core::Time;
use gangplank_store::metadata::inspection::KeptContent;
use gangplank_store::metadata::progress::Mark;
use tokio_util::sync::CancellationToken;

use super::job::{Job, Next};
use super::suspects::Suspects;
use crate::app::App;
use crate::hashing::{Bytes, Pace, look};

/// How many contents are read between two writes of the position.
const PAGE: usize = 100;

/// After this many bytes the position is written, too.
const PAGE_BYTES: u64 = 64 << 20;

/// The slowest rate, in bytes a second. At a slower rate, a large blob takes longer than some servers run.
const SLOWEST: u64 = 8 << 20;

/// The fastest rate, in bytes a second. A faster rate would slow down pushes and pulls.
const FASTEST: u64 = 128 << 20;

/// The longest pause after the start, and the longest between two checks whether the next pass is due.
const PAUSE: Duration = Duration::from_mins(1);

/// How long a rate is used before it is computed again.
const RATE_HOLDS: Duration = Duration::from_mins(10);

pub(super) struct Scrub {
    app: Arc<App>,
    interval: Duration,
    rate: u64,
    rate_until: Instant,
    suspects: Suspects,
}

/// The time from the start of the server to the first round.
pub(super) fn first(interval: Duration) -> Duration {
    PAUSE.min(interval / 10)
}

#[async_trait]
impl Job for Scrub {
    async fn round(&mut self, stop: &CancellationToken) -> anyhow::Result<Next> {
        self.suspects.look_again(&self.app).await?;
        Ok(Next::In(self.page(stop).await.context("cannot look at stored content")?))
    }
}

impl Scrub {
    /// A scrub that reads all content once in each `interval`.
    pub(super) fn within(interval: Duration, app: &Arc<App>) -> Self {
        Self {
            app: Arc::clone(app),
            interval,
            rate: SLOWEST,
            rate_until: Instant::now(),
            suspects: Suspects::default(),
        }
    }

    /// Reads the next contents. Returns the pause before the contents that follow.
    async fn page(&mut self, stop: &CancellationToken) -> gangplank_store::Result<Duration> {
        let metadata = &self.app.metadata;
        let (now, position) =
            (self.app.clock.steady(), metadata.mark(Mark::ScrubPosition).await?.unwrap_or(0));
        let started = Time(metadata.mark(Mark::ScrubStarted).await?.unwrap_or(now.0));
        if now < started {
            // The last pass ended early: wait until the next one is due.
            let wait = Duration::from_millis(started.0.abs_diff(now.0));
            return Ok(wait.min(PAUSE));
        }
        let contents = metadata.contents(position, PAGE).await?;
        if contents.is_empty() {
            let next = started.plus(self.interval).max(now);
            metadata.set_marks(vec![(Mark::ScrubPosition, 0), (Mark::ScrubStarted, next.0)]).await?;
            self.app.metrics.scrub_round();
            return Ok(Duration::ZERO);
        }
        self.find_rate(position, started.plus(self.interval), now).await?;
        let (mut position, mut bytes) = (position, 0);
        for content in contents {
            if stop.is_cancelled() || bytes > PAGE_BYTES {
                break;
            }
            let (row, size) = (content.row, content.size);
            if !self.check(content, stop).await? {
                break;
            }
            (position, bytes) = (row, bytes + size);
        }
        let marks = vec![(Mark::ScrubPosition, position), (Mark::ScrubStarted, started.0)];
        self.app.metadata.set_marks(marks).await?;
        Ok(Duration::ZERO)
    }

    /// Computes the rate for the rest of the pass.
    async fn find_rate(&mut self, position: i64, deadline: Time, now: Time) -> gangplank_store::Result<()> {
        if Instant::now() < self.rate_until {
            return Ok(());
        }
        let left = self.app.metadata.content_totals(position).await?;
        let seconds = u64::try_from(deadline.0.saturating_sub(now.0) / 1000).unwrap_or(0).max(1);
        let needed = left.bytes / seconds;
        if needed > FASTEST {
            tracing::warn!(
                bytes = left.bytes,
                "the content is too much to read within --scrub-interval; set a longer one"
            );
        }
        self.rate = needed.clamp(SLOWEST, FASTEST);
        self.rate_until = Instant::now() + RATE_HOLDS;
        Ok(())
    }

    /// Reads one content. Returns `false` if `stop` was cancelled before its end.
    async fn check(
        &mut self,
        content: KeptContent,
        stop: &CancellationToken,
    ) -> gangplank_store::Result<bool> {
        let pace = Pace { rate: self.rate, stop: stop.clone() };
        let found = look(self.app.blobs.as_ref(), &content, Some(pace)).await;
        if found == Bytes::NotRead {
            return Ok(false);
        }
        let KeptContent { tenant, digest, size, key, .. } = &content;
        if let Bytes::Unreadable(why) = &found {
            // Do not mark it as damaged: the whole disk may be out of reach for a while.
            self.app.metrics.damage_found();
            tracing::error!(%tenant, %digest, %key, why, "cannot read stored content; check the disk");
            return Ok(true);
        }
        self.app.metrics.scrubbed(*size);
        if found == Bytes::Whole && content.damaged && self.app.metadata.mark_whole(key).await? {
            tracing::info!(%tenant, %digest, %key, "stored content was damaged, and is whole again");
        }
        if found == Bytes::Whole || content.damaged {
            return Ok(true);
        }
        let is_bucket = !self.app.blobs.settles_after().is_zero();
        if is_bucket && matches!(found, Bytes::Missing | Bytes::Short(_)) {
            self.suspects.note(content, self.app.clock.steady());
            return Ok(true);
        }
        // Content that was removed or replaced meanwhile needs no mark.
        if self.app.metadata.mark_damaged(key).await? {
            self.app.metrics.damage_found();
            tracing::error!(
                %tenant, %digest, %key, ?found,
                "stored content is damaged; the next push of this blob replaces it"
            );
        }
        Ok(true)
    }
}
