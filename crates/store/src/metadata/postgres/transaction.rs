//! A transaction of PostgreSQL, for rules.

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

use futures_util::future::{join, try_join_all};
use gangplank_core::Time;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use super::connection::{Connection, Isolation, Open, Ready};
use super::errors;
use super::pipeline::{Came, Pipeline};
use super::resolve::Lost;
use crate::metadata::engine::{Takes, Tells, Terms};
use crate::metadata::patience::{RESERVE, left};
use crate::metadata::tx::{
    Dialect, Level, Lock, Named, Query, Read, ReadAll, ReadEach, Row, Ticket, Tx, Value, values,
};
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
    pipeline: Pipeline<'c>,
    refusals: Refusals,
    /// The time after which no statement may begin or continue.
    until: Option<Instant>,
    /// Whether a statement has failed. After that PostgreSQL runs no other statement, and COMMIT rolls back
    /// without an error.
    has_failed: Cell<bool>,
}

/// Who refuses a change that goes beyond a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusals {
    /// Statements may refuse it, by a division by zero. That saves a round trip.
    ByStatements,
    /// The rules refuse it, after they have read the reason.
    ByRules,
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
    ) -> Self {
        let open = &connection.open;
        // The remaining time is for finding out the outcome of a commit.
        let until = until.and_then(|until| until.checked_sub(RESERVE));
        let (pipeline, has_failed) = (Pipeline::default(), Cell::new(false));
        if isolation != Isolation::Statement {
            // The first statement follows at once.
            pipeline.send(async move { open.begin(isolation).await.map(Came::Begun) });
        }
        Self { open, handle, isolation, pipeline, refusals: Refusals::ByRules, until, has_failed }
    }

    pub(super) fn with(self, refusals: Refusals) -> Self {
        Self { refusals, ..self }
    }

    /// Waits for an answer, and for the answers to all earlier statements. If none comes, the state of the
    /// connection is unknown, so it is given up.
    fn wait<T>(&self, answer: impl Future<Output = Result<T>>) -> Result<T> {
        let time = left(self.until, DEADLINE);
        let both = async {
            let (before, answer) = join(self.pipeline.come(), answer).await;
            before.and(answer)
        };
        let answer = self.handle.block_on(self.open.within(time, both));
        self.has_failed.set(self.has_failed.get() || answer.is_err());
        answer
    }

    /// Waits for the answers to everything that was sent.
    fn catch_up(&self) -> Result<()> {
        self.wait(async { Ok(()) })
    }

    /// The text, ready to be sent.
    fn ready(&self, text: &str, values: &[Value<'_>]) -> Result<Ready> {
        match self.open.ready_now(text) {
            Some(ready) => Ok(ready),
            None => self.wait(self.open.ready(text, values)),
        }
    }

    /// Sends a statement whose answer nobody needs.
    fn post(&self, text: &str, values: &[Value<'_>]) -> Result<()> {
        if self.pipeline.len() >= AT_ONCE {
            self.catch_up()?;
        }
        let (open, ready) = (self.open, self.ready(text, values)?);
        let values: Vec<_> = values.iter().map(Value::to_owned).collect();
        self.pipeline.send(async move { open.execute_ready(&ready, &values).await.map(|_| Came::Done) });
        Ok(())
    }

    /// Sends a query whose rows are read later.
    fn post_query(&self, text: &str, values: &[Value<'_>]) -> Result<Option<Ticket>> {
        let (open, ready) = (self.open, self.ready(text, values)?);
        let values: Vec<_> = values.iter().map(Value::to_owned).collect();
        let number = self.pipeline.number();
        self.pipeline.send(async move {
            open.query_ready(&ready, &values).await.map(|rows| Came::Rows(number, rows))
        });
        Ok(Some(Ticket(number)))
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
        self.post(text, &[])
    }

    /// Ends a transaction that has only read. Nobody waits for its end: whoever uses the connection next comes
    /// after it.
    pub(super) fn end(self) {
        if self.isolation != Isolation::Statement {
            let open = self.open;
            self.pipeline.send(async move {
                open.order("COMMIT").await.map(|()| Came::Done).map_err(|error| errors::explain(&error))
            });
        }
    }

    /// Rolls the transaction back.
    pub(super) fn roll_back(self) {
        if self.open.is_lost() {
            // The transaction ends with its connection. Nobody waits for this end.
            return;
        }
        self.pipeline.forget();
        let ended =
            self.wait(async { self.open.order("ROLLBACK").await.map_err(|error| errors::explain(&error)) });
        if ended.is_err() {
            self.open.give_up();
        }
    }

    /// Commits. The last statements and the commit take one round trip together.
    pub(super) fn commit(self) -> Result<Ended> {
        if self.has_failed.get() {
            self.roll_back();
            return Err(StoreError::unavailable("a statement had failed before the commit"));
        }
        // Without the number of the transaction, nobody could find out how a lost commit ended.
        if self.pipeline.begun(|_| ()).is_none()
            && let Err(error) = self.catch_up()
        {
            self.roll_back();
            return Err(error);
        }
        let time = left(self.until, COMMIT).max(SHORT);
        self.open.was_warned();
        let both = async { timeout(time, join(self.pipeline.come(), self.open.order("COMMIT"))).await };
        match self.handle.block_on(both) {
            // The server has rolled back in place of the commit.
            Ok((Err(error), Ok(()))) => Err(error),
            Ok((Ok(()), Ok(()))) if self.open.was_warned() => Ok(Ended::WithoutCopy),
            Ok((Ok(()), Ok(()))) => Ok(Ended::Committed),
            Ok((before, Err(error))) if !errors::is_its_end(&error) => {
                before?;
                Err(errors::explain(&error))
            }
            // There was no answer, or one that leaves the outcome open.
            _ => {
                self.open.give_up();
                let lost = self
                    .pipeline
                    .begun(|begun| Lost { number: begun.number.clone(), timeline: begun.timeline.clone() });
                Ok(Ended::Unknown(lost.unwrap_or(Lost { number: None, timeline: None })))
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

    fn query_all(&self, texts: &[&str], width: usize, values: &[Value<'_>], read: ReadAll<'_>) -> Result<()> {
        for (part, values) in values.chunks(width * AT_ONCE).enumerate() {
            let runs = texts.iter().flat_map(|text| values.chunks(width).map(move |values| (text, values)));
            let answers = try_join_all(runs.map(|(text, values)| self.open.query(text, values)));
            let runs = values.chunks(width).len();
            for (number, rows) in self.wait(answers)?.iter().enumerate() {
                let (text, at) = (number / runs, part * AT_ONCE + number % runs);
                rows.iter().try_for_each(|row| read(text, at, &Row::new(row)))?;
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

    fn send(&self, text: &str, values: &[Value<'_>]) -> Result<()> {
        self.post(text, values)
    }

    fn send_each(&self, text: &str, width: usize, values: &[Value<'_>]) -> Result<()> {
        values.chunks(width).try_for_each(|values| self.post(text, values))
    }

    fn may_refuse(&self) -> bool {
        self.refusals == Refusals::ByStatements
    }

    fn ask(&self, text: &str, values: &[Value<'_>]) -> Result<Option<Ticket>> {
        self.post_query(text, values)
    }

    fn answer(&self, Ticket(number): Ticket, read: Read<'_>) -> Result<()> {
        let rows = match self.pipeline.rows(number) {
            Some(rows) => rows,
            None => {
                self.catch_up()?;
                self.pipeline.rows(number).unwrap_or_default()
            }
        };
        rows.iter().try_for_each(|row| read(&Row::new(row)))
    }

    fn ask_lock(&self, (_, lock): (Level, Lock), text: &str, values: &[Value<'_>]) -> Result<Option<Ticket>> {
        self.post_query(&locking(text, lock), values)
    }

    fn execute_all(&self, texts: &[&str], values: &[Value<'_>]) -> Result<()> {
        texts.iter().try_for_each(|text| self.post(text, values))
    }

    fn lock_only(&self, (_, lock): (Level, Lock), text: &str, values: &[Value<'_>]) -> Result<()> {
        self.post(&locking(text, lock), values)
    }

    fn lock_each(
        &self,
        (_, lock): (Level, Lock),
        text: &str,
        width: usize,
        values: &[Value<'_>],
        read: ReadEach<'_>,
    ) -> Result<()> {
        let text = locking(text, lock);
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
        self.post(lock, &[Value::from(name)])
    }

    fn steady(&self, now: Time) -> Result<Time> {
        if self.isolation != Isolation::Statement && self.pipeline.begun(|_| ()).is_none() {
            self.catch_up()?;
        }
        let steady = match self.pipeline.begun(|begun| begun.steady).flatten() {
            Some(steady) => steady,
            None => (self as &dyn Tx).one(&Query::column("SELECT steady_time FROM cluster", values![]))?,
        };
        // Before any process has advanced the steady time, there is no common time.
        Ok(if steady > 0 { Time(steady) } else { now })
    }
}

/// The text with a lock of the rows that it finds.
fn locking(text: &str, lock: Lock) -> String {
    // This is not `FOR UPDATE`: checks of foreign keys would wait for that, and they do not follow the order of
    // locks. A transaction that removes the row still waits for the check of the foreign key, or the check fails.
    let how = match lock {
        Lock::Share => "FOR SHARE",
        Lock::Update => "FOR NO KEY UPDATE",
        Lock::SkipLocked => "FOR NO KEY UPDATE SKIP LOCKED",
    };
    format!("{text} {how}")
}
