//! One connection with its prepared statements.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::error::Severity;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, Client, Error, Row, SimpleQueryMessage, Statement};

use super::pool::Idle;
use super::statements::with_dollars;
use super::target::{LIMITS, Statements, Target};
use super::values::type_of;
use super::{connecting, errors};
use crate::metadata::tx::Value;
use crate::{Result, StoreError};

/// How many prepared statements a connection keeps. All rules together have a few hundred statements.
const KEPT: usize = 1_000;

/// The data that a transaction sees, and the promise of its commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Isolation {
    /// Each statement is a transaction by itself.
    Statement,
    /// Every statement sees the snapshot of the first one. Nothing may be written.
    Snapshot,
    /// A commit survives a power cut.
    Durable,
    /// Others see a commit. It may be lost when the power goes.
    Visible,
}

/// A connection that one caller uses at a time.
pub(super) struct Connection {
    pub(super) open: Open,
    idle: Arc<Idle>,
    _permit: OwnedSemaphorePermit,
}

/// An open connection.
pub(super) struct Open {
    client: Client,
    mode: Statements,
    prepared: Mutex<HashMap<String, Statement>>,
    is_lost: AtomicBool,
    /// Whether the server sent a warning.
    was_warned: Arc<AtomicBool>,
    /// The task that reads and writes the socket.
    driver: AbortHandle,
}

/// A statement that can be sent without asking the server first.
pub(super) enum Ready {
    Prepared(Statement),
    /// It is sent as text, in the server's syntax.
    Text(String),
}

/// What the server says when a transaction begins.
#[derive(Debug, Default)]
pub(super) struct Begun {
    /// The number of a transaction that may write.
    pub(super) number: Option<String>,
    /// The history that the number belongs to. In another history, the number is that of another transaction.
    pub(super) timeline: Option<String>,
    /// The steady time of all processes, in milliseconds; 0 before one of them has advanced it.
    pub(super) steady: Option<i64>,
}

impl Connection {
    pub(super) fn new(open: Open, idle: Arc<Idle>, permit: OwnedSemaphorePermit) -> Self {
        Self { open, idle, _permit: permit }
    }

    /// Whether the connection is unusable.
    pub(super) fn is_lost(&self) -> bool {
        self.open.is_lost()
    }

    /// Returns it to the pool. No transaction may be open.
    pub(super) fn give_back(self) {
        if !self.open.is_lost() {
            self.idle.put(self.open);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if *self.is_lost.get_mut() {
            // The driver would continue until the server answers, which may be never. Meanwhile the server keeps
            // locks.
            self.driver.abort();
        }
    }
}

impl Open {
    /// Opens a connection.
    pub(super) async fn to(target: &Target) -> Result<Self> {
        let (client, mut connection) = connecting::connect(target).await?;
        let was_warned = Arc::<AtomicBool>::default();
        let warned = Arc::clone(&was_warned);
        let driver = tokio::spawn(async move {
            // The client's calls report how it ends.
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
                if let AsyncMessage::Notice(notice) = message
                    && notice.parsed_severity() == Some(Severity::Warning)
                {
                    tracing::warn!(notice = notice.message(), "PostgreSQL warns");
                    warned.store(true, Ordering::Release);
                }
            }
        });
        Ok(Self {
            client,
            mode: target.statements,
            prepared: Mutex::default(),
            is_lost: AtomicBool::new(false),
            was_warned,
            driver: driver.abort_handle(),
        })
    }

