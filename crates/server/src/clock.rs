//! The one clock that every comparison of time takes `now` from.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use gangplank_core::Time;

/// Tells two times: the wall clock's, which may jump, and a steady one, which does not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started: Instant,
    steady_at_start: Time,
}

impl Clock {
    /// A clock whose steady time goes on from where the run before left it. The first run begins at the
    /// wall clock's time; what that says later, before, during or between runs, ages nothing.
    pub(crate) fn start(left_at: Option<Time>) -> Self {
        Self { started: Instant::now(), steady_at_start: left_at.unwrap_or_else(wall_clock) }
    }

    /// This moment, by the wall clock. Only the ends of logins and the skew of signatures follow it.
    #[expect(clippy::unused_self, reason = "whoever compares times has to hold the clock")]
    pub(crate) fn now(self) -> Time {
        wall_clock()
    }

    /// This moment, by a clock that runs while a server runs, whatever is done to the wall clock.
    /// Whatever is deleted for its age is measured by it.
    pub(crate) fn steady(self) -> Time {
        self.steady_at_start.plus(self.started.elapsed())
    }
}

fn wall_clock() -> Time {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
