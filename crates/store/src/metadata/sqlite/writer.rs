//! The one thread that writes, and its group commit.
//!
//! A commit costs a sync of the disk whatever it holds, so everything that is waiting goes into
//! one. Each caller's work but the first runs in a savepoint of its own: one that fails takes nothing with it.
//! Nobody is answered before the commit that holds their work is durable, but for work that says that
//! its answer promises nothing of the kind: a commit of nothing else does not wait for the disk.

mod batch;
mod log;
mod queue;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::metadata::cache::Caches;
pub(super) use crate::metadata::engine::Whose;
use crate::metadata::engine::{Promise, Takes};
use crate::{Result, StoreError};
use batch::Batches;
use log::Log;
use queue::Queue;

/// The most pieces of work in one commit, so that nobody waits long for strangers.
pub(super) const MAX_BATCH: usize = 256;

/// How long a commit in which several have work may be put off for a second piece of the same account's.
const PATIENCE: Duration = Duration::from_millis(5);

/// Work to run inside the transaction.
struct Job {
    /// On whose behalf: they take turns.
    whose: Whose,
    /// What it may take away that the caches hold.
    takes: Takes,
    promise: Promise,
    /// Whether the log is emptied before it is answered.
    empties_log: bool,
    work: Work,
}

/// Hands back how to answer once the commit is known.
type Work = Box<dyn FnOnce(&Connection) -> Ran + Send>;

/// Tells a caller how their work went, given how the commit did.
type Answer = Box<dyn FnOnce(&Result<()>) + Send>;

struct Ran {
    /// What the work failed with; nothing of it then stays.
    failure: Option<StoreError>,
    answer: Answer,
}

pub(super) struct Writer {
    jobs: mpsc::UnboundedSender<Job>,
    healthy: Arc<AtomicBool>,
}

impl Writer {
    /// Starts the thread, which takes up to `batch` pieces of work into one commit; before it answers
    /// anybody, it empties `caches` of what the work has changed. The connection syncs its commits.
    pub(super) fn spawn(mut connection: Connection, caches: Arc<Caches>, batch: usize) -> Result<Self> {
        let (jobs, waiting) = mpsc::unbounded_channel();
        let healthy = Arc::new(AtomicBool::new(true));
        let log = Log::of(&mut connection)?;
        let batches = Batches {
            connection,
            log,
            health: Arc::clone(&healthy),
            caches,
            most: batch,
            empties_log: false,
        };
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || batches.run(Queue::of(waiting)))?;
        Ok(Self { jobs, healthy })
    }

    /// One that takes nothing.
    pub(super) fn refusing() -> Self {
        Self { jobs: mpsc::unbounded_channel().0, healthy: Arc::default() }
    }

    pub(super) fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Acquire) && !self.jobs.is_closed()
    }

    /// Runs `work` in a transaction and returns when it is durable. If `work` fails, nothing of it stays. It takes
    /// no more away than `takes` says.
    pub(super) async fn write<T, F>(&self, whose: Whose, takes: Takes, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        self.send(whose, takes, Promise::Durable, false, work).await
    }

    /// The same for work that may be lost when the power goes, and that takes nothing away:
    /// returns when others see it. If it is lost, all that was committed after it is lost too, so no row is
    /// there without its cause. A durable commit never follows a lost one.
    pub(super) async fn write_unsynced<T, F>(&self, whose: Whose, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        self.send(whose, Takes::Nothing, Promise::Visible, false, work).await
    }

    /// Empties the log, as far as no reader needs it.
    pub(super) async fn empty_log(&self, whose: Whose) -> Result<()> {
        self.send(whose, Takes::Nothing, Promise::Visible, true, |_| Ok(())).await
    }

    async fn send<T, F>(
        &self,
        whose: Whose,
        takes: Takes,
        promise: Promise,
        empties_log: bool,
        work: F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        if !self.is_healthy() {
            return Err(stopped());
        }
        let (sender, receiver) = oneshot::channel();
        let work: Work = Box::new(move |connection| {
            // Without this, work that panics would take the thread with it, and all writing.
            let result = catch_unwind(AssertUnwindSafe(|| work(connection)));
            let result = result.unwrap_or_else(|_| Err(panicked()));
            Ran {
                failure: result.as_ref().err().cloned(),
                answer: Box::new(move |commit| {
                    // A caller that went away leaves nobody to answer; its work stands.
                    let _ = sender.send(result.and_then(|value| commit.clone().map(|()| value)));
                }),
            }
        });
        self.jobs.send(Job { whose, takes, promise, empties_log, work }).map_err(|_| stopped())?;
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
