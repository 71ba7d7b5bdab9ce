//! The identity of a database, and the signs that an older state of it has come back.

use std::fmt;

/// The owner of the bytes in a bucket. The database and the bucket both store it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// A random number. A copy of the database has the same number.
    pub cluster: i64,
    /// Zero at first. A copy that takes the place of the database gets a random number here.
    pub incarnation: i64,
}

impl Identity {
    /// The identity of a new database.
    pub fn new() -> Self {
        Self { cluster: random(), incarnation: 0 }
    }

    /// This cluster, in a new incarnation.
    #[must_use]
    pub fn restored(self) -> Self {
        Self { incarnation: random(), ..self }
    }
}

impl Default for Identity {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.cluster)
    }
}

/// The server and the history of a database. At least one of the numbers changes when an older state may have
/// replaced the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// The database server. A restored base backup keeps the number.
    pub system: i64,
    /// The timeline of the server's log. A standby that takes over begins a new timeline. A restore to a point
    /// in time also begins one.
    pub timeline: i64,
    /// The number of a table. A table that was restored from a dump has a new number.
    pub table: i64,
}

/// A random number that is not negative.
fn random() -> i64 {
    let (_, random) = uuid::Uuid::new_v4().as_u64_pair();
    (random & u64::MAX >> 1).cast_signed()
}
