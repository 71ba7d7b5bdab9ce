//! Limits the number of concurrent calls, and pauses calls to a server that does not answer.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// The most concurrent calls, to a server that is well.
const MOST: usize = 64;

/// The lowest limit of concurrent calls, however often the server asks for fewer.
const FEWEST: usize = 4;

/// After this many calls in a row without an answer, the server counts as out of reach.
const AWAY: u32 = 5;

/// How long a server that does not answer is left alone. After that, one call tests it.
const REST: Duration = Duration::from_secs(1);

/// The limit of concurrent calls, and the health of the server.
pub(crate) struct Pressure {
    calls: Semaphore,
    limit: Mutex<Limit>,
    health: Mutex<Health>,
}

struct Limit {
    /// The present limit of concurrent calls.
    most: usize,
    /// How many of the calls under way are more than the present limit allows. When that many calls have
    /// ended, other calls get their places again.
    beyond: usize,
    /// How often the limit was halved. The calls that are under way at that time cannot halve it again.
    halved: u64,
    /// The calls that were answered since the last change.
    answered: usize,
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

/// The place of one call among the concurrent ones.
pub(crate) struct Turn<'a> {
    pressure: &'a Pressure,
    permit: Option<SemaphorePermit<'a>>,
    /// The value of [`Limit::halved`] when the call began.
    halved: u64,
}

impl Default for Pressure {
    fn default() -> Self {
        Self {
            calls: Semaphore::new(MOST),
            limit: Mutex::new(Limit { most: MOST, beyond: 0, halved: 0, answered: 0 }),
            health: Mutex::default(),
        }
    }
}

impl Pressure {
    /// Waits for a turn. Fails while calls to the server pause.
    pub(crate) async fn turn(&self) -> Result<Turn<'_>, Rests> {
        let tests = self.may_ask()?;
        let permit = self.calls.acquire().await.map_err(|_| Rests(Instant::now()))?;
        if !tests {
            // The server may have become unreachable meanwhile.
            self.may_ask()?;
        }
        Ok(Turn { pressure: self, permit: Some(permit), halved: self.limit().halved })
    }

    /// Whether the call tests a server that was out of reach.
    fn may_ask(&self) -> Result<bool, Rests> {
        let mut health = self.health();
        match health.rests_until {
            Some(until) if until > Instant::now() => Err(Rests(until)),
            Some(_) => {
                // This call tests the server. The others wait for its outcome.
                health.rests_until = Some(Instant::now() + REST);
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn limit(&self) -> MutexGuard<'_, Limit> {
        self.limit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets half as many calls be made at once.
    fn halve(&self, limit: &mut Limit) {
        let most = (limit.most / 2).max(FEWEST);
        let fewer = limit.most - most;
        let taken = self.calls.forget_permits(fewer);
        *limit = Limit { most, beyond: limit.beyond + fewer - taken, halved: limit.halved + 1, answered: 0 };
    }

    /// Lets one more call be made at once.
    fn widen(&self, limit: &mut Limit) {
        limit.most += 1;
        limit.answered = 0;
        match limit.beyond.checked_sub(1) {
            Some(fewer) => limit.beyond = fewer,
            None => self.calls.add_permits(1),
        }
    }
}

impl Turn<'_> {
    /// Ends the call, and takes its outcome into account.
    pub(crate) fn end(self, outcome: Outcome) {
        let pressure = self.pressure;
        let mut health = pressure.health();
        if outcome == Outcome::NoAnswer {
            health.unanswered = health.unanswered.saturating_add(1);
            if health.unanswered >= AWAY {
                health.rests_until = Some(Instant::now() + REST);
            }
            return;
        }
        *health = Health::default();
        drop(health);
        let mut limit = pressure.limit();
        if outcome == Outcome::SlowDown {
            if self.halved == limit.halved {
                pressure.halve(&mut limit);
            }
        } else if limit.most < MOST {
            limit.answered += 1;
            if limit.answered >= limit.most {
                pressure.widen(&mut limit);
            }
        }
        // The place of this call is given back when the lock is released.
        drop(limit);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut limit = self.pressure.limit();
        if let Some(fewer) = limit.beyond.checked_sub(1) {
            limit.beyond = fewer;
            if let Some(permit) = self.permit.take() {
                permit.forget();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_millis(10);

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_away_is_asked_by_one_call_at_a_time() {
        let pressure = Pressure::default();
        for _ in 0..AWAY {
            pressure.turn().await.unwrap().end(Outcome::NoAnswer);
        }
        assert!(pressure.turn().await.is_err());
        tokio::time::advance(REST).await;
        let test = pressure.turn().await;
        assert!(test.is_ok(), "one finds out");
        assert!(pressure.turn().await.is_err(), "and no other");
        test.unwrap().end(Outcome::Answered);
        assert!(pressure.turn().await.is_ok());
    }

    #[tokio::test]
    async fn whoever_waited_while_the_server_went_away_does_not_ask() {
        let pressure = Pressure::default();
        let mut all = Vec::new();
        for _ in 0..MOST {
            all.push(pressure.turn().await.unwrap());
        }
        let waits = pressure.turn();
        tokio::pin!(waits);
        assert!(timeout(SOON, &mut waits).await.is_err());
        all.drain(..AWAY as usize).for_each(|turn| turn.end(Outcome::NoAnswer));
        assert!(waits.await.is_err());
    }

    #[tokio::test]
    async fn fewer_calls_are_made_at_once_when_the_server_asks_for_it_and_more_again_later() {
        let pressure = Pressure::default();
        for _ in 0..10 {
            pressure.turn().await.unwrap().end(Outcome::SlowDown);
        }
        assert_eq!(pressure.calls.available_permits(), FEWEST);
        for _ in 0..MOST * MOST {
            pressure.turn().await.unwrap().end(Outcome::Answered);
        }
        assert_eq!(pressure.calls.available_permits(), MOST);
    }

    #[tokio::test]
    async fn a_wave_of_refusals_halves_once_also_when_every_place_is_taken() {
        let pressure = Pressure::default();
        let mut all = Vec::new();
        for _ in 0..MOST {
            all.push(pressure.turn().await.unwrap());
        }
        let next = pressure.turn();
        tokio::pin!(next);
        assert!(timeout(SOON, &mut next).await.is_err());
        let mut all = all.into_iter();
        for turn in all.by_ref().take(MOST / 2) {
            turn.end(Outcome::SlowDown);
        }
        assert!(timeout(SOON, &mut next).await.is_err(), "half of the places are gone");
        all.next().unwrap().end(Outcome::SlowDown);
        let next = next.await.unwrap();
        drop((all, next));
        assert_eq!(pressure.calls.available_permits(), MOST / 2);
    }
}
