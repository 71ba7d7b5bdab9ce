//! The only clock. Every comparison of times gets `now` from it.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use gangplank_core::Time;
use gangplank_store::metadata::{Agreed as _, Postgres};

/// A clock with two times: the time of the wall clock, which may jump, and steady time, which never jumps.
#[derive(Clone)]
pub(crate) struct Clock(Steady);

/// The source of the steady time.
#[derive(Clone)]
enum Steady {
    /// This process measures the time itself.
    Own { started: Instant, at_start: Time },
    /// The servers of a cluster share the time. The time is in a row of the database.
    Shared(Arc<Postgres>),
}

impl Clock {
    /// Starts a clock whose steady time continues where the last run left it. The first run begins at the time
    /// of the wall clock. After that, no change of the wall clock makes anything older.
    pub(crate) fn start(left_at: Option<Time>) -> Self {
        Self(Steady::Own { started: Instant::now(), at_start: left_at.unwrap_or_else(wall_clock) })
    }

    /// A clock with the steady time of a cluster.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) async fn shared(cluster: Arc<Postgres>) -> gangplank_store::Result<Self> {
        cluster.begin_steady_time(wall_clock()).await?;
        Ok(Self(Steady::Shared(cluster)))
    }

    /// The wall clock's time. Only the ends of logins and keys, and the skew of signatures, depend on it.
    #[expect(clippy::unused_self, reason = "whoever compares times has to hold the clock")]
    pub(crate) fn now(&self) -> Time {
        wall_clock()
    }

    /// The steady time, which only runs while a server runs. All that is deleted because of its age is measured
    /// by it.
    pub(crate) fn steady(&self) -> Time {
        match &self.0 {
            Steady::Own { started, at_start } => at_start.plus(started.elapsed()),
            Steady::Shared(cluster) => cluster.steady_time().unwrap_or(Time(0)),
        }
    }

    /// The time of the database. All replicas agree on it, however wrong the clocks of their machines are.
    /// Requests between replicas contain this time.
    pub(crate) fn agreed(&self) -> Time {
        match &self.0 {
            Steady::Own { .. } => wall_clock(),
            Steady::Shared(cluster) => cluster.time(),
        }
    }

    /// The cluster that shares the steady time; `None` if this process keeps it.
    pub(crate) fn cluster(&self) -> Option<&Arc<Postgres>> {
        match &self.0 {
            Steady::Own { .. } => None,
            Steady::Shared(cluster) => Some(cluster),
        }
    }
}

fn wall_clock() -> Time {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
