//! The one clock that every comparison of time takes `now` from.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use gangplank_core::Time;

/// Tells two times: the wall clock's, which may jump, and a steady one, which does not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started: Instant,
    wall_at_start: Time,
}

impl Clock {
    /// A clock whose steady time starts at the wall clock's.
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), wall_at_start: wall_clock() }
    }

    /// This moment, by the wall clock. Only the ends of logins and the skew of signatures follow it.
    #[expect(clippy::unused_self, reason = "whoever compares times has to hold the clock")]
    pub(crate) fn now(self) -> Time {
        wall_clock()
    }

    /// This moment, by a clock that starts with the server at the wall clock's time and then runs
    /// on, whatever is done to that. Whatever is deleted for its age is measured by it.
    pub(crate) fn steady(self) -> Time {
        self.wall_at_start.plus(self.started.elapsed())
    }
}

fn wall_clock() -> Time {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
