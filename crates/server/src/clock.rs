//! The one clock that every comparison of time takes `now` from.

use std::time::{SystemTime, UNIX_EPOCH};

use gangplank_core::Time;

/// The wall clock. Login ends and signature skew follow it; nothing is ever deleted because of it
/// alone.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock;

impl Clock {
    /// This moment.
    #[expect(clippy::unused_self, reason = "whoever compares times has to hold the clock")]
    pub(crate) fn now(self) -> Time {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Time(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}
