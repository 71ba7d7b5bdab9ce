//! Pauses before something that failed is tried again.

use std::time::Duration;

use tokio::time::Instant;

use super::pace::Pace;

/// The pauses of one thing that may fail again and again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    last: Option<Instant>,
    until: Option<Instant>,
}

impl Backoff {
    /// It failed: the next try has to wait, twice as long as the last one had to, unless long calm lies between.
    pub(super) fn failed(&mut self, now: Instant, pace: &Pace) {
        if self.last.is_some_and(|last| now.duration_since(last) >= pace.calm) {
            self.failures = 0;
        }
        let pause = pace.pause.saturating_mul(1 << self.failures.min(16)).min(pace.longest_pause);
        *self = Self { failures: self.failures.saturating_add(1), last: Some(now), until: Some(now + pause) };
    }

    /// Whether it has failed at all.
    pub(super) fn has_failed(&self) -> bool {
        self.last.is_some()
    }

    /// How long a try still has to wait.
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
