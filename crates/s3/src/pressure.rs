//! Limits the number of concurrent calls, and pauses calls to a server that does not answer.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// The most concurrent calls, to a server that is well.
const MOST: usize = 64;

/// The lowest limit of concurrent calls, however often the server asks for fewer.
const FEWEST: usize = 4;

/// After this many calls in a row without an answer, the server counts as away.
const AWAY: u32 = 5;

/// How long a server that is away is not called. After that, one call tests it.
const REST: Duration = Duration::from_secs(1);

/// The limit of concurrent calls, and the health of the server.
pub(crate) struct Pressure {
    calls: Semaphore,
    /// The present limit of concurrent calls.
    limit: AtomicUsize,
    answered: AtomicUsize,
    health: Mutex<Health>,
}

#[derive(Default)]
struct Health {
    unanswered: u32,
    rests_until: Option<Instant>,
}

/// The server is not called before this moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rests(pub(crate) Instant);

/// The outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Answered,
    SlowDown,
    NoAnswer,
}

impl Default for Pressure {
    fn default() -> Self {
        Self {
            calls: Semaphore::new(MOST),
            limit: AtomicUsize::new(MOST),
            answered: AtomicUsize::new(0),
            health: Mutex::default(),
        }
    }
}

impl Pressure {
    /// Waits for a turn. Fails while the server is not called.
    pub(crate) async fn turn(&self) -> Result<SemaphorePermit<'_>, Rests> {
        self.may_ask()?;
        let permit = self.calls.acquire().await.map_err(|_| Rests(Instant::now()))?;
        Ok(permit)
    }

    fn may_ask(&self) -> Result<(), Rests> {
        let mut health = self.health.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match health.rests_until {
            Some(until) if until > Instant::now() => Err(Rests(until)),
            Some(_) => {
                // This call tests the server. The others wait for its outcome.
                health.rests_until = Some(Instant::now() + REST);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Takes the outcome of a call into account.
    pub(crate) fn learn(&self, outcome: Outcome) {
        let mut health = self.health.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if outcome == Outcome::NoAnswer {
            health.unanswered = health.unanswered.saturating_add(1);
            if health.unanswered >= AWAY {
                health.rests_until = Some(Instant::now() + REST);
            }
            return;
        }
        *health = Health::default();
        drop(health);
        let limit = self.limit.load(Ordering::Relaxed);
        if outcome == Outcome::SlowDown {
            let wanted = (limit / 2).max(FEWEST);
            let taken = self.calls.forget_permits(limit - wanted);
            self.limit.store(limit - taken, Ordering::Relaxed);
        } else if limit < MOST && self.answered.fetch_add(1, Ordering::Relaxed) % MOST == MOST - 1 {
            self.limit.store(limit + 1, Ordering::Relaxed);
            self.calls.add_permits(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_away_is_asked_by_one_call_at_a_time() {
        let pressure = Pressure::default();
        for _ in 0..AWAY {
            drop(pressure.turn().await.unwrap());
            pressure.learn(Outcome::NoAnswer);
        }
        assert!(pressure.turn().await.is_err());
        tokio::time::advance(REST).await;
        assert!(pressure.turn().await.is_ok(), "one finds out");
        assert!(pressure.turn().await.is_err(), "and no other");
        pressure.learn(Outcome::Answered);
        assert!(pressure.turn().await.is_ok());
    }

    #[tokio::test]
    async fn fewer_calls_are_made_at_once_when_the_server_asks_for_it_and_more_again_later() {
        let pressure = Pressure::default();
        for _ in 0..10 {
            pressure.learn(Outcome::SlowDown);
        }
        assert_eq!(pressure.calls.available_permits(), FEWEST);
        for _ in 0..MOST * MOST {
            pressure.learn(Outcome::Answered);
        }
        assert_eq!(pressure.calls.available_permits(), MOST);
    }
}
