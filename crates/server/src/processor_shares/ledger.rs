//! The processor time that logins have taken lately, and what each may take.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use gangplank_core::LoginId;

use super::metered::Rest;

/// The time over which use is averaged. Older use counts ever less.
const MEMORY: Duration = Duration::from_millis(500);

/// A login without a request for this long does not count any more.
const FORGOTTEN: Duration = Duration::from_secs(2);

/// A login may be ahead of its part by this much processor time, in seconds.
const AHEAD: f64 = 0.02;

/// More than this is never owed, in seconds of processor time. So a login that changes its ways soon rests no more.
const MOST_OWED: f64 = 1.0;

/// The longest rest. After it, the part of the login is worked out anew.
const LONGEST: Duration = Duration::from_millis(100);

/// The use of all logins. Times are those since the start.
#[derive(Default)]
pub(super) struct Ledger {
    logins: HashMap<LoginId, Account>,
    /// The use of all logins together.
    all: Use,
    swept: Duration,
}

/// The account of one login.
struct Account {
    rest: Arc<Rest>,
    used: Use,
    /// The processor time that the login is ahead of its part, in seconds.
    owed: f64,
    /// The processors that the login may take, when it was last worked out.
    part: f64,
}

/// How many processors are used, averaged over [`MEMORY`].
#[derive(Clone, Copy, Default)]
struct Use {
    processors: f64,
    at: Duration,
}

impl Use {
    /// Adds processor time in seconds.
    fn add(&mut self, used: f64, now: Duration) {
        self.processors = self.at(now) + used / MEMORY.as_secs_f64();
        self.at = now.max(self.at);
    }

    fn at(self, now: Duration) -> f64 {
        let age = now.saturating_sub(self.at).as_secs_f64();
        self.processors * (-age / MEMORY.as_secs_f64()).exp()
    }
}

impl Ledger {
    /// The rest of a login.
    pub(super) fn rest_of(&mut self, login: LoginId, now: Duration) -> Arc<Rest> {
        if now.saturating_sub(self.swept) > FORGOTTEN {
            self.swept = now;
            self.logins.retain(|_, account| {
                Arc::strong_count(&account.rest) > 1 || now.saturating_sub(account.used.at) < FORGOTTEN
            });
        }
        Arc::clone(&self.account(login, now).rest)
    }

    /// How many logins have had requests lately.
    pub(super) fn logins(&self) -> usize {
        self.logins.len()
    }

    /// Adds processor time that a login has taken, in seconds. Returns how long the login should rest, if it is ahead
    /// of its part.
    pub(super) fn charge(&mut self, login: LoginId, used: f64, now: Duration) -> Option<Duration> {
        self.all.add(used, now);
        let (all, logins) = (self.all.processors, self.logins.len().max(1));
        let account = self.account(login, now);
        let since = now.saturating_sub(account.used.at).as_secs_f64();
        account.owed = ((account.owed - since * account.part).max(0.0) + used).min(MOST_OWED);
        account.used.add(used, now);
        // The others may take twice of what they take now. So they can grow until each login has an equal part, and
        // a login beside idle ones loses little.
        let others = (all - account.used.processors).max(0.0);
        let equal = all / f64::from(u32::try_from(logins).unwrap_or(u32::MAX));
        account.part = equal.max(all - 2.0 * others);
        let ahead = account.owed - AHEAD;
        if logins == 1 || ahead <= 0.0 {
            return None;
        }
        Some(Duration::try_from_secs_f64(ahead / account.part).unwrap_or(LONGEST).min(LONGEST))
    }

    /// Forgets what a login owes.
    pub(super) fn forgive(&mut self, login: LoginId) {
        if let Some(account) = self.logins.get_mut(&login) {
            account.owed = 0.0;
        }
    }

    fn account(&mut self, login: LoginId, now: Duration) -> &mut Account {
        self.logins.entry(login).or_insert_with(|| Account {
            rest: Arc::default(),
            used: Use { processors: 0.0, at: now },
            owed: 0.0,
            part: 0.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(1);

    /// A login that always has this many requests, but for `idle` ticks after each tick in which it has them.
    struct Sender {
        requests: f64,
        idle: u32,
        resting: Duration,
        had: f64,
    }

    fn busy(requests: f64) -> Sender {
        Sender { requests, idle: 0, resting: Duration::ZERO, had: 0.0 }
    }

    /// Lets one processor serve all requests alike for ten seconds. Returns the part of it that each sender had in the
    /// last five.
    fn serve<const N: usize>(mut senders: [Sender; N]) -> [f64; N] {
        let mut ledger = Ledger::default();
        let (mut busy, mut is_pressed) = (0, false);
        for tick in 0..10_000 {
            let now = TICK * tick;
            if tick % 100 == 0 {
                (busy, is_pressed) = (0, busy >= 90);
            }
            let wants = |sender: &Sender| sender.resting <= now && tick % (sender.idle + 1) == 0;
            let waiting: f64 = senders.iter().filter(|it| wants(it)).map(|it| it.requests).sum();
            busy += u32::from(waiting > 0.0);
            for (login, sender) in (0..).map(LoginId).zip(&mut senders).filter(|(_, it)| wants(it)) {
                let used = TICK.as_secs_f64() * (sender.requests / waiting);
                let _rest = ledger.rest_of(login, now);
                match ledger.charge(login, used, now) {
                    Some(rest) if is_pressed => sender.resting = now + rest,
                    Some(_) => ledger.forgive(login),
                    None => {}
                }
                sender.had += if tick < 5_000 { 0.0 } else { used };
            }
        }
        senders.map(|sender| sender.had / 5.0)
    }

    #[test]
    fn a_login_alone_never_rests() {
        let [had] = serve([busy(50.0)]);
        assert!(had > 0.999, "{had}");
    }

    #[test]
    fn all_that_want_more_get_equal_parts() {
        let had = serve([busy(50.0), busy(2.0), busy(2.0), busy(1.0)]);
        assert!(had.iter().all(|had| (0.2..0.32).contains(had)), "{had:?}");
    }

    #[test]
    fn beside_idle_logins_a_busy_one_keeps_nearly_all() {
        let idle = || Sender { idle: 99, ..busy(1.0) };
        let [had, ..] = serve([busy(50.0), idle(), idle(), idle(), idle()]);
        assert!(had > 0.9, "{had}");
    }

    #[test]
    fn logins_that_have_left_are_forgotten() {
        let mut ledger = Ledger::default();
        let kept = ledger.rest_of(LoginId(1), Duration::ZERO);
        drop(ledger.rest_of(LoginId(2), Duration::ZERO));
        ledger.rest_of(LoginId(3), FORGOTTEN * 2);
        assert!(Arc::ptr_eq(&kept, &ledger.rest_of(LoginId(1), FORGOTTEN * 2)));
        assert_eq!(ledger.logins.len(), 2);
    }
}
