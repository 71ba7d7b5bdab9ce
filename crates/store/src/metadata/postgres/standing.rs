//! Whether this process may serve: whether it reaches the database, has about the same time, and knows the tables.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::schema::VERSION;

/// Clocks that differ by more are logged. Logins end by the clock of the process.
const REMARKABLE: i64 = 1_000;

/// A process whose clock differs by more, in milliseconds, gets no requests.
const TOO_MUCH: i64 = 60_000;

/// How often the log says that the clocks differ.
const TOLD: Duration = Duration::from_mins(1);

/// A reason why a process should get no requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The database has been out of reach for some time.
    OutOfReach,
    /// The clock is wrong. The value is the number of milliseconds by which the database's clock is ahead.
    Clock(i64),
    /// The tables have been changed for later versions of the program. The value is the oldest schema of these
    /// programs.
    Schema(i64),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfReach => f.write_str("the database is out of reach"),
            Self::Clock(ahead) => {
                let (seconds, how) = (ahead.abs() / 1_000, if *ahead > 0 { "behind" } else { "ahead of" });
                write!(f, "the clock of this machine is {seconds} s {how} the database's; set it right")
            }
            Self::Schema(oldest) => write!(
                f,
                "the database is for programs of schema {oldest} and later, and this one knows schema {VERSION}; upgrade it"
            ),
        }
    }
}

/// The last readings about this process: its clock, and the tables.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// By how many milliseconds the clock of the database is ahead of the clock of this machine.
    clock_ahead: AtomicI64,
    /// The oldest schema of programs that may use the tables.
    oldest: AtomicI64,
    told: Mutex<Option<Instant>>,
}

impl Standing {
    /// Records a reading: the oldest schema and the time in milliseconds that it gave, and when it was asked
    /// for and answered by this machine's clock.
    pub(super) fn note(&self, oldest: i64, time: i64, asked: SystemTime, answered: SystemTime) {
        self.oldest.store(oldest, Ordering::Release);
        let ahead = ahead(time, milliseconds(asked), milliseconds(answered));
        self.clock_ahead.store(ahead, Ordering::Release);
        self.tell(ahead);
    }

    /// By how many milliseconds the database's clock is ahead, at least; negative if it is behind.
    pub(super) fn clock_ahead(&self) -> i64 {
        self.clock_ahead.load(Ordering::Acquire)
    }

    /// Why this process should get no requests, according to the last readings.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        let (ahead, oldest) = (self.clock_ahead(), self.oldest.load(Ordering::Acquire));
        if oldest > VERSION {
            Some(Trouble::Schema(oldest))
        } else if ahead.abs() > TOO_MUCH {
            Some(Trouble::Clock(ahead))
        } else {
            None
        }
    }

    fn tell(&self, ahead: i64) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if ahead.abs() <= REMARKABLE {
            if told.take().is_some() {
                tracing::info!("the clock of this machine agrees with the database's again");
            }
        } else if told.is_none_or(|at| at.elapsed() >= TOLD) {
            *told = Some(Instant::now());
            tracing::warn!(
                database_ahead_ms = ahead,
                "the clock of this machine and the database's differ: logins end too early or too late; is the time \
                 of both machines synchronized?"
            );
        }
    }
}

/// Another clock showed a time between `asked` and `answered` when this one showed `time`. Returns by how much
/// this clock is ahead, at least.
fn ahead(time: i64, asked: i64, answered: i64) -> i64 {
    match (time - answered, time - asked) {
        (least @ 1.., _) => least,
        (_, most @ ..0) => most,
        _ => 0,
    }
}

fn milliseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_answer_is_no_difference_of_clocks() {
        assert_eq!(ahead(1_500, 1_000, 2_000), 0);
        assert_eq!(ahead(5_000, 1_000, 2_000), 3_000);
        assert_eq!(ahead(400, 1_000, 2_000), -600);
    }

    #[test]
    fn a_wrong_clock_and_a_later_schema_are_trouble() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let standing = Standing::default();
        standing.note(VERSION, 1_000_000, at(1_000), at(1_000));
        assert_eq!(standing.trouble(), None);
        standing.note(VERSION, 1_000_000, at(1_060), at(1_060));
        assert_eq!(standing.trouble(), None);
        standing.note(VERSION, 1_000_000, at(1_061), at(1_061));
        assert_eq!(standing.trouble(), Some(Trouble::Clock(-61_000)));
        assert!(Trouble::Clock(-61_000).to_string().contains("61 s ahead of"));
        standing.note(VERSION + 1, 1_000_000, at(1_000), at(1_000));
        assert_eq!(standing.trouble(), Some(Trouble::Schema(VERSION + 1)));
    }
}
