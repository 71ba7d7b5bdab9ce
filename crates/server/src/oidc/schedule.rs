//! When to fetch the keys of an issuer.

use std::time::Duration;

use gangplank_core::Time;

/// The age at which keys are fetched again, so that a withdrawn key disappears.
const STALE: Duration = Duration::from_hours(1);

/// The age at which keys cannot be used any more, if every later fetch has failed.
const OVER: Duration = Duration::from_hours(24);

/// The shortest time between two fetches for unknown keys. Anybody can invent a key id.
const UNKNOWN: Duration = Duration::from_mins(1);

/// The longest pause after failures. The first pause is a second, and each doubles the one before.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The history of fetches, in steady time.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    fetched: Option<Time>,
    failures: u32,
    paused_until: Option<Time>,
    unknown_at: Option<Time>,
}

impl Schedule {
    /// Whether the keys may still be used.
    pub(super) fn are_good(&self, now: Time) -> bool {
        self.fetched.is_some_and(|fetched| now < fetched.plus(OVER))
    }

    /// Whether the keys should be fetched now, for any token.
    pub(super) fn is_due(&self, now: Time) -> bool {
        self.are_stale(now) && !self.is_paused(now)
    }

    /// Whether a caller should wait for the fetch that is running. If the issuer is out of reach, a caller with
    /// usable keys does not wait.
    pub(super) fn is_worth_waiting(&self, now: Time) -> bool {
        !self.are_good(now) || (self.are_stale(now) && self.failures == 0)
    }

    /// Whether an unknown key may cause a fetch now. If so, the next one has to wait for a minute.
    pub(super) fn unknown_key_causes_fetch(&mut self, now: Time) -> bool {
        let may = self.unknown_at.is_none_or(|last| now >= last.plus(UNKNOWN)) && !self.is_paused(now);
        if may {
            self.unknown_at = Some(now);
        }
        may
    }

    /// Records that the keys were fetched.
    pub(super) fn succeeded(&mut self, now: Time) {
        self.fetched = Some(now);
        self.failures = 0;
        self.paused_until = None;
    }

    /// Records that a fetch failed.
    pub(super) fn failed(&mut self, now: Time) {
        let pause = 2_u64.checked_pow(self.failures).map_or(LONGEST_PAUSE, Duration::from_secs);
        self.paused_until = Some(now.plus(pause.min(LONGEST_PAUSE)));
        self.failures = self.failures.saturating_add(1);
    }

    fn are_stale(&self, now: Time) -> bool {
        self.fetched.is_none_or(|fetched| now >= fetched.plus(STALE))
    }

    fn is_paused(&self, now: Time) -> bool {
        self.paused_until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time(seconds * 1_000)
    }

    #[test]
    fn keys_are_fetched_at_first_and_hourly() {
        let mut schedule = Schedule::default();
        assert!(schedule.is_due(at(0)) && !schedule.are_good(at(0)));
        schedule.succeeded(at(0));
        assert!(!schedule.is_due(at(3_599)) && schedule.are_good(at(3_599)));
        assert!(schedule.is_due(at(3_600)) && schedule.are_good(at(3_600)));
        assert!(schedule.is_worth_waiting(at(3_600)));
    }

    #[test]
    fn pauses_after_failures_double_up_to_a_minute() {
        let mut schedule = Schedule::default();
        let mut now = 0;
        for pause in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            schedule.failed(at(now));
            assert!(!schedule.is_due(at(now + pause - 1)), "{pause}");
            now += pause;
            assert!(schedule.is_due(at(now)), "{pause}");
        }
        for _ in 0..100 {
            schedule.failed(at(now));
        }
        assert!(schedule.is_due(at(now + 60)));
        schedule.succeeded(at(now));
        schedule.failed(at(now));
        assert!(!schedule.is_paused(at(now + 1)), "a success begins anew");
    }

    #[test]
    fn keys_last_a_day_while_the_issuer_is_away() {
        let mut schedule = Schedule::default();
        schedule.succeeded(at(0));
        schedule.failed(at(3_600));
        assert!(!schedule.is_worth_waiting(at(3_601)), "nobody waits for an issuer that is away");
        assert!(schedule.are_good(at(86_399)));
        assert!(!schedule.are_good(at(86_400)) && schedule.is_worth_waiting(at(86_400)));
    }

    #[test]
    fn an_unknown_key_causes_one_fetch_a_minute() {
        let mut schedule = Schedule::default();
        schedule.succeeded(at(0));
        assert!(schedule.unknown_key_causes_fetch(at(1)), "other fetches do not count");
        schedule.succeeded(at(30));
        assert!(!schedule.unknown_key_causes_fetch(at(60)));
        assert!(schedule.unknown_key_causes_fetch(at(61)));
        schedule.failed(at(61));
        assert!(!schedule.unknown_key_causes_fetch(at(120)), "from the last that one caused");
        assert!(schedule.unknown_key_causes_fetch(at(121)));
    }

    #[test]
    fn an_unknown_key_does_not_shorten_a_pause() {
        let mut schedule = Schedule::default();
        for _ in 0..10 {
            schedule.failed(at(0));
        }
        assert!(!schedule.unknown_key_causes_fetch(at(59)));
        assert!(schedule.unknown_key_causes_fetch(at(60)), "what was not allowed does not count");
    }
}
