//! A transaction of PostgreSQL, for rules.

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

use futures_util::future::try_join_all;
use gangplank_core::Time;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use super::connection::{Begun, Connection, Isolation, Open};
use super::errors;
use super::resolve::Lost;
use crate::metadata::engine::{Takes, Tells, Terms};
use crate::metadata::patience::{RESERVE, left};
use crate::metadata::tx::{Dialect, Level, Lock, Named, Query, Read, ReadEach, Row, Tx, Value, values};
use crate::{Result, StoreError};

/// After this time without an answer, the connection is given up. The server's limits usually end a statement
/// earlier.
const DEADLINE: Duration = Duration::from_secs(20);

/// This limit is for a commit. It is less than the server's limit for a statement: a commit that waits for a
/// copy of the database must not be cancelled, because it would then become visible although a failover may
/// lose it.
const COMMIT: Duration = Duration::from_secs(10);

/// A commit gets at least this much time, if all before took long.
const SHORT: Duration = Duration::from_secs(1);

/// How many statements are sent before their answers are read.
const AT_ONCE: usize = 500;

/// The open transaction of a connection.
pub(super) struct Transaction<'c> {
    open: &'c Open,
    handle: &'c Handle,
    isolation: Isolation,
    begun: Begun,
    /// The time after which no statement may begin or continue.
    until: Option<Instant>,
    /// Whether a statement has failed. After that PostgreSQL runs no other statement, and COMMIT rolls back
    /// without an error.
    has_failed: Cell<bool>,
}

/// The outcome of a commit.
pub(super) enum Ended {
    /// It happened.
    Committed,
    /// The connection was lost meanwhile: it may have happened.
    Unknown(Lost),
    /// It happened, but the server gave up waiting for a copy of the database. A failover may lose it.
    WithoutCopy,
}

impl<'c> Transaction<'c> {
    pub(super) fn begin(
        connection: &'c mut Connection,
        handle: &'c Handle,
        isolation: Isolation,
        until: Option<Instant>,
    ) -> Result<Self> {
        let open = &connection.open;
        // The remaining time is for finding out the outcome of a commit.
        let until = until.and_then(|until| until.checked_sub(RESERVE));
        let has_failed = Cell::new(false);
        let mut begun = Self { open, handle, isolation, begun: Begun::default(), until, has_failed };
        begun.begun = begun.wait(open.begin(isolation))?;
        Ok(begun)
    }

    /// Waits for an answer. If none comes, the state of the connection is unknown, so it is given up.
    fn wait<T>(&self, answer: impl Future<Output = Result<T>>) -> Result<T> {
        let time = left(self.until, DEADLINE);
        let answer = self.handle.block_on(self.open.within(time, answer));
        self.has_failed.set(self.has_failed.get() || answer.is_err());
        answer
    }

    /// Advances the numbers by which other processes notice what a rule has changed.
    pub(super) fn note(&self, terms: &Terms) -> Result<()> {
        let text = match (terms.takes, terms.tells) {
            (Takes::Rights, Tells::Runners) => {
                "UPDATE cluster SET generation = generation + 1, running = running + 1"
            }
            (Takes::Rights, Tells::Nobody) => "UPDATE cluster SET generation = generation + 1",
            (Takes::Nothing, Tells::Runners) => "UPDATE cluster SET running = running + 1",
            (Takes::Nothing, Tells::Nobody) => return Ok(()),
        };
        self.execute(text, &[]).map(drop)
    }

    /// Ends a transaction that has only read.
    pub(super) fn end(self) -> Result<()> {
        match self.isolation {
            Isolation::Statement => Ok(()),
            _ => {
                self.wait(async { self.open.order("COMMIT").await.map_err(|error| errors::explain(&error)) })
            }
        }
    }

    /// Rolls the transaction back.
    pub(super) fn roll_back(self) {
        if self.open.is_lost() {
            // The transaction ends with its connection. Nobody waits for this end.
            return;
        }
        let ended =
            self.wait(async { self.open.order("ROLLBACK").await.map_err(|error| errors::explain(&error)) });
        if ended.is_err() {
            self.open.give_up();
        }
    }

