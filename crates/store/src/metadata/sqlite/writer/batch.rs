//! The loop of the thread: begin a transaction, run all waiting work, commit, answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rusqlite::{Connection, ErrorCode};

use super::{Answer, Job, Log, PATIENCE, Queue, Whose, Work};
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
}

impl Batches {
    /// Works until all senders are gone.
    pub(super) fn run(mut self, mut queue: Queue) {
        while queue.wait().is_some() {
            if !self.health.load(Ordering::Acquire) {
                queue.drop_first();
                continue;
            }
            let mut answers = Vec::new();
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
        let promise = queue.promise();
        let begun = self.log.begin(&self.connection, promise);
        if let Err(error) = begun.and_then(|()| execute(&self.connection, "BEGIN IMMEDIATE")) {
            // The work never ran. Its caller gets the error that the database could not begin a transaction.
            queue.drop_first();
            return Err((error.into(), false));
        }
        let (mut takes, mut shared) = (Takes::Nothing, Shared::new());
        while answers.len() < self.most
            && !queue.turn().is_some_and(|whose| shared.is_over_for(whose))
            && let Some(Job { whose, takes: by_job, empties_log, sent, work, .. }) = queue.next(promise)
        {
            self.statistics.turns.observe(sent.elapsed());
            takes = takes.and(by_job);
            shared.add(whose);
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
        self.statistics.commits.observe(committing.elapsed());
        self.caches.open(takes);
        committed.map_err(|error| {
            let sync_failed = is_io(&error);
            let _ = execute(&self.connection, "ROLLBACK");
            (error.into(), sync_failed)
        })
    }
}

/// The accounts with work in the present commit. If the commit takes long, each account has only one piece in
/// it.
struct Shared {
    by: Vec<Whose>,
    begun: Instant,
}

impl Shared {
    fn new() -> Self {
        Self { by: Vec::new(), begun: Instant::now() }
    }

    fn add(&mut self, whose: Whose) {
        if !self.by.contains(&whose) {
            self.by.push(whose);
        }
    }

    /// Whether more work of this account has to wait for the next commit.
    fn is_over_for(&self, whose: &Whose) -> bool {
        self.by.len() > 1 && self.by.contains(whose) && self.begun.elapsed() > PATIENCE
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