    pub(super) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Relaxed) || self.client.is_closed()
    }

    /// Marks the connection as unusable.
    pub(super) fn give_up(&self) {
        self.is_lost.store(true, Ordering::Relaxed);
    }

    /// Whether the server has sent a warning since the last question.
    pub(super) fn was_warned(&self) -> bool {
        self.was_warned.swap(false, Ordering::AcqRel)
    }

    /// Waits for an answer. If none comes in time, the state of the connection is unknown, so it is given up.
    pub(super) async fn within<T>(
        &self,
        time: Duration,
        answer: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        timeout(time, answer).await.unwrap_or_else(|_| {
            self.give_up();
            Err(too_late())
        })
    }

    /// Begins a transaction.
    pub(super) async fn begin(&self, isolation: Isolation) -> Result<Begun> {
        let mut text = match isolation {
            Isolation::Statement => return Ok(Begun::default()),
            Isolation::Snapshot => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned(),
            // At this level a statement sees everything that was committed before it began, even if the rule waited
            // for a lock meanwhile. At REPEATABLE READ the snapshot would be older than the lock.
            Isolation::Durable | Isolation::Visible => "BEGIN ISOLATION LEVEL READ COMMITTED".to_owned(),
        };
        if self.mode == Statements::Unnamed {
            for (name, value) in LIMITS.iter().filter(|(name, _)| name.ends_with("timeout")) {
                text.extend(["; SET LOCAL ", name, " = '", value, "'"]);
            }
        }
        if isolation == Isolation::Visible {
            text += "; SET LOCAL synchronous_commit = off";
        }
        text += match isolation {
            Isolation::Durable | Isolation::Visible => NUMBERED,
            _ => "; SELECT NULL, NULL, steady_time FROM cluster",
        };
        let answers = self.noting(self.client.simple_query(&text).await)?;
        let row = answers.iter().find_map(|answer| match answer {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let text = |column| row.and_then(|row| row.get(column)).map(str::to_owned);
        let steady = text(2).and_then(|text| text.parse().ok());
        Ok(Begun { number: text(0), timeline: text(1), steady })
    }

    /// Runs a text without parameters whose answer is not needed.
    pub(super) async fn order(&self, text: &str) -> std::result::Result<(), Error> {
        let done = self.client.simple_query(text).await.map(drop);
        if let Err(error) = &done
            && errors::is_lost(error)
        {
            self.give_up();
        }
        done
    }

    /// Runs a query.
    pub(super) async fn query(&self, text: &str, values: &[Value<'_>]) -> Result<Vec<Row>> {
        self.query_ready(&self.ready(text, values).await?, values).await
    }

    /// Runs a statement; returns how many rows it changed.
    pub(super) async fn execute(&self, text: &str, values: &[Value<'_>]) -> Result<u64> {
        self.execute_ready(&self.ready(text, values).await?, values).await
    }

    /// Runs a query. It is sent when this future is polled for the first time.
    pub(super) async fn query_ready(&self, ready: &Ready, values: &[Value<'_>]) -> Result<Vec<Row>> {
        self.noting(match ready {
            Ready::Prepared(statement) => self.client.query(statement, &parameters(values)).await,
            Ready::Text(text) => self.client.query_typed(text, &typed(values)).await,
        })
    }

    /// Runs a statement. It is sent when this future is polled for the first time.
    pub(super) async fn execute_ready(&self, ready: &Ready, values: &[Value<'_>]) -> Result<u64> {
        self.noting(match ready {
            Ready::Prepared(statement) => self.client.execute(statement, &parameters(values)).await,
            Ready::Text(text) => self.client.execute_typed(text, &typed(values)).await,
        })
    }

    /// Makes a text ready to be sent. This takes a round trip if the text has to be prepared.
    pub(super) async fn ready(&self, text: &str, values: &[Value<'_>]) -> Result<Ready> {
        match self.ready_now(text) {
            Some(ready) => Ok(ready),
            None => Ok(Ready::Prepared(self.prepare(text, values).await?)),
        }
    }

    /// The text, if it can be sent at once.
    pub(super) fn ready_now(&self, text: &str) -> Option<Ready> {
        match self.mode {
            Statements::Prepared => self.prepared().get(text).cloned().map(Ready::Prepared),
            Statements::Unnamed => Some(Ready::Text(with_dollars(text))),
        }
    }

    fn prepared(&self) -> MutexGuard<'_, HashMap<String, Statement>> {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prepares a text with the types of these parameters.
    async fn prepare(&self, text: &str, values: &[Value<'_>]) -> Result<Statement> {
        let types: Vec<Type> = values.iter().map(type_of).collect();
        #[cfg(test)]
        super::tests::texts::note(text);
        let statement = self.noting(self.client.prepare_typed(&with_dollars(text), &types).await)?;
        let mut prepared = self.prepared();
        if prepared.len() >= KEPT {
            prepared.clear();
        }
        prepared.insert(text.to_owned(), statement.clone());
        Ok(statement)
    }

    fn noting<T>(&self, outcome: std::result::Result<T, Error>) -> Result<T> {
        outcome.map_err(|error| {
            if errors::is_lost(&error) {
                self.give_up();
            }
            errors::explain(&error)
        })
    }
}

/// SQL for the timeline of a server: the first eight characters of the name of its current log file.
pub(super) const TIMELINE: &str = "substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)";

/// Asks for the members of [`Begun`]. The number comes first: if the server accepts no writes, the error says
/// so.
const NUMBERED: &str =
    "; SELECT pg_current_xact_id(), substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), steady_time
    FROM cluster";

fn parameters<'v>(values: &'v [Value<'_>]) -> Vec<&'v (dyn ToSql + Sync)> {
    values.iter().map(|value| value as _).collect()
}

fn typed<'v>(values: &'v [Value<'_>]) -> Vec<(&'v (dyn ToSql + Sync), Type)> {
    values.iter().map(|value| (value as &(dyn ToSql + Sync), type_of(value))).collect()
}

/// The error for an answer that did not come in time.
pub(super) fn too_late() -> StoreError {
    StoreError::unavailable("PostgreSQL does not answer")
}
