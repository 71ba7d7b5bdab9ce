//! The part of the processors that one login may take.
//!
//! A login can send more requests than the processors can answer. Then every request becomes slow, those of others too.
//! So the processor time of each login is measured. While threads of this process wait for a processor, a login that
//! takes more than its part rests: its requests continue a moment later. While there is time for all, nothing rests.

mod ledger;
mod metered;
mod pressure;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use gangplank_core::LoginId;
use prometheus_client::metrics::counter::Counter;

use ledger::Ledger;
use metered::{Metered, Rest};
use pressure::Pressure;

/// The processor time of all logins with requests.
pub(crate) struct ProcessorShares {
    began: Instant,
    ledger: Mutex<Ledger>,
    /// Whether several logins have requests. A login that is alone is not measured.
    are_several: AtomicBool,
    pressure: Pressure,
    /// Counts the rests.
    rests: Counter,
}

impl ProcessorShares {
    /// No login has taken time yet. `rests` counts the rests.
    pub(crate) fn new(rests: Counter) -> Self {
        Self {
            began: Instant::now(),
            ledger: Mutex::default(),
            are_several: AtomicBool::new(false),
            pressure: Pressure::default(),
            rests,
        }
    }

    /// Answers a request of a login. The request rests when its login has taken more than its part.
    pub(crate) async fn run<F: Future + Unpin>(&self, login: LoginId, request: F) -> F::Output {
        let rest = {
            let mut ledger = self.ledger();
            let rest = ledger.rest_of(login, self.began.elapsed());
            self.are_several.store(ledger.logins() > 1, Ordering::Relaxed);
            rest
        };
        Metered::new(self, login, rest, request).await
    }

    /// Adds the processor time that a login has taken, in seconds. The login rests if it has taken too much.
    fn charge(&self, login: LoginId, rest: &Rest, used: f64) {
        let now = self.began.elapsed();
        let owed = self.ledger().charge(login, used, now);
        match owed {
            Some(length) if self.pressure.is_felt(now) => {
                if !rest.is_set() {
                    tracing::debug!(
                        login = login.0,
                        "a login takes more than its part of the processors, so it rests"
                    );
                }
                rest.set(now + length);
                self.rests.inc();
            }
            Some(_) => {
                self.ledger().forgive(login);
                rest.end();
            }
            None => rest.end(),
        }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use futures_util::future::join_all;

    use super::*;

    /// Takes processor time until it is dropped, and counts each tenth of a millisecond.
    async fn work(done: &AtomicU32) {
        loop {
            let end = Instant::now() + Duration::from_micros(100);
            while Instant::now() < end {}
            done.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    }

    /// The part of the work that is done for the second login in a second, if the first has ten requests and the second
    /// has `requests`. And how often a login rested.
    async fn part_of_second(pressure: Pressure, requests: usize) -> (f64, u64) {
        let shares = ProcessorShares { pressure, ..ProcessorShares::new(Counter::default()) };
        let done = [AtomicU32::new(0), AtomicU32::new(0)];
        let first = (0..10).map(|_| shares.run(LoginId(1), Box::pin(work(&done[0]))));
        let second = (0..requests).map(|_| shares.run(LoginId(2), Box::pin(work(&done[1]))));
        drop(tokio::time::timeout(Duration::from_secs(1), join_all(first.chain(second))).await);
        let [first, second] = done.map(|done| f64::from(done.into_inner()));
        (second / (first + second), shares.rests.get())
    }

    #[tokio::test]
    async fn under_pressure_a_login_with_few_requests_gets_its_part() {
        let (part, rests) = part_of_second(Pressure::fixed(true), 1).await;
        assert!(part > 0.3 && rests > 0, "{part} {rests}");
    }

    #[tokio::test]
    async fn nothing_rests_without_pressure_or_without_another_login() {
        let (part, rests) = part_of_second(Pressure::fixed(false), 1).await;
        assert!(part < 0.2 && rests == 0, "{part} {rests}");
        let (part, rests) = part_of_second(Pressure::fixed(true), 0).await;
        assert!(part < 0.001 && rests == 0, "{part} {rests}");
    }
}
