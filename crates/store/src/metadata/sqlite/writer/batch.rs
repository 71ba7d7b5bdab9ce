//! The loop of the thread: begin a transaction, run all waiting work, commit, answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};

use super::queue::{Queue, Share};
use super::{Answer, Caller, Job, LEAST_PATIENCE, Log, MOST_PATIENCE, Work};
use crate::StoreError;
use crate::metadata::cache::Caches;
use crate::metadata::engine::Takes;
use crate::metadata::statistics::Statistics;

pub(super) struct Batches {
    pub(super) connection: Connection,
    pub(super) log: Log,
    pub(super) health: Arc<AtomicBool>,
    pub(super) caches: Arc<Caches>,
    pub(super) statistics: Arc<Statistics>,
    /// The most pieces of work in one commit.
    pub(super) most: usize,
    /// Whether the log has to be emptied before the answers.
    pub(super) empties_log: bool,
    /// If a commit for several callers has taken this long, no caller gets a second piece of work into it. The time is
    /// about that of a sync. So a caller with little work waits little for others, and callers still share syncs.
    pub(super) patience: Duration,
}

impl Batches {
    /// Works until all senders are gone.
    pub(super) fn run(mut self, mut queue: Queue) {
        while queue.wait().is_some() {
            if !self.health.load(Ordering::Acquire) {
                queue.drop_first();
                continue;
            }
            let (begun, mut answers) = (Instant::now(), Vec::new());
            let commit = self.commit(&mut queue, &mut answers);
            if let Err((error, true)) = &commit {
                self.give_up(error);
            }
            let outcome = commit.map_err(|(error, _)| error);
            let emptied =
                if std::mem::take(&mut self.empties_log) { Log::empty(&self.connection) } else { Ok(()) };
            for answer in answers {
                answer(&outcome);
            }
            // Other failures, such as a lock of another process, do no harm: the log only stays long.
            if let Err(error) = emptied.and_then(|()| self.log.shorten(&self.connection))
                && is_io(&error)
            {
                self.give_up(&error.into());
            }
            queue.committed(begun.elapsed());
        }
    }

    /// Refuses all further writes. After a failed sync the kernel may treat the lost pages as written, so no
    /// later commit can be trusted.
    fn give_up(&self, error: &StoreError) {
        self.health.store(false, Ordering::Release);
        tracing::error!(%error, "the database cannot be synced; no more writes are taken");
    }

    /// Runs the waiting work and commits. The `bool` of an error is true if no later commit can be trusted to
    /// be durable.
    fn commit(
        &mut self,
        queue: &mut Queue,
        answers: &mut Vec<Answer>,
    ) -> std::result::Result<(), (StoreError, bool)> {
        let share = queue.share();
        let begun = self.log.begin(&self.connection, share.promise());
        if let Err(error) = begun.and_then(|()| execute(&self.connection, "BEGIN IMMEDIATE")) {
            // The work never ran. Its caller gets the error that the database could not begin a transaction.
            queue.drop_first();
            return Err((error.into(), false));
        }
        let most = if share == Share::Heavy { 1 } else { self.most };
        let (mut takes, mut shared) = (Takes::Nothing, Shared::until(self.patience));
        while answers.len() < most
            && let Some(job) = queue.next(share, |caller| shared.is_over_for(caller))
        {
            let Job { caller, takes: by_job, empties_log, sent, work, .. } = job;
            self.statistics.turns.observe(sent.elapsed());
            takes = takes.and(by_job);
            shared.add(caller);
            self.empties_log |= empties_log;
            let ran = if answers.is_empty() {
                run_first(&self.connection, work, answers)
            } else {
                run_in_savepoint(&self.connection, work, answers)
            };
            let failure = match ran {
                Ok(failure) => failure,
                Err(error) => {
                    let _ = execute(&self.connection, "ROLLBACK");
                    return Err((error.into(), false));
                }
            };
            // After a full disk or an I/O error SQLite has rolled back the whole transaction by itself.
            if self.connection.is_autocommit() {
                let error = failure.unwrap_or_else(|| StoreError::unavailable("rolled back".to_owned()));
                let damaged = !matches!(error, StoreError::Full(_));
                return Err((error, damaged));
            }
        }
        self.caches.close(takes);
        let committing = Instant::now();
        let committed = execute(&self.connection, "COMMIT");
        let committed_in = committing.elapsed();
        self.statistics.commits.observe(committed_in);
        self.patience = committed_in.clamp(LEAST_PATIENCE, MOST_PATIENCE);
        self.caches.open(takes);
        committed.map_err(|error| {
            let sync_failed = is_io(&error);
            let _ = execute(&self.connection, "ROLLBACK");
            (error.into(), sync_failed)
        })
    }
}

/// The callers with work in the present commit. If the commit takes long, each caller has only one piece in it.
struct Shared {
    by: Vec<Caller>,
    until: Instant,
}

impl Shared {
    fn until(patience: Duration) -> Self {
        Self { by: Vec::new(), until: Instant::now() + patience }
    }

    fn add(&mut self, caller: Caller) {
        if !self.by.contains(&caller) {
            self.by.push(caller);
        }
    }

    /// Whether more work of this caller has to wait for the next commit.
    fn is_over_for(&self, caller: &Caller) -> bool {
        self.by.len() > 1 && self.by.contains(caller) && self.until < Instant::now()
    }
}

fn is_io(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
}

/// Runs the first work of a transaction; returns its error. It needs no savepoint: if it fails, nothing else is
/// in the transaction. A savepoint would cost a copy of every changed page.
fn run_first(
    connection: &Connection,
    work: Work,
    answers: &mut Vec<Answer>,
) -> rusqlite::Result<Option<StoreError>> {
    let ran = work(connection);
    answers.push(ran.answer);
    if ran.failure.is_some() && !connection.is_autocommit() {
        execute(connection, "ROLLBACK")?;
        execute(connection, "BEGIN IMMEDIATE")?;
    }
    Ok(ran.failure)
}

/// Runs another piece of work; returns its error.
fn run_in_savepoint(
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
