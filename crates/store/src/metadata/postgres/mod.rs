//! Metadata in a PostgreSQL database that several processes share.
//!
//! Rules run at READ COMMITTED and lock the rows that they rely on, in the order of
//! [`Level`](super::tx::Level). SERIALIZABLE would need no locks. But it repeats two of three transactions that
//! put a manifest with a hundred layers, because its predicate locks grow to whole tables. A transaction that
//! conflicts with others runs again, a few times.
//!
//! A rule blocks its thread while it waits. As many rules run at once as the [`pool`] has connections.

mod claims;
mod cluster_row;
mod connecting;
mod connection;
mod errors;
mod moving;
mod pipeline;
mod places;
mod pool;
mod resolve;
mod schema;
mod shared;
mod standing;
mod statements;
mod steps;
mod target;
mod transaction;
mod upgrading;
mod values;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::block_in_place;
use tokio::time::{Instant, timeout, timeout_at};

use super::Metadata;
use super::cache::Caches;
use super::engine::{Engine, Promise, Takes, Terms, Whose};
use super::erased::erase;
use super::patience::{Call, left};
use super::statistics::Statistics;
use super::store::Store;
use super::tx::Tx;
use crate::coordination::Coordinator;
use crate::turns::Turns;
use crate::{Result, StoreError};
use connection::{Isolation, too_late};
use pool::Pool;
use shared::Shared;
use transaction::{Ended, Refusals, Transaction};

pub use cluster_row::Agreed;
pub use moving::Idle;
pub use standing::Trouble;
pub use target::Target;
pub use upgrading::Upgraded;

/// How often a transaction runs if it conflicts with others.
const TRIES: u32 = 5;

/// How long opening a database may take.
const OPENING: Duration = Duration::from_secs(30);

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
        in_time(async {
            schema::make_if_missing(&pool).await?;
            Self::over(pool.clone()).await
        })
        .await
    }

    /// Connects to a database that has its tables already. Makes nothing.
    ///
    /// # Errors
    /// As [`connect`](Self::connect); [`StoreError::Unusable`] also if the database has no tables.
    pub async fn connect_to_made(target: Target) -> Result<Self> {
        let pool = Pool::of(target);
        in_time(async {
            schema::require_made(&pool).await?;
            moving::refuse(&pool.extra().await?).await?;
            Self::over(pool.clone()).await
        })
        .await
    }

    async fn over(pool: Pool) -> Result<Self> {
        let shared = Shared::watch(&pool).await?;
        Ok(Self::new(Cluster(Arc::new(Inner { pool, shared, long_reads: Turns::default() }))))
    }

    /// The same rows behind a trait, for callers to whom the kind of database does not matter.
    pub fn metadata(&self) -> Arc<dyn Metadata> {
        erase(self)
    }

    /// The coordinator of the processes that use this database.
    pub fn coordinator(&self) -> Arc<dyn Coordinator> {
        Arc::new(self.engine.clone())
    }
}

/// Opens a database, or gives up.
async fn in_time<T>(opening: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(OPENING, opening).await.unwrap_or_else(|_| Err(too_late()))
}

/// A transaction that failed.
struct Failed {
    error: StoreError,
    /// Whether the connection was lost before the commit. Then nothing happened.
    is_lost: bool,
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self { error, is_lost: false }
    }
}

/// The caches while a commit that takes rights away is in progress, or while nobody knows whether it happened.
struct Closed<'c>(&'c Caches, Takes);

impl<'c> Closed<'c> {
    fn until_dropped(caches: &'c Caches, takes: Takes) -> Self {
        caches.close(takes);
        Self(caches, takes)
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.open(self.1);
    }
}

impl Cluster {
    /// Runs a query on a connection. If the connection was lost, runs it once more on another one.
    async fn run<T>(
        &self,
        isolation: Isolation,
        until: Option<Instant>,
        query: &(impl Fn(&dyn Tx) -> Result<T> + Send + Sync),
    ) -> Result<T> {
        match self.run_once(isolation, until, query).await {
            Err(Failed { is_lost: true, .. }) => {
                self.0.pool.forget_idle();
                self.run_once(isolation, until, query).await.map_err(|failed| failed.error)
            }
            outcome => outcome.map_err(|failed| failed.error),
        }
    }

