//! One connection with its prepared statements.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::OwnedSemaphorePermit;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row, Statement};

use super::errors;
use super::pool::Idle;
use super::statements::with_dollars;
use super::target::{LIMITS, Statements, Target};
use super::values::type_of;
use crate::metadata::tx::Value;
use crate::{Result, StoreError};

/// How many prepared statements a connection keeps. All rules together have some hundred.
const KEPT: usize = 1_000;

/// What a transaction sees, and what its commit promises.
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
    timeline: Option<String>,
    prepared: Mutex<HashMap<String, Statement>>,
    is_lost: AtomicBool,
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

impl Open {
    /// Opens a connection.
    pub(super) async fn to(target: &Target) -> Result<Self> {
        let connected = target.config.connect(target.tls.clone()).await;
        let (client, connection) = connected.map_err(|error| errors::explain(&error))?;
        tokio::spawn(async move {
            // The client's calls report the same error.
            let _ = connection.await;
        });
        let timeline = timeline(&client).await;
        Ok(Self {
            client,
            mode: target.statements,
            timeline,
            prepared: Mutex::default(),
            is_lost: AtomicBool::new(false),
        })
    }

    /// Which history the server went on with when the connection was made, if it says so: one that takes another's place
    /// begins a new one.
    pub(super) fn timeline(&self) -> Option<&str> {
        self.timeline.as_deref()
    }

    pub(super) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Relaxed) || self.client.is_closed()
    }

    /// Marks the connection as unusable.
    pub(super) fn give_up(&self) {
        self.is_lost.store(true, Ordering::Relaxed);
    }

    /// Begins a transaction; returns its number if it may write.
    pub(super) async fn begin(&self, isolation: Isolation) -> Result<Option<String>> {
        let mut text = match isolation {
            Isolation::Statement => return Ok(None),
            Isolation::Snapshot => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned(),
            // At this level a statement sees all that was committed before it, also while the rule waited for a
            // lock. At REPEATABLE READ the snapshot would be older than the lock.
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
        if matches!(isolation, Isolation::Durable | Isolation::Visible) {
            text += "; SELECT pg_current_xact_id()";
        }
        let answers = self.noting(self.client.simple_query(&text).await)?;
        Ok(answers.iter().find_map(|answer| match answer {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        }))
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
        let found = match self.mode {
            Statements::Prepared => {
                let statement = self.prepare(text, values).await?;
                let parameters: Vec<&(dyn ToSql + Sync)> = values.iter().map(|it| it as _).collect();
                self.client.query(&statement, &parameters).await
            }
            Statements::Unnamed => self.client.query_typed(&with_dollars(text), &typed(values)).await,
        };
        self.noting(found)
    }

    /// Runs a statement; returns how many rows it changed.
    pub(super) async fn execute(&self, text: &str, values: &[Value<'_>]) -> Result<u64> {
        let changed = match self.mode {
            Statements::Prepared => {
                let statement = self.prepare(text, values).await?;
                let parameters: Vec<&(dyn ToSql + Sync)> = values.iter().map(|it| it as _).collect();
                self.client.execute(&statement, &parameters).await
            }
            Statements::Unnamed => self.client.execute_typed(&with_dollars(text), &typed(values)).await,
        };
        self.noting(changed)
    }

    /// Prepares a text with the types of these parameters, or returns its prepared statement.
    async fn prepare(&self, text: &str, values: &[Value<'_>]) -> Result<Statement> {
        if let Some(statement) = self.prepared.lock().unwrap_or_else(PoisonError::into_inner).get(text) {
            return Ok(statement.clone());
        }
        let types: Vec<Type> = values.iter().map(type_of).collect();
        #[cfg(test)]
        super::tests::texts::note(text);
        let statement = self.noting(self.client.prepare_typed(&with_dollars(text), &types).await)?;
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
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

/// The timeline that a server is on. A name of its log begins with it.
pub(super) const TIMELINE: &str = "substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)";

async fn timeline(client: &Client) -> Option<String> {
    let answers = client.simple_query(&format!("SELECT {TIMELINE}")).await.ok()?;
    answers.iter().find_map(|answer| match answer {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    })
}

fn typed<'v>(values: &'v [Value<'_>]) -> Vec<(&'v (dyn ToSql + Sync), Type)> {
    values.iter().map(|value| (value as &(dyn ToSql + Sync), type_of(value))).collect()
}

/// The error for an answer that did not come in time.
pub(super) fn too_late() -> StoreError {
    StoreError::unavailable("PostgreSQL does not answer")
}
