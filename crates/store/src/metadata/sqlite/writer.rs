//! The one thread that writes, and its group commit.
//!
//! A commit costs a sync of the disk whatever it holds, so everything that is waiting goes into
//! one. Each caller's work runs in a savepoint of its own: one that fails takes nothing with it.
//! Nobody is answered before the commit that holds their work is durable.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::{mpsc, oneshot};

use super::cache::{Caches, Touched};
use crate::{Result, StoreError};

/// The most pieces of work in one commit, so that nobody waits long for strangers.
pub(super) const MAX_BATCH: usize = 256;

/// Work to run inside the transaction.
struct Job {
    /// What of the caches it may make untrue.
    touched: Touched,
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
    /// anybody, it empties `caches` of what the work has changed.
    pub(super) fn spawn(connection: Connection, caches: Arc<Caches>, batch: usize) -> Result<Self> {
        let (jobs, waiting) = mpsc::unbounded_channel();
        let healthy = Arc::new(AtomicBool::new(true));
        let health = Arc::clone(&healthy);
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || write_until_closed(&connection, waiting, &health, &caches, batch))?;
        Ok(Self { jobs, healthy })
    }

    /// One that takes nothing.
    pub(super) fn refusing() -> Self {
        Self { jobs: mpsc::unbounded_channel().0, healthy: Arc::default() }
    }

    pub(super) fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Acquire) && !self.jobs.is_closed()
    }

    /// Runs `work` in a transaction and returns when it is durable. If `work` fails, nothing of it
    /// stays.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        self.write_touching(Touched::EVERYTHING, work).await
    }

    /// The same for frequent work that makes no more than `touched` untrue of what the caches hold.
    pub(super) async fn write_touching<T, F>(&self, touched: Touched, work: F) -> Result<T>
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
        self.jobs.send(Job { touched, work }).map_err(|_| stopped())?;
        receiver.await.map_err(|_| not_taken())?
    }
}

fn not_taken() -> StoreError {
    StoreError::Unavailable("the database could not begin a transaction".to_owned())
}

fn panicked() -> StoreError {
    StoreError::Unavailable("the work panicked; nothing of it stays".to_owned())
}

fn stopped() -> StoreError {
    StoreError::Unavailable(
        "the database takes no more writes after a failed sync; restart the server".to_owned(),
    )
}

fn write_until_closed(
    connection: &Connection,
    mut waiting: mpsc::UnboundedReceiver<Job>,
    health: &AtomicBool,
    caches: &Caches,
    batch: usize,
) {
    while let Some(first) = waiting.blocking_recv() {
        let mut answers = Vec::new();
        let commit = if health.load(Ordering::Acquire) {
            run_batch(connection, first, &mut waiting, &mut answers, caches, batch)
        } else {
            drop(first);
            continue;
        };
        if let Err((error, true)) = &commit {
            // After a failed sync the kernel may call the lost pages clean: no later commit can
            // be believed, so there is none.
            health.store(false, Ordering::Release);
            tracing::error!(%error, "the database cannot be synced; no more writes are taken");
        }
        let outcome = commit.map_err(|(error, _)| error);
        for answer in answers {
            answer(&outcome);
        }
    }
}

/// Runs `first` and whatever else waits, and commits. The error says whether durability itself
/// failed.
fn run_batch(
    connection: &Connection,
    first: Job,
    waiting: &mut mpsc::UnboundedReceiver<Job>,
    answers: &mut Vec<Answer>,
    caches: &Caches,
    batch: usize,
) -> std::result::Result<(), (StoreError, bool)> {
    if let Err(error) = execute(connection, "BEGIN IMMEDIATE") {
        // The work never ran; its callers hear that the writer stopped for them.
        return Err((error.into(), false));
    }
    let mut touched = Touched::NOTHING;
    let mut next = Some(first);
    while let Some(job) = next {
        touched = touched.and(job.touched);
        let failure = match run_job(connection, job.work, answers) {
            Ok(failure) => failure,
            Err(error) => {
                let _ = execute(connection, "ROLLBACK");
                return Err((error.into(), false));
            }
        };
        // A full disk or an I/O error makes SQLite roll the whole transaction back by itself.
        if connection.is_autocommit() {
            let error = failure.unwrap_or_else(|| StoreError::Unavailable("rolled back".to_owned()));
            let damaged = !matches!(error, StoreError::Full(_));
            return Err((error, damaged));
        }
        next = if answers.len() < batch { waiting.try_recv().ok() } else { None };
    }
    caches.close(touched);
    let committed = execute(connection, "COMMIT");
    caches.open(touched);
    committed.map_err(|error| {
        let sync_failed = error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure);
        let _ = execute(connection, "ROLLBACK");
        (error.into(), sync_failed)
    })
}

/// Runs one piece of work in a savepoint; says what it failed with, if it did.
fn run_job(
    connection: &Connection,
    work: Work,
    answers: &mut Vec<Answer>,
) -> rusqlite::Result<Option<StoreError>> {
    execute(connection, "SAVEPOINT job")?;
    let ran = work(connection);
    answers.push(ran.answer);
    if connection.is_autocommit() {
        return Ok(ran.failure);
    }
    if ran.failure.is_some() {
        execute(connection, "ROLLBACK TO job")?;
    }
    execute(connection, "RELEASE job")?;
    Ok(ran.failure)
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

#[cfg(test)]
mod tests;
