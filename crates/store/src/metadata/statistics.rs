//! The figures that a database measures about itself, for metrics.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The upper bounds of the buckets, in seconds: from a commit in memory to a client's timeout.
const BOUNDS: [f64; 14] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 2.5, 10.0];

/// The figures of a database since it was opened.
#[derive(Debug, Default)]
pub struct Statistics {
    /// How long work waited before the database began it: for the writing thread, or for a connection.
    pub turns: Durations,
    /// How long commits took, with their sync.
    pub commits: Durations,
    retries: AtomicU64,
    polled: Mutex<Option<Instant>>,
    clock_ahead: Mutex<Option<i64>>,
}

impl Statistics {
    /// Counts a transaction that runs again because of a conflict with others.
    pub(crate) fn retried(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// How many transactions ran again. Always zero for a database that one process has to itself.
    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// Records that the state shared by all processes was read. The reading began at `began`.
    pub fn polled(&self, began: Instant) {
        *self.polled.lock().unwrap_or_else(PoisonError::into_inner) = Some(began);
    }

    /// Records by how many milliseconds the clock of this machine is ahead of the clock of the database;
    /// negative if it is behind.
    pub fn clock_is_ahead(&self, by: i64) {
        *self.clock_ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some(by);
    }

    /// By how many milliseconds the clock of this machine is ahead of the clock of the database; negative if it
    /// is behind. `None` for a database that one process has to itself.
    pub fn clock_ahead(&self) -> Option<i64> {
        *self.clock_ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long ago the state shared by all processes was last read. `None` for a database that one process has
    /// to itself.
    pub fn poll_age(&self) -> Option<Duration> {
        self.polled.lock().unwrap_or_else(PoisonError::into_inner).map(|began| began.elapsed())
    }
}

/// A histogram of durations.
#[derive(Debug)]
pub struct Durations {
    /// The number of durations in each bucket. The last bucket has no bound.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanoseconds: AtomicU64,
}

impl Default for Durations {
    fn default() -> Self {
        Self { buckets: array::from_fn(|_| AtomicU64::new(0)), nanoseconds: AtomicU64::new(0) }
    }
}

impl Durations {
    /// Adds a duration.
    pub(crate) fn observe(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let bucket = BOUNDS.partition_point(|bound| *bound < seconds);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// The buckets: for each its upper bound in seconds, and how many durations are in it alone. The last bound
    /// is infinite.
    pub fn buckets(&self) -> Vec<(f64, u64)> {
        let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
        bounds.zip(&self.buckets).map(|(bound, count)| (bound, count.load(Ordering::Relaxed))).collect()
    }

    /// The sum of all durations.
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_duration_is_in_the_bucket_of_the_first_bound_that_is_not_smaller() {
        let durations = Durations::default();
        for micros in [0, 100, 101, 20_000_000] {
            durations.observe(Duration::from_micros(micros));
        }
        let counts: Vec<u64> = durations.buckets().into_iter().map(|(_, count)| count).collect();
        assert_eq!((counts[0], counts[1], counts[14]), (2, 1, 1));
        assert_eq!(counts.iter().sum::<u64>(), 4);
        assert_eq!(durations.sum(), Duration::from_micros(20_000_201));
    }
}
