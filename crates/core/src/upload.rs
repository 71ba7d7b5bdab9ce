//! Upload sessions: the offset of the next byte, and the end of a session.

use std::time::Duration;

use crate::quotas::half;
use crate::time::Time;

/// If an account has reached its limit of sessions, its oldest session that got no byte for this long may be
/// ended.
pub const GIVES_WAY_AFTER: Duration = Duration::from_mins(1);

/// The longest lives of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// A session without any byte for this long is over.
    pub idle: Duration,
    /// A session older than this is over.
    pub absolute: Duration,
}

impl Default for Lifetime {
    fn default() -> Self {
        Self { idle: Duration::from_hours(1), absolute: Duration::from_hours(24) }
    }
}

impl Lifetime {
    /// Whether a session is over at `now`. It was opened at `created`, and got its last byte at `touched`.
    ///
    /// If the clock was set back, sessions become no older, so none ends.
    pub fn is_over(self, created: Time, touched: Time, now: Time) -> bool {
        touched <= now.minus(self.idle) || created <= now.minus(self.absolute)
    }
}

/// The numbers of open sessions, before another one is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenSessions {
    /// The open sessions of the account, in all its regions.
    pub of_account: u64,
    /// The account's open sessions that got their last byte from the same login.
    pub of_login: u64,
}

/// Whether another session may be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// A session may be opened.
    Free,
    /// A session may be opened if another session of the same login is ended.
    InPlaceOfLogins,
    /// A session may be opened if another session of the account is ended.
    InPlaceOfAccounts,
}

impl OpenSessions {
    /// Decides about another session. The account may have `quota` sessions, and one login half of them, so
    /// that no login uses up all of them.
    pub fn admit(self, quota: u32) -> Opening {
        if self.of_login >= u64::from(half(quota)) {
            Opening::InPlaceOfLogins
        } else if self.of_account >= u64::from(quota) {
            Opening::InPlaceOfAccounts
        } else {
            Opening::Free
        }
    }
}

/// The reason for which a chunk is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkRefusal {
    /// It does not start where the last one ended.
    OutOfOrder,
    /// The declared length of the body does not match the range.
    LengthMismatch,
}

/// Checks a chunk `first..=last` with a body of `length` bytes. The session has `received` bytes so far (OCI
/// Distribution, "Pushing a blob in chunks").
///
/// # Errors
/// [`ChunkRefusal`]; the session is unchanged.
pub fn check_chunk(received: u64, first: u64, last: u64, length: Option<u64>) -> Result<(), ChunkRefusal> {
    if first != received {
        return Err(ChunkRefusal::OutOfOrder);
    }
    match (last.checked_sub(first).and_then(|span| span.checked_add(1)), length) {
        (Some(span), Some(length)) if span != length => Err(ChunkRefusal::LengthMismatch),
        (Some(_), _) => Ok(()),
        (None, _) => Err(ChunkRefusal::LengthMismatch),
    }
}

/// Whether the last request of an upload has no bytes, and only repeats the range `first..=last`, which ends
/// where the received bytes end. Some clients give the range of the whole blob.
pub fn repeats(received: u64, first: u64, last: u64, length: Option<u64>) -> bool {
    length == Some(0) && first <= last && last.checked_add(1) == Some(received)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_login_has_half_of_what_its_account_may_have() {
        let admit = |of_account, of_login, quota| OpenSessions { of_account, of_login }.admit(quota);
        assert_eq!(admit(9, 4, 10), Opening::Free);
        assert_eq!(admit(9, 5, 10), Opening::InPlaceOfLogins);
        assert_eq!(admit(10, 4, 10), Opening::InPlaceOfAccounts);
        assert_eq!(admit(10, 5, 10), Opening::InPlaceOfLogins, "its own before others'");
        // Half of a quota of one is rounded up, so a login may have one.
        assert_eq!(admit(0, 0, 1), Opening::Free);
    }

    proptest! {
        #[test]
        fn sessions_that_are_free_to_open_stay_within_the_quota(quota in 1..12u32, logins in proptest::collection::vec(0..3usize, 0..30)) {
            let mut open = [0u64; 3];
            for login in logins {
                let standing = OpenSessions { of_account: open.iter().sum(), of_login: open[login] };
                if standing.admit(quota) == Opening::Free {
                    open[login] += 1;
                }
            }
            prop_assert!(open.iter().sum::<u64>() <= u64::from(quota));
            prop_assert!(open.iter().all(|of_login| *of_login <= u64::from(half(quota))));
        }
    }

    #[test]
    fn a_last_request_may_repeat_what_has_come() {
        assert!(repeats(10, 0, 9, Some(0)) && repeats(10, 5, 9, Some(0)));
        for (received, first, last, length) in [
            (10, 0, 9, Some(10)),
            (10, 0, 9, None),
            (10, 0, 8, Some(0)),
            (10, 0, 10, Some(0)),
            (10, 10, 9, Some(0)),
            (0, 0, u64::MAX, Some(0)),
            (0, 0, 0, Some(0)),
        ] {
            assert!(!repeats(received, first, last, length), "{received} {first}-{last} {length:?}");
        }
    }

    #[test]
    fn chunks_join_end_to_end() {
        assert_eq!(check_chunk(0, 0, 9, Some(10)), Ok(()));
        assert_eq!(check_chunk(10, 10, 10, None), Ok(()));
        assert_eq!(check_chunk(10, 0, 9, Some(10)), Err(ChunkRefusal::OutOfOrder));
        assert_eq!(check_chunk(10, 11, 12, Some(2)), Err(ChunkRefusal::OutOfOrder));
        assert_eq!(check_chunk(0, 0, 9, Some(9)), Err(ChunkRefusal::LengthMismatch));
        assert_eq!(check_chunk(5, 5, 4, Some(0)), Err(ChunkRefusal::LengthMismatch));
        assert_eq!(check_chunk(0, 0, u64::MAX, Some(1)), Err(ChunkRefusal::LengthMismatch));
    }

    #[test]
    fn a_session_ends_by_idleness_or_age_but_not_by_a_clock_set_back() {
        let start = Time(1_700_000_000_000);
        let life = Lifetime::default();
        assert!(!life.is_over(start, start, start.plus(life.idle).minus(Duration::from_millis(1))));
        assert!(life.is_over(start, start, start.plus(life.idle)));
        let late = start.plus(life.absolute);
        assert!(life.is_over(start, late, late));
        assert!(!life.is_over(start, start, Time(0)));
    }
}
