//! A transaction of PostgreSQL, for rules.

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

use futures_util::future::try_join_all;
use gangplank_core::Time;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::connection::{Connection, Isolation, Open, too_late};
use super::errors;
use super::resolve::Lost;
use super::shared::Shared;
use crate::metadata::tx::{Dialect, Level, Lock, Named, Read, ReadEach, Row, Tx, Value};
use crate::{Result, StoreError};

/// After so long without an answer the connection is given up. The server's limits usually end a statement
/// earlier.
const DEADLINE: Duration = Duration::from_secs(20);

/// How many statements are sent before their answers are read.
const AT_ONCE: usize = 500;

/// The open transaction of a connection.
pub(super) struct Transaction<'c> {
    open: &'c Open,
    handle: &'c Handle,
    isolation: Isolation,
    number: Option<String>,
    shared: &'c Shared,
    /// Whether a statement has failed. After that PostgreSQL runs no other statement, and COMMIT rolls back
    /// without an error.
    has_failed: Cell<bool>,
}

impl<'c> Transaction<'c> {
    pub(super) fn begin(
        connection: &'c mut Connection,
        handle: &'c Handle,
        isolation: Isolation,
        shared: &'c Shared,
    ) -> Result<Self> {
        let open = &connection.open;
        let mut begun = Self { open, handle, isolation, number: None, shared, has_failed: Cell::new(false) };
        begun.number = begun.wait(open.begin(isolation))?;
        Ok(begun)
    }

    /// Waits for an answer. If none comes, the state of the connection is unknown, so it is given up.
    fn wait<T>(&self, answer: impl Future<Output = Result<T>>) -> Result<T> {
        let answer = self.handle.block_on(async { timeout(DEADLINE, answer).await });
        let answer = answer.unwrap_or_else(|_| {
            self.open.give_up();
            Err(too_late())
        });
        self.has_failed.set(self.has_failed.get() || answer.is_err());
        answer
    }

    /// Advances the generation of rights, so that other processes empty their caches.
    pub(super) fn takes_rights(&self) -> Result<()> {
        self.execute("UPDATE cluster SET generation = generation + 1", &[]).map(drop)
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
            // It ends with its connection. Nobody waits for that.
            return;
        }
        let ended =
            self.wait(async { self.open.order("ROLLBACK").await.map_err(|error| errors::explain(&error)) });
        if ended.is_err() {
            self.open.give_up();
        }
    }

    /// Commits. Returns `Some` if the connection was lost meanwhile: the commit may have happened.
    pub(super) fn commit(self) -> Result<Option<Lost>> {
        if self.has_failed.get() {
            self.roll_back();
            return Err(StoreError::unavailable("a statement had failed before the commit"));
        }
        let committed = self.handle.block_on(async { timeout(DEADLINE, self.open.order("COMMIT")).await });
        match committed {
            Ok(Ok(())) => Ok(None),
            Ok(Err(error)) if error.code().is_some() => Err(errors::explain(&error)),
            // No answer came.
            _ => {
                self.open.give_up();
                Ok(Some(Lost {
                    number: self.number.unwrap_or_default(),
                    timeline: self.open.timeline().map(str::to_owned),
                }))
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

    fn lock_each(
        &self,
        (_, lock): (Level, Lock),
        text: &str,
        width: usize,
        values: &[Value<'_>],
        read: ReadEach<'_>,
    ) -> Result<()> {
        // Not `FOR UPDATE`, for which a foreign key waits that is checked by somebody who came to the row out of the order
        // of locks. Whoever removes the row still waits for the key, or the key fails.
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
        Ok(self.shared.steady().unwrap_or(now))
    }
}
