//! An engine for tests: it refuses what PostgreSQL could refuse, and loses the answers that it could lose.
//!
//! It runs rules in another engine. Each is refused at its first statement, then at its second, and so on, and at last
//! at its commit; each time it is run again, as an engine does when others were in the way. And every second commit gets
//! no answer, if it can be settled what became of it. Nobody who uses the store may see a difference.

mod refusing;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::cache::Caches;
use super::engine::{Engine, Settled, Terms, Whose};
use super::store::Store;
use super::tx::Tx;
use crate::{Result, StoreError};
use refusing::{Verdict, places, refusal};

/// What becomes of a commit whose answer is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// It has happened: its answer alone is lost.
    Answer,
    /// It has not, and never will.
    Commit,
}

/// The engine `E`, with others in the way of everybody.
#[derive(Clone)]
pub struct Contending<E> {
    inner: E,
    lost: Lost,
    commits: Arc<AtomicU64>,
}

#[expect(private_bounds, reason = "engines are made in this crate alone")]
impl<E: Engine> Store<E> {
    /// The same rows, with others in the way wherever they could be.
    pub fn contending(self, lost: Lost) -> Store<Contending<E>> {
        Store::new(Contending { inner: self.engine, lost, commits: Arc::default() })
    }
}

#[expect(private_bounds, reason = "engines are made in this crate alone")]
impl<E: Engine> Contending<E> {
    /// Refuses a rule everywhere. What it fails with by itself is its answer.
    async fn refuse<T: Send + 'static>(
        &self,
        terms: &Terms,
        rule: &Arc<impl Fn(&dyn Tx) -> Result<T> + Send + Sync + 'static>,
    ) -> Result<()> {
        for place in places() {
            let verdict = Arc::new(Mutex::new(None));
            let run = {
                let (rule, verdict) = (Arc::clone(rule), Arc::clone(&verdict));
                move |tx: &dyn Tx| -> Result<()> {
                    *lock(&verdict) = Some(refusing::run(tx, place, &*rule));
                    // Nothing of it stays.
                    Err(refusal())
                }
            };
            let not_run = self.inner.write(terms.clone(), run).await;
            let verdict = lock(&verdict).take();
            match verdict {
                Some(Verdict::Refused) => {}
                Some(Verdict::Ended(_)) => break,
                Some(Verdict::Failed(error)) => return Err(error),
                None => return not_run,
            }
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Refuses a query everywhere before it is answered.
fn refuse_query<T>(tx: &dyn Tx, query: impl Fn(&dyn Tx) -> Result<T>) -> Result<T> {
    for place in places() {
        match refusing::run(tx, place, &query) {
            Verdict::Refused => {}
            Verdict::Ended(answer) => return Ok(answer),
            Verdict::Failed(error) => return Err(error),
        }
    }
    query(tx)
}

impl<E: Engine> Engine for Contending<E> {
    fn is_healthy(&self) -> bool {
        self.inner.is_healthy()
    }

    fn is_exclusive(&self) -> bool {
        false
    }

    fn caches(&self) -> &Caches {
        self.inner.caches()
    }

    async fn read_one<T: Send>(&self, query: impl Fn(&dyn Tx) -> Result<T> + Send) -> Result<T> {
        self.inner.read_one(move |tx| refuse_query(tx, &query)).await
    }

    async fn read<T: Send>(&self, query: impl Fn(&dyn Tx) -> Result<T> + Send) -> Result<T> {
        self.inner.read(move |tx| refuse_query(tx, &query)).await
    }

    async fn read_long<T: Send + 'static>(
        &self,
        whose: Whose,
        query: impl Fn(&dyn Tx) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.inner.read_long(whose, move |tx| refuse_query(tx, &query)).await
    }

    async fn write<T: Send + 'static>(
        &self,
        terms: Terms,
        rule: impl Fn(&dyn Tx) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        let is_lost =
            terms.settled != Settled::Not && self.commits.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
        let rule = Arc::new(rule);
        self.refuse(&terms, &rule).await?;
        if is_lost && self.lost == Lost::Commit {
            return Err(StoreError::OutcomeUnknown("the commit was lost".into()));
        }
        let answer = self.inner.write(terms, move |tx| rule(tx)).await?;
        if is_lost {
            return Err(StoreError::OutcomeUnknown("the answer to the commit was lost".into()));
        }
        Ok(answer)
    }

    async fn give_back(&self) -> Result<bool> {
        self.inner.give_back().await
    }
}
