//! Leases: how long unreferenced content stays after a client was told that it exists.
//!
//! A lease is renewed by every answer that a client relies on: a 201, a HEAD with 200, a mount, a manifest that
//! references the content. It is also renewed when the last reference to the content is removed. Collection removes
//! only content without references whose lease is over. Both are checked in the transaction that removes it.

use std::time::Duration;

use crate::registry_login;
use crate::time::Time;

/// The default grace period, for which unreferenced content is kept.
pub const GRACE: Duration = Duration::from_hours(24);

/// With a shorter grace period, a client could be told to skip a blob that is collected while the client's
/// login still lives.
pub const SAFE_GRACE: Duration = registry_login::LIFETIME;

/// A lease younger than this is not renewed, so that questions cause at most one write in an hour.
const RENEWAL: Duration = Duration::from_hours(1);

/// The terms of leases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leases {
    /// The shortest life of a lease.
    pub grace: Duration,
}

impl Default for Leases {
    fn default() -> Self {
        Self { grace: GRACE }
    }
}

impl Leases {
    /// The renewal that an answer at `now` makes.
    pub fn renewal(self, now: Time) -> Renewal {
        Renewal { now, stale: now.minus(self.slack()) }
    }

    /// The cutoff at `now`: a lease taken at this time or before is over. It lies further back than the grace period,
    /// because a lease may be older than the last answer that relied on it.
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
    /// The steady time of the renewal.
    pub now: Time,
    /// A lease taken later than this stays as it is.
    pub stale: Time,
}

impl Renewal {
    /// A renewal of every older lease.
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
            // The oldest lease that an answer at this time leaves unchanged.
            let lease = leases.renewal(answered).stale.plus(Duration::from_millis(1));
            assert!(lease > leases.over(answered.plus(grace)), "{grace:?}");
            assert!(lease <= leases.over(answered.plus(grace + RENEWAL)), "{grace:?}");
        }
    }
}
