//! When heavy work has to wait, although the writing thread is free.
//!
//! A request makes several light writes one after the other, so others' next write is often not there yet. If
//! heavy work took each such gap, every light write would wait for a heavy one. So while others do light work,
//! the thread is kept free for them after each heavy piece: for as long as the piece took, and longer for more
//! heavy work of the same caller.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::{Caller, Whose};

/// Heavy work of all callers has at most a quarter of the thread's time: a rest after each piece is three times as long.
const OF_ALL: u32 = 3;

/// Heavy work of one caller has at most a tenth of it.
const OF_ONE: u32 = 9;

/// Others are there if they did light work within this time: about as long as a request takes with its next one.
const THERE: Duration = Duration::from_millis(100);

/// The rests, and who is there to profit from them.
#[derive(Default)]
pub(super) struct Rests {
    of_all: Option<Instant>,
    of_one: HashMap<Caller, Instant>,
    /// Who did light work last.
    latest: Option<(Caller, Instant)>,
    /// When anybody else did.
    before: Option<Instant>,
    are_over: bool,
}

impl Rests {
    /// Light work ran. The server's own does not count: no request waits for it.
    pub(super) fn light_ran(&mut self, caller: &Caller, now: Instant) {
        if caller.whose == Whose::Server {
            return;
        }
        match &mut self.latest {
            Some((latest, at)) if latest == caller => *at = now,
            _ => self.before = self.latest.replace((caller.clone(), now)).map(|(_, at)| at),
        }
    }

    /// A piece of heavy work and its commit took so long.
    pub(super) fn heavy_ran(&mut self, caller: Caller, took: Duration, now: Instant) {
        self.of_one.retain(|_, until| *until > now);
        self.of_all = Some(now + took * OF_ALL);
        self.of_one.insert(caller, now + took * OF_ONE);
    }

    /// Whether nobody but this caller does light work.
    pub(super) fn is_alone(&self, caller: &Caller, now: Instant) -> bool {
        let other = match &self.latest {
            Some((latest, _)) if latest == caller => self.before,
            latest => latest.as_ref().map(|(_, at)| *at),
        };
        self.are_over || other.is_none_or(|at| at + THERE <= now)
    }

    /// How long heavy work of this caller has to wait.
    pub(super) fn left(&self, caller: &Caller, now: Instant) -> Duration {
        if self.is_alone(caller, now) {
            return Duration::ZERO;
        }
        let until = self.of_all.max(self.of_one.get(caller).copied());
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    /// Ends all rests, for ever.
    pub(super) fn end(&mut self) {
        self.are_over = true;
    }
}

#[cfg(test)]
mod tests {
    use gangplank_core::{AccountId, LoginId};

    use super::*;

    const TOOK: Duration = Duration::from_millis(10);

    fn login(number: i64) -> Caller {
        Caller { whose: Whose::Account(AccountId::root()), login: Some(LoginId(number)) }
    }

    #[test]
    fn heavy_work_rests_while_others_do_light_work() {
        let (mut rests, now) = (Rests::default(), Instant::now());
        rests.heavy_ran(login(1), TOOK, now);
        assert_eq!(rests.left(&login(1), now), Duration::ZERO, "nobody else is there");
        rests.light_ran(&login(1), now);
        rests.light_ran(&Whose::Server.into(), now);
        assert_eq!(rests.left(&login(1), now), Duration::ZERO, "its own and the server's work do not count");
        assert_eq!(rests.left(&login(2), now), TOOK * OF_ALL);
        rests.light_ran(&login(2), now);
        assert_eq!(rests.left(&login(1), now), TOOK * OF_ONE);
        assert_eq!(rests.left(&login(3), now), TOOK * OF_ALL);
        rests.light_ran(&login(1), now);
        assert_eq!(rests.left(&login(1), now), TOOK * OF_ONE, "the other was there a moment ago");
        assert_eq!(rests.left(&login(1), now + TOOK * OF_ONE), Duration::ZERO);
    }

    #[test]
    fn others_are_forgotten_after_a_while() {
        let (mut rests, now) = (Rests::default(), Instant::now());
        rests.light_ran(&login(2), now);
        rests.heavy_ran(login(1), THERE, now);
        assert!(!rests.is_alone(&login(1), now));
        assert_eq!(rests.left(&login(1), now + THERE), Duration::ZERO);
        rests.light_ran(&login(2), now + THERE);
        assert_eq!(rests.left(&login(1), now + THERE), THERE * (OF_ONE - 1));
        rests.end();
        assert_eq!(rests.left(&login(1), now + THERE), Duration::ZERO);
    }
}
