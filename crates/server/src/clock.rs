//! The only clock. Every comparison of times gets `now` from it.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use gangplank_core::Time;

/// A clock with two times: the wall clock's, which may jump, and steady time, which never does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started: Instant,
    steady_at_start: Time,
}

impl Clock {
    /// Starts a clock whose steady time continues where the last run left it. The first run begins at the time
    /// of the wall clock. After that, no change of the wall clock makes anything older.
    pub(crate) fn start(left_at: Option<Time>) -> Self {
        Self { started: Instant::now(), steady_at_start: left_at.unwrap_or_else(wall_clock) }
    }

    /// The wall clock's time. Only the ends of logins and keys, and the skew of signatures, depend on it.
    #[expect(clippy::unused_self, reason = "whoever compares times has to hold the clock")]
    pub(crate) fn now(self) -> Time {
        wall_clock()
    }

    /// The steady time, which only runs while a server runs. All that is deleted because of its age is measured
    /// by it.
    pub(crate) fn steady(self) -> Time {
        self.steady_at_start.plus(self.started.elapsed())
    }
}

fn wall_clock() -> Time {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
