//! Leases: how long what a client was told is there stays there, also if nothing holds it.
//!
//! A lease is renewed by every answer that a client relies on (201, HEAD 200, a mount, a manifest that
//! references it) and when the hold on something ends. Collection takes only what nothing holds and
//! whose lease is over, both looked at in the transaction that removes it.

use std::time::Duration;

use crate::registry_login;
use crate::time::Time;

/// How long unregistered content is kept, if the operator does not say otherwise.
pub const GRACE: Duration = Duration::from_hours(24);

/// Below this, a login that is still live could have been told to skip what is then collected.
pub const SAFE_GRACE: Duration = registry_login::LIFETIME;

/// A lease younger than this is not renewed, so that asking writes once an hour at most.
const RENEWAL: Duration = Duration::from_hours(1);

/// The terms on which content is leased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leases {
    /// How long a lease lasts at the least.
    pub grace: Duration,
}

impl Default for Leases {
    fn default() -> Self {
        Self { grace: GRACE }
    }
}

impl Leases {
    /// What an answer at `now` does to the lease of what it tells of.
    pub fn renewal(self, now: Time) -> Renewal {
        Renewal { now, stale: now.minus(self.slack()) }
    }

    /// At `now`, a lease taken at this moment or before is over. It lasts longer than the grace period
    /// by as much as it may have been older than the last answer that relied on it.
    pub fn over(self, now: Time) -> Time {
        now.minus(self.grace).minus(self.slack())
    }

    fn slack(self) -> Duration {
        RENEWAL.min(self.grace / 8)
    }
}

/// The renewal of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// When, by the steady time.
    pub now: Time,
    /// A lease taken later than this stays as it is.
    pub stale: Time,
}

impl Renewal {
    /// One that renews whatever is older.
    pub fn at(now: Time) -> Self {
        Self { now, stale: now }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_answered_within_the_grace_period_is_never_over() {
        for grace in [Duration::from_secs(2), GRACE, 30 * GRACE] {
            let leases = Leases { grace };
            let answered = Time(1_800_000_000_000);
            // The oldest lease that an answer at this moment leaves as it is.
            let lease = leases.renewal(answered).stale.plus(Duration::from_millis(1));
            assert!(lease > leases.over(answered.plus(grace)), "{grace:?}");
            assert!(lease <= leases.over(answered.plus(grace + RENEWAL)), "{grace:?}");
        }
    }
}
