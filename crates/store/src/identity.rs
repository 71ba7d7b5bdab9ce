//! Who a database is, and whether it is still the one that it was.

use std::fmt;

/// Who owns the bytes in a bucket. The database and the bucket contain it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// A random number. A copy of the database has the same.
    pub cluster: i64,
    /// Another random number when a copy takes the place of the database; 0 before that.
    pub incarnation: i64,
}

impl Identity {
    /// The identity of a new database.
    pub fn new() -> Self {
        Self { cluster: random(), incarnation: 0 }
    }

    /// The same cluster, in a new incarnation.
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

/// The server and the history of a database. Each number changes when an older state of the database may have
/// taken its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// The database server. A restored base backup keeps the number.
    pub system: i64,
    /// The timeline of its log. A standby that takes over begins a new one, and so does a restore to a point in
    /// time.
    pub timeline: i64,
    /// The number of a table. Tables from a dump have new ones.
    pub table: i64,
}

/// A random number that is not negative.
fn random() -> i64 {
    let (_, random) = uuid::Uuid::new_v4().as_u64_pair();
    (random & u64::MAX >> 1).cast_signed()
}
