//! Advances the steady time of a cluster. One server does it for all.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use gangplank_core::Time;
use gangplank_store::metadata::{Agreed as _, Postgres};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::job::{Job, Next};

/// The pause between two advances.
pub(super) const EVERY: Duration = Duration::from_secs(5);

/// The most that one advance adds. So a server that was paused makes nothing older.
const MOST: Duration = Duration::from_secs(10);

/// Adds the time that passed on this machine since the last round.
pub(super) struct Advancing {
    cluster: Arc<Postgres>,
    /// The steady time after the last round, and when that was. While the row has another time, another server
    /// advances it.
    last: Option<(Time, Instant)>,
}

impl Advancing {
    pub(super) fn of(cluster: &Arc<Postgres>) -> Self {
        Self { cluster: Arc::clone(cluster), last: None }
    }
}

#[async_trait]
impl Job for Advancing {
    async fn round(&mut self, _: &CancellationToken) -> anyhow::Result<Next> {
        let now = Instant::now();
        let (from, passed) = match self.last.take() {
            Some((from, at)) => (from, now.duration_since(at).min(MOST)),
            None => (self.cluster.steady_time().unwrap_or(Time(0)), Duration::ZERO),
        };
        let steady = self.cluster.advance_steady_time(from, passed).await;
        self.last = Some((steady.context("cannot advance the steady time")?, now));
        Ok(Next::AsListed)
    }
}
