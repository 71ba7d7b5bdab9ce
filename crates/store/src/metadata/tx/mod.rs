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
pub(crate) use row::{Cell, Cells, DigestText, FromCell, Row};
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

/// Takes the rows of several queries, each with the number of the query and the number of its run, from 0.
pub(crate) type ReadAll<'r> = &'r mut dyn FnMut(usize, usize, &Row<'_>) -> Result<()>;

/// The number of a query that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(pub(crate) usize);

/// A query that may be on its way. Its answer is read with [`find`](Asked::find) or [`all`](Asked::all). Until
/// then, the rule must not change anything that the query reads, because an engine may run the query only when
/// its answer is read.
pub(crate) struct Asked<'a, T> {
    query: Query<'a, T>,
    lock: Option<(Level, Lock)>,
    ticket: Option<Ticket>,
}

impl<T> Asked<'_, T> {
    /// All rows.
    pub(crate) fn all(self, tx: &dyn Tx) -> Result<Vec<T>> {
        let Query { text, values, read } = &self.query;
        let mut found = Vec::new();
        let mut keep = |row: &Row<'_>| {
            found.push(read(row)?);
            Ok(())
        };
        match (self.ticket, self.lock) {
            (Some(ticket), _) => tx.answer(ticket, &mut keep)?,
            (None, None) => tx.query(text, values, &mut keep)?,
            (None, Some(locking)) => {
                tx.lock_each(locking, text, values.len(), values, &mut |_, row| keep(row))?;
            }
        }
        Ok(found)
    }

    /// The first row.
    pub(crate) fn find(self, tx: &dyn Tx) -> Result<Option<T>> {
        Ok(self.all(tx)?.into_iter().next())
    }

    /// The row of a query that always finds one.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if it finds none.
    pub(crate) fn one(self, tx: &dyn Tx) -> Result<T> {
        self.find(tx)?.ok_or_else(missing)
    }
}

/// A query that runs for each of many keys and may be on its way, like [`Asked`].
pub(crate) struct AskedEach<'a, const N: usize, T> {
    text: &'a str,
    keys: Vec<[Value<'a>; N]>,
    read: fn(&Row<'_>) -> Result<T>,
    tickets: Vec<Ticket>,
}

impl<const N: usize, T> AskedEach<'_, N, T> {
    /// The last row for each key.
    pub(crate) fn find(self, tx: &dyn Tx) -> Result<Vec<Option<T>>> {
        if self.tickets.is_empty() {
            return tx.find_each(self.text, self.keys, self.read);
        }
        let found = self.tickets.into_iter().map(|ticket| {
            let mut last = None;
            tx.answer(ticket, &mut |row| {
                last = Some((self.read)(row)?);
                Ok(())
            })?;
            Ok(last)
        });
        found.collect()
    }
}

fn missing() -> StoreError {
    StoreError::damaged("a row is missing")
}

/// A transaction. Engines implement these methods. Rules use the methods of `dyn Tx` below.
pub(crate) trait Tx {
    /// The SQL dialect of the database.
    fn dialect(&self) -> Dialect;

