//! The only writing thread, and its group commit.
//!
//! A commit costs a sync of the disk, however much it contains. So all waiting work goes into one commit.
//! Except for the first, each piece of work runs in its own savepoint, so that a failure affects no other work.
//! A caller gets its answer after the commit is durable. Work that promises less gets its answer without a
//! sync, if the commit contains no other work.

mod batch;
mod log;
mod queue;
mod rests;
mod turns;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::metadata::cache::Caches;
use crate::metadata::engine::{Caller, Promise, Takes, Terms, Weight, Whose};
use crate::metadata::statistics::Statistics;
use crate::{Result, StoreError};
use batch::Batches;
use log::Log;
use queue::Queue;

/// The most pieces of work in one commit. It bounds the time that one caller waits for others.
pub(super) const MAX_BATCH: usize = 256;

/// A commit for several callers takes no second piece of work of any caller once it has taken some time.
/// These are the bounds of that time.
const LEAST_PATIENCE: Duration = Duration::from_millis(1);
const MOST_PATIENCE: Duration = Duration::from_millis(5);

/// Work to run in a transaction.
struct Job {
    /// Who causes it. Accounts and their logins take turns.
    caller: Caller,
    weight: Weight,
    /// Whether it may take rights away that the caches contain.
    takes: Takes,
    promise: Promise,
    /// Whether the log is emptied before the answer.
    empties_log: bool,
    /// When it was handed to the thread.
    sent: Instant,
    work: Work,
}

/// Runs in the transaction, and returns how to answer when the outcome of the commit is known.
type Work = Box<dyn FnOnce(&Connection) -> Ran + Send>;

/// Answers the caller, given the outcome of the commit.
type Answer = Box<dyn FnOnce(&Result<()>) + Send>;

struct Ran {
    /// The error of the work. After an error, no change of the work stays.
    failure: Option<StoreError>,
    answer: Answer,
}

pub(super) struct Writer {
    jobs: mpsc::UnboundedSender<Job>,
    healthy: Arc<AtomicBool>,
    statistics: Arc<Statistics>,
}

impl Writer {
    /// Starts the thread. It takes up to `batch` pieces of work into one commit. Before it answers, it removes
    /// from `caches` what the work may have changed. The connection must sync its commits.
    pub(super) fn spawn(mut connection: Connection, caches: Arc<Caches>, batch: usize) -> Result<Self> {
        let (jobs, waiting) = mpsc::unbounded_channel();
        let healthy = Arc::new(AtomicBool::new(true));
        let statistics = Arc::<Statistics>::default();
        let log = Log::of(&mut connection)?;
        let batches = Batches {
            connection,
            log,
            health: Arc::clone(&healthy),
            caches,
            statistics: Arc::clone(&statistics),
            most: batch,
            empties_log: false,
            patience: LEAST_PATIENCE,
        };
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || batches.run(Queue::of(waiting)))?;
        Ok(Self { jobs, healthy, statistics })
    }

    /// A writer that refuses all work.
    pub(super) fn refusing() -> Self {
        Self { jobs: mpsc::unbounded_channel().0, healthy: Arc::default(), statistics: Arc::default() }
    }

    pub(super) fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Acquire) && !self.jobs.is_closed()
    }

    pub(super) fn statistics(&self) -> Arc<Statistics> {
        Arc::clone(&self.statistics)
    }

    /// Runs `work` in a transaction; returns when the promise of its terms holds. If `work` fails, none of its
    /// changes stay. A power cut may lose work that is only visible, together with every later commit. So a
    /// durable commit never follows a lost one, and no row stays without the rows that it depends on.
    pub(super) async fn write<T, F>(&self, terms: Terms, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        self.send(terms, false, work).await
    }

    /// Empties the log, except for the part that readers need.
    pub(super) async fn empty_log(&self) -> Result<()> {
        self.send(Terms::server().takes_nothing().visible(), true, |_| Ok(())).await
    }

    async fn send<T, F>(&self, terms: Terms, empties_log: bool, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let Terms { caller, weight, takes, promise, .. } = terms;
        if !self.is_healthy() {
            return Err(stopped());
        }
        let (sender, receiver) = oneshot::channel();
        let work: Work = Box::new(move |connection| {
            // Without this, a panic would end the thread, and all writing.
            let result = catch_unwind(AssertUnwindSafe(|| work(connection)));
            let result = result.unwrap_or_else(|_| Err(panicked()));
            Ran {
                failure: result.as_ref().err().cloned(),
                answer: Box::new(move |commit| {
                    // If the caller is gone, nobody gets the answer. The work stays done.
                    let _ = sender.send(result.and_then(|value| commit.clone().map(|()| value)));
                }),
            }
        });
        let job = Job { caller, weight, takes, promise, empties_log, sent: Instant::now(), work };
        self.jobs.send(job).map_err(|_| stopped())?;
        receiver.await.map_err(|_| not_taken())?
    }
}

fn not_taken() -> StoreError {
    StoreError::unavailable("the database could not begin a transaction".to_owned())
}

fn panicked() -> StoreError {
    StoreError::unavailable("the work panicked; nothing of it stays".to_owned())
}

fn stopped() -> StoreError {
    StoreError::unavailable(
        "the database takes no more writes after a failed sync; restart the server".to_owned(),
    )
}

#[cfg(test)]
mod tests;
