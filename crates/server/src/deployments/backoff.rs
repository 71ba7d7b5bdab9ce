//! The pauses before a failed action is tried again.

use std::time::Duration;

use tokio::time::Instant;

use super::pace::Pace;

/// The pauses of one action.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    last: Option<Instant>,
    until: Option<Instant>,
}

impl Backoff {
    /// Records a failure at `now`. The next pause is twice as long as the last one, or the first one again
    /// after a calm time.
    pub(super) fn failed(&mut self, now: Instant, pace: &Pace) {
        if self.last.is_some_and(|last| now.duration_since(last) >= pace.calm) {
            self.failures = 0;
        }
        let pause = pace.pause.saturating_mul(1 << self.failures.min(16)).min(pace.longest_pause);
        *self = Self { failures: self.failures.saturating_add(1), last: Some(now), until: Some(now + pause) };
    }

    /// Whether the action has ever failed.
    pub(super) fn has_failed(&self) -> bool {
        self.last.is_some()
    }

    /// The rest of the pause; `None` if it is over.
    pub(super) fn left(&self, now: Instant) -> Option<Duration> {
        self.until.map(|until| until.saturating_duration_since(now)).filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_are_forgotten_in_calm() {
        let (pace, start) = (Pace::default(), Instant::now());
        let (mut backoff, mut now) = (Backoff::default(), start);
        assert_eq!(backoff.left(now), None);
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            backoff.failed(now, &pace);
            assert_eq!(backoff.left(now), Some(Duration::from_secs(seconds)));
            now += Duration::from_secs(seconds);
            assert_eq!(backoff.left(now), None);
        }
        now += pace.calm;
        backoff.failed(now, &pace);
        assert_eq!(backoff.left(now), Some(pace.pause));
    }
}
