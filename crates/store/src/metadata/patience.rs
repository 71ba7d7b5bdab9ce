//! How long one request waits for the database. If the database fails, the client gets "try later" before its
//! own timeout.
//!
//! A request may call the store several times, and each call may wait for a connection, for answers, for others'
//! locks, and for the outcome of a commit. All these waits of a request together have one limit.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The longest time that a request waits for the database.
const PATIENCE: Duration = Duration::from_secs(13);

/// The part of the time that is reserved for finding out how a commit ended.
pub(crate) const RESERVE: Duration = Duration::from_secs(3);

/// A call that ends sooner does not count. A large upload makes thousands of calls.
const QUICK: Duration = Duration::from_millis(100);

tokio::task_local! {
    static REQUEST: Mutex<Waits>;
}

/// How long a request has waited.
#[derive(Default)]
struct Waits {
    /// The time in calls that have ended.
    before: Duration,
    /// When the present call began. A call may make others inside.
    since: Option<Instant>,
    under_way: u32,
}

/// Answers a request whose calls to a store share one limit of time.
pub async fn of_request<F: Future>(request: F) -> F::Output {
    REQUEST.scope(Mutex::default(), request).await
}

/// A call to the store that is under way.
pub(crate) struct Call {
    until: Option<Instant>,
}

impl Call {
    /// Begins a call.
    pub(crate) fn begin() -> Self {
        let until = REQUEST.try_with(|request| {
            let mut waits = lock(request);
            waits.under_way += 1;
            let since = *waits.since.get_or_insert_with(Instant::now);
            since + PATIENCE.saturating_sub(waits.before)
        });
        Self { until: until.ok() }
    }

    /// The time at which the caller stops waiting. `None` for work that no request waits for.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.until
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.until.is_none() {
            return;
        }
        // A request that is dropped as a whole needs no more counting.
        let _ = REQUEST.try_with(|request| {
            let mut waits = lock(request);
            waits.under_way = waits.under_way.saturating_sub(1);
            if waits.under_way == 0
                && let Some(since) = waits.since.take()
            {
                waits.before += Some(since.elapsed()).filter(|it| *it > QUICK).unwrap_or_default();
            }
        });
    }
}

/// The time until a moment, but at most `most`.
pub(crate) fn left(until: Option<Instant>, most: Duration) -> Duration {
    until.map_or(most, |until| until.saturating_duration_since(Instant::now()).min(most))
}

fn lock(waits: &Mutex<Waits>) -> MutexGuard<'_, Waits> {
    waits.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    async fn call(lasts: Duration) -> Duration {
        let call = Call::begin();
        let left = left(call.until(), Duration::MAX);
        sleep(lasts).await;
        left
    }

    #[tokio::test(start_paused = true)]
    async fn the_calls_of_a_request_share_its_patience() {
        of_request(async {
            assert_eq!(call(Duration::from_secs(5)).await, PATIENCE);
            for _ in 0..1_000 {
                call(QUICK).await;
            }
            // A body arrived slowly meanwhile. The database did not cause that.
            sleep(Duration::from_hours(1)).await;
            assert_eq!(call(Duration::from_secs(9)).await, Duration::from_secs(8));
            assert_eq!(call(Duration::ZERO).await, Duration::ZERO);
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn calls_inside_a_call_are_counted_once() {
        of_request(async {
            let outer = Call::begin();
            let (one, other) = tokio::join!(call(Duration::from_secs(2)), call(Duration::from_secs(3)));
            assert_eq!((one, other), (PATIENCE, PATIENCE));
            assert_eq!(call(Duration::ZERO).await, Duration::from_secs(10));
            drop(outer);
            assert_eq!(call(Duration::ZERO).await, Duration::from_secs(10));
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_no_request_waits_for_has_no_such_limit() {
        assert_eq!(call(Duration::from_mins(1)).await, Duration::MAX);
        assert_eq!(call(Duration::ZERO).await, Duration::MAX);
    }
}
