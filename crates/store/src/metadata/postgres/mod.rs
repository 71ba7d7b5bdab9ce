//! Metadata in a PostgreSQL database that several processes share.
//!
//! Rules run at READ COMMITTED and lock the rows that they rely on, in the order of
//! [`Level`](super::tx::Level). SERIALIZABLE would need no locks. But it repeats two of three transactions that
//! put a manifest with a hundred layers, because its predicate locks grow to whole tables. A transaction that
//! conflicts with others runs again, a few times.
//!
//! A rule blocks its thread while it waits. As many rules run at once as the [`pool`] has connections.

mod claims;
mod connection;
mod errors;
mod pool;
mod resolve;
mod schema;
mod shared;
mod statements;
mod target;
mod transaction;
mod values;

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::cache::Caches;
use super::engine::{Engine, Promise, Takes, Terms, Whose};
use super::statistics::Statistics;
use super::store::Store;
use super::tx::Tx;
use crate::coordination::Coordinator;
use crate::turns::Turns;
use crate::{Result, StoreError};
use connection::Isolation;
use pool::Pool;
use resolve::Lost;
use shared::Shared;
use transaction::Transaction;

pub use target::Target;

/// How often a transaction runs if it conflicts with others.
const TRIES: u32 = 5;

/// The longest pause before the second run. The limit doubles for each further run.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// The store of rows in a PostgreSQL database.
pub type Postgres = Store<Cluster>;

/// A PostgreSQL database with its connections.
#[derive(Clone)]
pub struct Cluster(Arc<Inner>);

struct Inner {
    pool: Pool,
    shared: Arc<Shared>,
    long_reads: Turns<Whose>,
}

impl Postgres {
    /// Connects to a database, and makes its tables if it is empty.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the database cannot be reached; [`StoreError::Unusable`] if another
    /// version of the program made its tables.
    pub async fn connect(target: Target) -> Result<Self> {
        let pool = Pool::of(target);
        schema::make_if_missing(&pool).await?;
        let shared = Shared::watch(&pool).await?;
        Ok(Self::new(Cluster(Arc::new(Inner { pool, shared, long_reads: Turns::default() }))))
    }

    /// The coordinator of the processes that use this database.
    pub fn coordinator(&self) -> Arc<dyn Coordinator> {
        Arc::new(self.engine.clone())
    }
}

impl Cluster {
    /// Runs a query on a connection. If the connection had died while it was idle, runs it once more on another
    /// one.
    async fn run<T>(
        &self,
        isolation: Isolation,
        query: &(impl Fn(&dyn Tx) -> Result<T> + Send + Sync),
    ) -> Result<T> {
        let mut is_second = false;
        loop {
            let mut connection = self.0.pool.take().await?;
            let outcome = block_in_place(|| {
                let handle = Handle::current();
                let transaction = Transaction::begin(&mut connection, &handle, isolation, &self.0.shared)?;
                let found = query(&transaction)?;
                transaction.end()?;
                Ok(found)
            });
            let is_lost = connection.is_lost();
            if !is_lost && outcome.is_ok() {
                connection.give_back();
            }
            match outcome {
                Err(StoreError::Contended(_) | StoreError::Unavailable(_)) if is_lost && !is_second => {
                    is_second = true;
                }
                outcome => return outcome,
            }
        }
    }

    /// Runs a rule once, and commits.
    async fn attempt<T>(
        &self,
        terms: &Terms,
        rule: &(impl Fn(&dyn Tx) -> Result<T> + Send + Sync),
    ) -> Result<T> {
        let mut connection = self.0.pool.take().await?;
        let isolation = match terms.promise {
            Promise::Durable => Isolation::Durable,
            Promise::Visible => Isolation::Visible,
        };
        let outcome: Result<Result<(T, Option<Lost>)>> = block_in_place(|| {
            let handle = Handle::current();
            let transaction = Transaction::begin(&mut connection, &handle, isolation, &self.0.shared)?;
            let value = match rule(&transaction) {
                Ok(value) => value,
                Err(error) => {
                    transaction.roll_back();
                    return Ok(Err(error));
                }
            };
            if terms.takes == Takes::Rights {
                transaction.takes_rights()?;
                self.0.shared.caches.close(Takes::Rights);
            }
            let committed = transaction.commit();
            if terms.takes == Takes::Rights {
                self.0.shared.caches.open(Takes::Rights);
            }
            Ok(Ok((value, committed?)))
        });
        let (value, unknown) = match outcome? {
            Ok(made) => made,
            Err(refused) => {
                // It was rolled back, or is lost.
                connection.give_back();
                return Err(refused);
            }
        };
        match unknown {
            None => {
                connection.give_back();
                Ok(value)
            }
            Some(lost) => resolve::outcome(&self.0.pool, lost).await.map(|()| value),
        }
    }
}

impl Engine for Cluster {
    fn is_healthy(&self) -> bool {
        self.0.shared.is_healthy()
    }

    fn statistics(&self) -> Arc<Statistics> {
        Arc::clone(&self.0.pool.statistics)
    }

    fn is_exclusive(&self) -> bool {
        false
    }

    fn caches(&self) -> Option<&Caches> {
        self.0.shared.is_fresh().then_some(&self.0.shared.caches)
    }

    async fn read_one<T: Send>(&self, query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync) -> Result<T> {
        self.run(Isolation::Statement, &query).await
    }

    async fn read<T: Send>(&self, query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync) -> Result<T> {
        self.run(Isolation::Snapshot, &query).await
    }

    async fn read_long<T: Send + 'static>(
        &self,
        whose: Whose,
        query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        let (cluster, handle) = (self.clone(), Handle::current());
        let work = move || handle.block_on(cluster.run(Isolation::Snapshot, &query));
        self.0.long_reads.run(whose, work).await
    }

    async fn write<T: Send + 'static>(
        &self,
        terms: Terms,
        rule: impl Fn(&dyn Tx) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..TRIES {
            match self.attempt(&terms, &rule).await {
                Err(StoreError::Contended(error)) => {
                    self.0.shared.retried(&error);
                    self.0.pool.statistics.retried();
                    tokio::time::sleep(pause.mul_f64(jitter())).await;
                    pause *= 2;
                }
                outcome => return outcome,
            }
        }
        self.attempt(&terms, &rule).await
    }
}

/// A random number from 0 to 1. It spreads conflicting transactions, so that they do not meet again.
fn jitter() -> f64 {
    let [random, ..] = *uuid::Uuid::new_v4().as_bytes();
    f64::from(random) / f64::from(u8::MAX)
}

#[cfg(test)]
mod tests;
