//! Reads that may take longer than a few milliseconds: lists, pages of the audit trail, checks of everything. They take
//! turns ([`Turns`]).

use rusqlite::Connection;

use super::Embedded;
use super::writer::Whose;
use crate::Result;
use crate::turns::Turns;

/// So many names take a fraction of a millisecond.
const SHORT: usize = 1_001;

/// Whose turn it is.
pub(super) type LongReads = Turns<Whose>;

impl Embedded {
    /// Reads a page of names: a short one where it is asked for, which is cheaper than to hand it over.
    pub(super) async fn read_page<T, F>(&self, whose: Whose, limit: usize, query: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        if limit <= SHORT { self.read(query) } else { self.read_long(whose, query).await }
    }

    /// Runs statements in one read transaction that may take long.
    pub(super) async fn read_long<T, F>(&self, whose: Whose, query: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let database = self.clone();
        self.long_reads.run(whose, move || database.read(query)).await
    }
}