    /// Commits.
    pub(super) fn commit(self) -> Result<Ended> {
        if self.has_failed.get() {
            self.roll_back();
            return Err(StoreError::unavailable("a statement had failed before the commit"));
        }
        let time = left(self.until, COMMIT).max(SHORT);
        self.open.was_warned();
        match self.handle.block_on(async { timeout(time, self.open.order("COMMIT")).await }) {
            Ok(Ok(())) if self.open.was_warned() => Ok(Ended::WithoutCopy),
            Ok(Ok(())) => Ok(Ended::Committed),
            Ok(Err(error)) if !errors::is_its_end(&error) => Err(errors::explain(&error)),
            // There was no answer, or one that leaves the outcome open.
            _ => {
                self.open.give_up();
                Ok(Ended::Unknown(Lost { number: self.begun.number, timeline: self.begun.timeline }))
            }
        }
    }
}

impl Tx for Transaction<'_> {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn query(&self, text: &str, values: &[Value<'_>], read: Read<'_>) -> Result<()> {
        let rows = self.wait(self.open.query(text, values))?;
        rows.iter().try_for_each(|row| read(&Row::new(row)))
    }

    fn query_each(&self, text: &str, width: usize, values: &[Value<'_>], read: ReadEach<'_>) -> Result<()> {
        for (part, values) in values.chunks(width * AT_ONCE).enumerate() {
            // The statements of one part take one round trip together.
            let answers = try_join_all(values.chunks(width).map(|values| self.open.query(text, values)));
            for (at, rows) in self.wait(answers)?.iter().enumerate() {
                rows.iter().try_for_each(|row| read(part * AT_ONCE + at, &Row::new(row)))?;
            }
        }
        Ok(())
    }

    fn execute(&self, text: &str, values: &[Value<'_>]) -> Result<u64> {
        self.wait(self.open.execute(text, values))
    }

    fn execute_each(&self, text: &str, width: usize, values: &[Value<'_>]) -> Result<u64> {
        let mut changed = 0;
        for values in values.chunks(width * AT_ONCE) {
            let answers = try_join_all(values.chunks(width).map(|values| self.open.execute(text, values)));
            changed += self.wait(answers)?.iter().sum::<u64>();
        }
        Ok(changed)
    }

    fn execute_all(&self, texts: &[&str], values: &[Value<'_>]) -> Result<()> {
        self.wait(self.open.execute_all(texts, values))
    }

    fn lock_each(
        &self,
        (_, lock): (Level, Lock),
        text: &str,
        width: usize,
        values: &[Value<'_>],
        read: ReadEach<'_>,
    ) -> Result<()> {
        // This is not `FOR UPDATE`: checks of foreign keys would wait for that, and they do not follow the order of
        // locks. A transaction that removes the row still waits for the check of the foreign key, or the check fails.
        let how = match lock {
            Lock::Share => "FOR SHARE",
            Lock::Update => "FOR NO KEY UPDATE",
            Lock::SkipLocked => "FOR NO KEY UPDATE SKIP LOCKED",
        };
        let text = format!("{text} {how}");
        if width == 0 {
            return self.query(&text, values, &mut |row| read(0, row));
        }
        self.query_each(&text, width, values, read)
    }

    fn lock_named(&self, name: Named<'_>) -> Result<()> {
        let name = match name {
            Named::RootKeys => "root keys".to_owned(),
            Named::Room => "room".to_owned(),
            Named::DomainNames => "domain names".to_owned(),
            Named::Account(account) => format!("account {}", account.as_str()),
        };
        let lock = "SELECT pg_advisory_xact_lock(hashtextextended(?1, 0))";
        self.query(lock, &[Value::from(name)], &mut |_| Ok(()))
    }

    fn steady(&self, now: Time) -> Result<Time> {
        let steady = match self.begun.steady {
            Some(steady) => steady,
            None => (self as &dyn Tx).one(&Query::column("SELECT steady_time FROM cluster", values![]))?,
        };
        // Before any process has advanced it there is no common time.
        Ok(if steady > 0 { Time(steady) } else { now })
    }
}