    async fn run_once<T>(
        &self,
        isolation: Isolation,
        until: Option<Instant>,
        query: &(impl Fn(&dyn Tx) -> Result<T> + Send + Sync),
    ) -> std::result::Result<T, Failed> {
        let mut connection = self.0.pool.take(until).await?;
        let panicked = Cell::new(false);
        let outcome = block_in_place(|| {
            let handle = Handle::current();
            let transaction = Transaction::begin(&mut connection, &handle, isolation, until);
            let found = caught(&panicked, || query(&transaction))?;
            transaction.end();
            Ok(found)
        });
        let is_lost = connection.is_lost();
        if outcome.is_ok() {
            connection.give_back();
        }
        outcome.map_err(|error| Failed { error, is_lost })
    }

    /// Runs a rule once, and commits.
    async fn attempt<T>(
        &self,
        terms: &Terms,
        until: Option<Instant>,
        refusals: Refusals,
        rule: &(impl Fn(&dyn Tx) -> Result<T> + Send + Sync),
    ) -> std::result::Result<T, Failed> {
        let mut connection = self.0.pool.take(until).await?;
        let isolation = match terms.promise {
            Promise::Durable => Isolation::Durable,
            Promise::Visible => Isolation::Visible,
        };
        let panicked = Cell::new(false);
        let outcome = block_in_place(|| {
            let handle = Handle::current();
            let transaction = Transaction::begin(&mut connection, &handle, isolation, until).with(refusals);
            let ruled = caught(&panicked, || rule(&transaction)).and_then(|value| {
                transaction.note(terms)?;
                Ok(value)
            });
            match ruled {
                Ok(value) => {
                    let closed = Closed::until_dropped(&self.0.shared.caches, terms.takes);
                    let began = Instant::now();
                    let ended = transaction.commit();
                    self.0.pool.statistics.commits.observe(began.elapsed());
                    Ok((value, ended?, closed))
                }
                Err(error) if panicked.get() => Err(error),
                Err(error) => {
                    transaction.roll_back();
                    Err(error)
                }
            }
        });
        let is_lost = connection.is_lost();
        if !panicked.get() {
            connection.give_back();
        }
        let (value, ended, _closed) = outcome.map_err(|error| Failed { error, is_lost })?;
        match ended {
            Ended::Committed => Ok(value),
            Ended::Unknown(lost) => Ok(resolve::outcome(&self.0.pool, &lost, until).await.map(|()| value)?),
            Ended::WithoutCopy => Err(resolve::unknown().into()),
        }
    }
}

/// Runs a part of the program that may panic. A panic only ends its own transaction and the connection, whose
/// state is then unknown.
fn caught<T>(panicked: &Cell<bool>, run: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        panicked.set(true);
        Err(StoreError::unavailable("the work panicked; nothing of it stays"))
    })
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
        let call = Call::begin();
        self.run(Isolation::Statement, call.until(), &query).await
    }

    async fn read<T: Send>(&self, query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync) -> Result<T> {
        let call = Call::begin();
        self.run(Isolation::Snapshot, call.until(), &query).await
    }

    async fn read_long<T: Send + 'static>(
        &self,
        whose: Whose,
        query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        let call = Call::begin();
        let (cluster, handle, until) = (self.clone(), Handle::current(), call.until());
        let work = move || handle.block_on(cluster.run(Isolation::Snapshot, until, &query));
        let turn = self.0.long_reads.run(whose, work);
        let Some(until) = until else { return turn.await };
        timeout_at(until, turn).await.unwrap_or_else(|_| Err(too_late()))
    }

    async fn write<T: Send + 'static>(
        &self,
        terms: Terms,
        rule: impl Fn(&dyn Tx) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        let call = Call::begin();
        let until = call.until();
        let (mut pause, mut tries, mut was_lost) = (FIRST_PAUSE, 1, false);
        loop {
            let is_first = tries == 1 && !was_lost;
            let refusals = if is_first { Refusals::ByStatements } else { Refusals::ByRules };
            let Failed { error, is_lost } = match self.attempt(&terms, until, refusals, &rule).await {
                Ok(value) => return Ok(value),
                Err(failed) => failed,
            };
            if is_lost && !was_lost {
                was_lost = true;
                self.0.pool.forget_idle();
            } else if let StoreError::Contended(why) = &error
                && tries < TRIES
                && !left(until, FIRST_PAUSE).is_zero()
            {
                tries += 1;
                self.0.shared.retried(why);
                self.0.pool.statistics.retried();
                tokio::time::sleep(pause.mul_f64(jitter())).await;
                pause *= 2;
            } else {
                return Err(error);
            }
        }
    }
}

/// A random number from 0 to 1. It spreads conflicting transactions in time, so that they do not conflict
/// again.
fn jitter() -> f64 {
    let [random, ..] = *uuid::Uuid::new_v4().as_bytes();
    f64::from(random) / f64::from(u8::MAX)
}

#[cfg(test)]
mod tests;