    /// Runs a query.
    fn query(&self, text: &str, values: &[Value<'_>], read: Read<'_>) -> Result<()>;

    /// Runs a query once for every `width` values, in one round trip.
    fn query_each(&self, text: &str, width: usize, values: &[Value<'_>], read: ReadEach<'_>) -> Result<()>;

    /// Runs several queries, each once for every `width` values, in one round trip. All rows of one text come
    /// before the rows of the next text.
    fn query_all(&self, texts: &[&str], width: usize, values: &[Value<'_>], read: ReadAll<'_>) -> Result<()> {
        texts.iter().enumerate().try_for_each(|(text, query)| {
            self.query_each(query, width, values, &mut |at, row| read(text, at, row))
        })
    }

    /// Runs a statement; returns how many rows it changed.
    fn execute(&self, text: &str, values: &[Value<'_>]) -> Result<u64>;

    /// Runs a statement once for every `width` values, in one round trip; returns how many rows changed.
    fn execute_each(&self, text: &str, width: usize, values: &[Value<'_>]) -> Result<u64>;

    /// Runs a statement whose answer nobody needs. The statement may still run when this function returns. If
    /// it fails, a later statement or the commit fails with its error.
    fn send(&self, text: &str, values: &[Value<'_>]) -> Result<()> {
        self.execute(text, values).map(drop)
    }

    /// Runs a statement once for every `width` values, as [`send`](Self::send) does.
    fn send_each(&self, text: &str, width: usize, values: &[Value<'_>]) -> Result<()> {
        self.execute_each(text, width, values).map(drop)
    }

    /// Whether a statement may refuse a change in place of the rule, by a division by zero. After such a
    /// refusal the rule runs once more. Then this function returns `false`, and the rule finds the reason.
    fn may_refuse(&self) -> bool {
        false
    }

    /// Sends a query whose rows are read later, by [`answer`](Self::answer). `None` if the database is so close
    /// that the query should run only when it is read.
    fn ask(&self, _text: &str, _values: &[Value<'_>]) -> Result<Option<Ticket>> {
        Ok(None)
    }

    /// Reads the rows of a query that was sent.
    fn answer(&self, _ticket: Ticket, _read: Read<'_>) -> Result<()> {
        Err(StoreError::damaged("an answer to no question"))
    }

    /// Sends a query as [`ask`](Self::ask) does, and locks the rows that it finds.
    fn ask_lock(
        &self,
        _locking: (Level, Lock),
        _text: &str,
        _values: &[Value<'_>],
    ) -> Result<Option<Ticket>> {
        Ok(None)
    }

    /// Runs several statements with the same values one after the other, as [`send`](Self::send) does.
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
    /// Makes the commit also wait until the database's copies have all earlier commits.
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
        self.find(query)?.ok_or_else(missing)
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

    /// Sends a query, to read its answer later. Several queries take one round trip together if they are sent
    /// before the first answer is read.
    pub(crate) fn begin<'a, T>(&self, query: Query<'a, T>) -> Result<Asked<'a, T>> {
        let ticket = self.ask(query.text, &query.values)?;
        Ok(Asked { query, lock: None, ticket })
    }

    /// Sends a query for each of many keys, as [`begin`](Self::begin) does.
    pub(crate) fn begin_each<'a, const N: usize, T>(
        &self,
        text: &'a str,
        keys: impl IntoIterator<Item = [Value<'a>; N]>,
        read: fn(&Row<'_>) -> Result<T>,
    ) -> Result<AskedEach<'a, N, T>> {
        let (keys, mut tickets) = (keys.into_iter().collect::<Vec<_>>(), Vec::new());
        for key in &keys {
            let Some(ticket) = self.ask(text, key)? else { break };
            tickets.push(ticket);
        }
        Ok(AskedEach { text, keys, read, tickets })
    }

    /// Sends a query as [`begin`](Self::begin) does, and locks the rows that it finds.
    pub(crate) fn begin_lock<'a, T>(
        &self,
        level: Level,
        lock: Lock,
        query: Query<'a, T>,
    ) -> Result<Asked<'a, T>> {
        let ticket = self.ask_lock((level, lock), query.text, &query.values)?;
        Ok(Asked { query, lock: Some((level, lock)), ticket })
    }

    /// Runs a statement whose answer nobody needs, as [`Tx::send`] does.
    pub(crate) fn post<const N: usize>(&self, text: &str, values: [Value<'_>; N]) -> Result<()> {
        self.send(text, &values)
    }

    /// Runs a statement for each of many keys, as [`Tx::send`] does.
    pub(crate) fn post_each<'v, const N: usize>(
        &self,
        text: &str,
        keys: impl IntoIterator<Item = [Value<'v>; N]>,
    ) -> Result<()> {
        let keys: Vec<[Value<'v>; N]> = keys.into_iter().collect();
        if keys.is_empty() { Ok(()) } else { self.send_each(text, N, keys.as_flattened()) }
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
