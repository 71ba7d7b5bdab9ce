//! The transaction in which a rule of the store runs, on any database.
//!
//! A rule is a function of a [`Tx`] and its input. It takes the input by reference, because an engine may run
//! it again. It first takes its locks, in the order of [`Level`]. Then it reads and writes. The same SQL text
//! serves all engines. Parameters are `?1`, `?2`, ... The target of `ON CONFLICT` is named. `CROSS JOIN` with
//! its conditions in `WHERE` fixes the order of a search, where the planner of SQLite would guess.

mod lock;
mod query;
mod row;
mod value;

pub(crate) use lock::{Level, Lock, Named};
pub(crate) use query::Query;
pub(crate) use row::{Cell, Cells, FromCell, Row};
pub(crate) use value::{Kind, Value, values};

use gangplank_core::Time;

use crate::{Result, StoreError};

/// The SQL dialect of a database, for the few statements with two texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// Takes the rows of a query, one by one. The function must not use the transaction.
pub(crate) type Read<'r> = &'r mut dyn FnMut(&Row<'_>) -> Result<()>;

/// Takes the rows of a query that runs several times, each with the number of the run, from 0.
pub(crate) type ReadEach<'r> = &'r mut dyn FnMut(usize, &Row<'_>) -> Result<()>;

/// A transaction. Engines implement these methods. Rules use the methods of `dyn Tx` below.
pub(crate) trait Tx {
    /// The SQL dialect of the database.
    fn dialect(&self) -> Dialect;

    /// Runs a query.
    fn query(&self, text: &str, values: &[Value<'_>], read: Read<'_>) -> Result<()>;

    /// Runs a query once for every `width` values, in one round trip.
    fn query_each(&self, text: &str, width: usize, values: &[Value<'_>], read: ReadEach<'_>) -> Result<()>;

    /// Runs a statement; returns how many rows it changed.
    fn execute(&self, text: &str, values: &[Value<'_>]) -> Result<u64>;

    /// Runs a statement once for every `width` values, in one round trip; returns how many rows changed.
    fn execute_each(&self, text: &str, width: usize, values: &[Value<'_>]) -> Result<u64>;

    /// Runs several statements with the same values one after the other, in one round trip.
    fn execute_all(&self, texts: &[&str], values: &[Value<'_>]) -> Result<()>;

    /// Runs a query once for every `width` values, in one round trip, and locks the rows that it finds.
    fn lock_each(
        &self,
        locking: (Level, Lock),
        text: &str,
        width: usize,
        values: &[Value<'_>],
        read: ReadEach<'_>,
    ) -> Result<()>;

    /// Locks the rows that a query finds, for a rule that needs nothing else of them.
    fn lock_only(&self, locking: (Level, Lock), text: &str, values: &[Value<'_>]) -> Result<()> {
        self.lock_each(locking, text, values.len(), values, &mut |_, _| Ok(()))
    }

    /// Locks a thing without a row, until the end of the transaction.
    fn lock_named(&self, name: Named<'_>) -> Result<()>;

    /// The steady time. This is `now`, or the time in the database if several processes share it.
    fn steady(&self, now: Time) -> Result<Time>;
}

/// A statement that makes the commit wait until the database's synchronous copies have all earlier commits.
/// Without it, the commit of a transaction that writes nothing would not wait.
pub(crate) const REACH_COPIES: &str = "SELECT pg_logical_emit_message(true, 'gangplank', '') IS NOT NULL";

impl dyn Tx + '_ {
    /// Makes the commit wait for the copies of what was committed earlier, too.
    pub(crate) fn reach_copies(&self) -> Result<()> {
        match self.dialect() {
            Dialect::Sqlite => Ok(()),
            Dialect::Postgres => self.query(REACH_COPIES, &[], &mut |_| Ok(())),
        }
    }

    /// The first row that a query finds.
    pub(crate) fn find<T>(&self, query: &Query<'_, T>) -> Result<Option<T>> {
        let mut found = None;
        self.query(query.text, &query.values, &mut |row| {
            if found.is_none() {
                found = Some((query.read)(row)?);
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// The row of a query that always finds one, such as a count.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if it finds none.
    pub(crate) fn one<T>(&self, query: &Query<'_, T>) -> Result<T> {
        self.find(query)?.ok_or_else(|| StoreError::damaged("a row is missing"))
    }

    /// All rows that a query finds.
    pub(crate) fn all<T>(&self, query: &Query<'_, T>) -> Result<Vec<T>> {
        let mut found = Vec::new();
        self.query(query.text, &query.values, &mut |row| {
            found.push((query.read)(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// For each of many keys, the last row that a query finds. One round trip.
    pub(crate) fn find_each<'v, const N: usize, T>(
        &self,
        text: &str,
        keys: impl IntoIterator<Item = [Value<'v>; N]>,
        read: fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<Option<T>>> {
        let keys: Vec<[Value<'v>; N]> = keys.into_iter().collect();
        let mut found: Vec<Option<T>> = keys.iter().map(|_| None).collect();
        if keys.is_empty() {
            return Ok(found);
        }
        self.query_each(text, N, keys.as_flattened(), &mut |at, row| {
            found[at] = Some(read(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// Runs a statement; returns how many rows it changed.
    pub(crate) fn run<const N: usize>(&self, text: &str, values: [Value<'_>; N]) -> Result<u64> {
        self.execute(text, &values)
    }

    /// Runs a statement for each of many keys, in one round trip; returns how many rows changed.
    pub(crate) fn each<'v, const N: usize>(
        &self,
        text: &str,
        keys: impl IntoIterator<Item = [Value<'v>; N]>,
    ) -> Result<u64> {
        let keys: Vec<[Value<'v>; N]> = keys.into_iter().collect();
        if keys.is_empty() {
            return Ok(0);
        }
        self.execute_each(text, N, keys.as_flattened())
    }

    /// Locks the rows that a query finds, and returns them as they are under the lock. The query reads a single
    /// table, so that the locked rows are obvious. Its conditions may read other tables.
    pub(crate) fn lock<T>(&self, level: Level, lock: Lock, query: &Query<'_, T>) -> Result<Vec<T>> {
        let mut found = Vec::new();
        self.lock_each((level, lock), query.text, query.values.len(), &query.values, &mut |_, row| {
            found.push((query.read)(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// Locks as [`lock`](Self::lock) does, for a rule that does not need the rows.
    pub(crate) fn hold(&self, level: Level, lock: Lock, text: &str, values: &[Value<'_>]) -> Result<()> {
        self.lock_only((level, lock), text, values)
    }

    /// Locks as [`lock`](Self::lock) does, for a query that finds at most one row.
    pub(crate) fn lock_one<T>(&self, level: Level, lock: Lock, query: &Query<'_, T>) -> Result<Option<T>> {
        Ok(self.lock(level, lock, query)?.into_iter().next())
    }
}
