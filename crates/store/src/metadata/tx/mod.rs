//! What a rule of the store runs in: a transaction of whichever database keeps the rows.
//!
//! A rule is a function of a [`Tx`] and of its input, which it takes by reference: an engine may run it again when the
//! database asks for that. It locks first, in the order of [`Level`], and then reads and writes. One text of SQL serves
//! all engines: parameters are `?1`, `?2`, ...; the target of `ON CONFLICT` is named; `CROSS JOIN`, whose conditions
//! stand in `WHERE`, fixes the order of a search where the planner of SQLite would guess.

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

/// Which SQL a database speaks, for the few statements of which there are two texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// Takes the rows that a query finds, one after the other. It must not use the transaction meanwhile.
pub(crate) type Read<'r> = &'r mut dyn FnMut(&Row<'_>) -> Result<()>;

/// The same of a query that is asked many times: with the number of the time.
pub(crate) type ReadEach<'r> = &'r mut dyn FnMut(usize, &Row<'_>) -> Result<()>;

/// A transaction. Engines implement these methods; rules use those of `dyn Tx` below.
pub(crate) trait Tx {
    /// Which SQL the database speaks.
    fn dialect(&self) -> Dialect;

    /// Runs a query.
    fn query(&self, text: &str, values: &[Value<'_>], read: Read<'_>) -> Result<()>;

    /// Runs a query once for every `width` values, in one round trip.
    fn query_each(&self, text: &str, width: usize, values: &[Value<'_>], read: ReadEach<'_>) -> Result<()>;

    /// Runs a statement. Says how many rows it changed.
    fn execute(&self, text: &str, values: &[Value<'_>]) -> Result<u64>;

    /// Runs a statement once for every `width` values, in one round trip. Says how many rows they changed.
    fn execute_each(&self, text: &str, width: usize, values: &[Value<'_>]) -> Result<u64>;

    /// Runs a query once for every `width` values, in one round trip, and locks the rows of a level that it finds.
    fn lock_each(
        &self,
        locking: (Level, Lock),
        text: &str,
        width: usize,
        values: &[Value<'_>],
        read: ReadEach<'_>,
    ) -> Result<()>;

    /// Locks something that has no row, until the end of the transaction.
    fn lock_named(&self, name: Named<'_>) -> Result<()>;

    /// The steady time: `now`, or, where many processes share the database, the time that its row says.
    fn steady(&self, now: Time) -> Result<Time>;
}

impl dyn Tx + '_ {
    /// The row that a query finds, if it finds one.
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

    /// What a query finds for each of many keys, if it finds something. One round trip.
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

    /// Runs a statement. Says how many rows it changed.
    pub(crate) fn run<const N: usize>(&self, text: &str, values: [Value<'_>; N]) -> Result<u64> {
        self.execute(text, &values)
    }

    /// Runs a statement for each of many keys. One round trip. Says how many rows they changed.
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

    /// Locks the rows that a query finds, and returns them as they are then. The query reads one table, so that it is
    /// plain which rows are locked; conditions may ask others.
    pub(crate) fn lock<T>(&self, level: Level, lock: Lock, query: &Query<'_, T>) -> Result<Vec<T>> {
        let mut found = Vec::new();
        self.lock_each((level, lock), query.text, query.values.len(), &query.values, &mut |_, row| {
            found.push((query.read)(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// The same of a query that finds one row at most.
    pub(crate) fn lock_one<T>(&self, level: Level, lock: Lock, query: &Query<'_, T>) -> Result<Option<T>> {
        Ok(self.lock(level, lock, query)?.into_iter().next())
    }
}
