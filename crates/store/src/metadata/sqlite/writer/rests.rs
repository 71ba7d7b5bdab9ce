//! When heavy work has to wait, although the writing thread is free.
//!
//! A request makes several light writes, one after the other. So the next write of another request has often not
//! arrived yet. If heavy work used each such gap, every light write would wait for a heavy one. So while others do
//! light work, the thread takes no heavy work for some time after each heavy piece. This rest is longer for heavy work
//! of the same caller.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::{Caller, Whose};

/// Heavy work of all callers has at most a quarter of the thread's time: a rest is three times as long as the piece
/// before it.
const OF_ALL: u32 = 3;

/// Heavy work of one caller has at most a tenth of the thread's time.
const OF_ONE: u32 = 9;

/// A caller counts as present for this time after its last light work. A request and the next one take about as long.
const THERE: Duration = Duration::from_millis(100);

/// The rests, and the callers who did light work last.
#[derive(Default)]
pub(super) struct Rests {
    of_all: Option<Instant>,
    of_one: HashMap<Caller, Instant>,
    /// The caller who did light work last, and when.
    latest: Option<(Caller, Instant)>,
    /// When any other caller last did light work.
    before: Option<Instant>,
    are_over: bool,
}

impl Rests {
    /// Records light work. The server's own work does not count, because no request waits for it.
    pub(super) fn light_ran(&mut self, caller: &Caller, now: Instant) {
        if caller.whose == Whose::Server {
            return;
        }
        match &mut self.latest {
            Some((latest, at)) if latest == caller => *at = now,
            _ => self.before = self.latest.replace((caller.clone(), now)).map(|(_, at)| at),
        }
    }

    /// Records how long a piece of heavy work took, with its commit.
    pub(super) fn heavy_ran(&mut self, caller: Caller, took: Duration, now: Instant) {
        self.of_one.retain(|_, until| *until > now);
        self.of_all = Some(now + took * OF_ALL);
        self.of_one.insert(caller, now + took * OF_ONE);
    }

    /// Whether no other caller does light work.
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
