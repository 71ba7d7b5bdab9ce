//! Writes whose commit got no answer, because the connection was lost over it: they were made or not.
//!
//! They are run again. A change is told by its event in the audit trail, which has the id of its request: if it is
//! there, the first run was committed, and what it answered is the answer. Other work is run again if it says that it
//! answers the same then; of the rest nobody hears more than that it is not known.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use gangplank_core::Origin;
use uuid::Uuid;

use super::store::Outcome;
use super::tx::{Query, Tx, values};
use crate::{Result, StoreError};

/// How long it is tried to find out.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the database is left alone before it is asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// Which run of a write it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Run {
    First,
    /// Nobody knows whether an earlier one was committed.
    Again,
}

/// Runs a write until it is known what became of it.
pub(crate) async fn settle<T, W>(write: impl Fn(Run) -> W) -> Result<T>
where
    W: Future<Output = Result<T>>,
{
    let mut outcome = write(Run::First).await;
    let begun = Instant::now();
    while matches!(outcome, Err(StoreError::OutcomeUnknown(_))) && begun.elapsed() < PATIENCE {
        match write(Run::Again).await {
            // The first is as unknown as before.
            Err(StoreError::Unavailable(_) | StoreError::Contended(_)) => tokio::time::sleep(PAUSE).await,
            settled => outcome = settled,
        }
    }
    outcome
}

/// A change, and what it has answered.
pub(crate) struct Change<T, R> {
    by: Origin,
    rule: R,
    answer: Mutex<Option<T>>,
}

impl<T, R: Fn(&dyn Tx) -> Result<Outcome<T>>> Change<T, R> {
    pub(crate) fn of(by: &Origin, rule: R) -> Self {
        Self { by: by.clone(), rule, answer: Mutex::new(None) }
    }

    /// Gives it an id, by which it is found, if it belongs to no request.
    pub(crate) fn with_an_id(mut self) -> Self {
        self.by.request.get_or_insert_with(|| Uuid::new_v4().to_string());
        self
    }

    pub(crate) fn run(&self, tx: &dyn Tx, run: Run) -> Result<()> {
        match run {
            Run::First => self.make(tx),
            Run::Again => self.make_unless_made(tx),
        }
    }

    /// What it answered when it was committed.
    pub(crate) fn answer(&self) -> Result<T> {
        let answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        answer.ok_or_else(|| StoreError::damaged("a change was committed that did not run"))
    }

    fn make(&self, tx: &dyn Tx) -> Result<()> {
        match (self.rule)(tx)? {
            Outcome::Unchanged(answer) => self.keep(answer),
            Outcome::Changed(answer, note) => {
                note.write(tx, &self.by)?;
                self.keep(answer);
            }
        }
        Ok(())
    }

    /// The first run may still be under way in the database. The rule waits for its locks, and then shows what it did;
    /// or its event is in the way of this one, and the database has all of this run again.
    fn make_unless_made(&self, tx: &dyn Tx) -> Result<()> {
        if self.is_noted(tx)? {
            return Ok(());
        }
        match (self.rule)(tx) {
            Ok(Outcome::Changed(answer, note)) => {
                note.write(tx, &self.by)?;
                self.keep(answer);
            }
            Ok(Outcome::Unchanged(answer)) => {
                if !self.is_noted(tx)? {
                    self.keep(answer);
                }
            }
            Err(StoreError::OverQuota(_)) if self.is_noted(tx)? => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn is_noted(&self, tx: &dyn Tx) -> Result<bool> {
        tx.one(&Query::column(
            "SELECT EXISTS (SELECT 1 FROM audit WHERE request = ?1)",
            values![&self.by.request],
        ))
    }

    fn keep(&self, answer: T) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
    }
}
