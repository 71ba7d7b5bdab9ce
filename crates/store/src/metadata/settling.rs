//! Handles writes whose commit got no answer because the connection was lost: nobody knows whether they were
//! made.
//!
//! The store runs such a write again. A change is recognized by its event in the audit trail, which contains
//! the id of its request. If the event exists, the first run was committed, and its answer counts. Other work
//! runs again if its terms allow that. For the rest the caller gets [`StoreError::OutcomeUnknown`].

use std::future::Future;
use std::time::Duration;

use gangplank_core::Origin;
use tokio::time::Instant;
use uuid::Uuid;

use super::answer::Answer;
use super::patience::{Call, RESERVE, left};
use super::store::Outcome;
use super::tx::{Query, Tx, values};
use crate::{Result, StoreError};

/// How long to wait for a database that is out of reach or busy.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often in a row the answer may be lost.
const MOST_LOST: u32 = 16;

/// The pause before the database is asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// Whether a write runs for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Run {
    First,
    /// An earlier run may have been committed.
    Again,
}

/// Runs a write until its outcome is known, or its time is over.
pub(crate) async fn settle<T, W>(write: impl Fn(Run) -> W) -> Result<T>
where
    W: Future<Output = Result<T>>,
{
    let call = Call::begin();
    let mut outcome = write(Run::First).await;
    let (mut lost, mut since) = (1, Instant::now());
    while matches!(outcome, Err(StoreError::OutcomeUnknown(_)))
        && lost < MOST_LOST
        && since.elapsed() < PATIENCE
        && left(call.until(), PATIENCE) > RESERVE
    {
        match write(Run::Again).await {
            // The outcome of the first run is still unknown.
            Err(StoreError::Unavailable(_) | StoreError::Contended(_)) => tokio::time::sleep(PAUSE).await,
            told => {
                outcome = told;
                (lost, since) = (lost + 1, Instant::now());
            }
        }
    }
    outcome
}

/// A write, without the type of its answer.
pub(crate) trait Write: Send + Sync {
    fn run(&self, tx: &dyn Tx, run: Run) -> Result<()>;
}

/// Work without an event, and its answer.
pub(crate) struct Upkeep<T, R> {
    rule: R,
    answer: Answer<T>,
}

impl<T, R: Fn(&dyn Tx) -> Result<T>> Upkeep<T, R> {
    pub(crate) fn of(rule: R) -> Self {
        Self { rule, answer: Answer::none() }
    }

    /// The answer of the run that was committed.
    pub(crate) fn answer(&self) -> Result<T> {
        self.answer.take()
    }
}

impl<T: Send, R: Fn(&dyn Tx) -> Result<T> + Send + Sync> Write for Upkeep<T, R> {
    fn run(&self, tx: &dyn Tx, _: Run) -> Result<()> {
        (self.rule)(tx).map(|answer| self.answer.keep(answer))
    }
}

/// A change, and its answer.
pub(crate) struct Change<T, R> {
    by: Origin,
    rule: R,
    answer: Answer<T>,
}

impl<T: Send, R: Fn(&dyn Tx) -> Result<Outcome<T>> + Send + Sync> Write for Change<T, R> {
    fn run(&self, tx: &dyn Tx, run: Run) -> Result<()> {
        match run {
            Run::First => self.make(tx),
            Run::Again => self.make_unless_made(tx),
        }
    }
}

impl<T, R: Fn(&dyn Tx) -> Result<Outcome<T>>> Change<T, R> {
    pub(crate) fn of(by: &Origin, rule: R) -> Self {
        Self { by: by.clone(), rule, answer: Answer::none() }
    }

    /// Gives a change without a request an id, by which its event is found.
    pub(crate) fn with_an_id(mut self) -> Self {
        self.by.request.get_or_insert_with(|| Uuid::new_v4().to_string());
        self
    }

    /// The answer of the run that was committed.
    pub(crate) fn answer(&self) -> Result<T> {
        self.answer.take()
    }

    fn make(&self, tx: &dyn Tx) -> Result<()> {
        match (self.rule)(tx)? {
            Outcome::Unchanged(answer) => self.answer.keep(answer),
            Outcome::Changed(answer, note) => {
                note.write(tx, &self.by)?;
                self.answer.keep(answer);
            }
        }
        Ok(())
    }

    /// The first run may still be under way in the database. Then either the rule waits for its locks and sees
    /// its effect, or both events collide and the database asks for another run.
    fn make_unless_made(&self, tx: &dyn Tx) -> Result<()> {
        if self.is_noted(tx)? {
            return Ok(());
        }
        match (self.rule)(tx) {
            Ok(Outcome::Changed(answer, note)) => {
                note.write(tx, &self.by)?;
                self.answer.keep(answer);
            }
            Ok(Outcome::Unchanged(answer)) => {
                if !self.is_noted(tx)? {
                    self.answer.keep(answer);
                }
            }
            Err(StoreError::OverQuota(_) | StoreError::CallerEnded) if self.is_noted(tx)? => {}
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
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Settles a write whose runs have these outcomes, one after the other. The last one repeats. Returns the
    /// result and how each run was made.
    async fn runs(outcomes: &[Result<u8>]) -> (Result<u8>, Vec<Run>) {
        let runs = RefCell::new(Vec::new());
        let outcome = settle(|run| {
            let at = runs.borrow().len().min(outcomes.len() - 1);
            runs.borrow_mut().push(run);
            std::future::ready(outcomes[at].clone())
        })
        .await;
        (outcome, runs.into_inner())
    }

    fn unknown() -> Result<u8> {
        Err(StoreError::OutcomeUnknown("lost".into()))
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_known_is_not_run_again() {
        for known in [Ok(1), Err(StoreError::Contended("others".into()))] {
            assert_eq!(runs(&[known]).await.1, [Run::First]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_unknown_is_run_again_until_it_is_known() {
        let away = || Err(StoreError::unavailable("the database restarts"));
        let busy = || Err(StoreError::Contended("others".into()));
        let (outcome, runs) = runs(&[unknown(), away(), busy(), unknown(), Ok(1)]).await;
        assert_eq!(outcome.unwrap(), 1);
        assert_eq!(runs, [Run::First, Run::Again, Run::Again, Run::Again, Run::Again]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_stays_unknown_is_said_to_be_so() {
        let begun = Instant::now();
        let (outcome, runs) = runs(&[unknown(), Err(StoreError::unavailable("it is gone"))]).await;
        assert!(matches!(outcome, Err(StoreError::OutcomeUnknown(_))), "{outcome:?}");
        assert!(begun.elapsed() >= PATIENCE && runs.len() > 2, "{runs:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_that_loses_every_answer_is_not_asked_for_ever() {
        let (outcome, runs) = runs(&[unknown()]).await;
        assert!(matches!(outcome, Err(StoreError::OutcomeUnknown(_))), "{outcome:?}");
        assert_eq!(runs.len(), 16);
    }
}
