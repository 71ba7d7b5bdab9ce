//! An engine for tests that fails as PostgreSQL can fail.
//!
//! It runs rules in another engine. It refuses each rule at its first statement, then at its second, and so on,
//! and at last at its commit. After each refusal the rule runs again, as after a conflict. If the store can
//! settle such a case, it often gets no answer to a commit. A caller of the store must not notice any of this.

mod refusing;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::cache::Caches;
use super::engine::{Engine, Settled, Terms, Whose};
use super::statistics::Statistics;
use super::store::Store;
use super::tx::Tx;
use crate::{Result, StoreError};
use refusing::{Verdict, places, refusal};

/// The fate of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Answered,
    /// It happens, but its answer is lost.
    AnswerLost,
    /// It does not happen, and no answer comes.
    Lost,
}

/// The fates of successive commits. A write that is lost runs again, and loses its answer then. The write after
/// the third commit loses its answer at once.
const FATES: [Fate; 5] = [Fate::Lost, Fate::AnswerLost, Fate::Answered, Fate::AnswerLost, Fate::Answered];

/// The engine `E` with simulated conflicts.
#[derive(Clone)]
pub struct Contending<E> {
    inner: E,
    commits: Arc<AtomicUsize>,
}

#[expect(private_bounds, reason = "engines are made in this crate alone")]
impl<E: Engine> Store<E> {
    /// These rows, with conflicts wherever they are possible.
    pub fn contending(self) -> Store<Contending<E>> {
        Store::new(Contending { inner: self.engine, commits: Arc::default() })
    }
}

#[expect(private_bounds, reason = "engines are made in this crate alone")]
impl<E: Engine> Contending<E> {
    fn next_fate(&self, terms: &Terms) -> Fate {
        match terms.settled {
            Settled::Not => Fate::Answered,
            Settled::ByEvent | Settled::ByRepeating => {
                FATES[self.commits.fetch_add(1, Ordering::Relaxed) % FATES.len()]
            }
        }
    }

    /// Refuses a rule at every place. If the rule itself fails, returns its error.
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
                    // The error rolls the transaction back.
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

/// Refuses a query at every place, and then answers it.
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

    fn statistics(&self) -> Arc<Statistics> {
        self.inner.statistics()
    }

    fn is_exclusive(&self) -> bool {
        false
    }

    fn caches(&self) -> Option<&Caches> {
        self.inner.caches()
    }

    async fn read_one<T: Send>(&self, query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync) -> Result<T> {
        self.inner.read_one(move |tx| refuse_query(tx, &query)).await
    }

    async fn read<T: Send>(&self, query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync) -> Result<T> {
        self.inner.read(move |tx| refuse_query(tx, &query)).await
    }

    async fn read_long<T: Send + 'static>(
        &self,
        whose: Whose,
        query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        self.inner.read_long(whose, move |tx| refuse_query(tx, &query)).await
    }

    async fn write<T: Send + 'static>(
        &self,
        terms: Terms,
        rule: impl Fn(&dyn Tx) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        let (fate, rule) = (self.next_fate(&terms), Arc::new(rule));
        self.refuse(&terms, &rule).await?;
        if fate == Fate::Lost {
            return Err(StoreError::OutcomeUnknown("the commit was lost".into()));
        }
        let answer = self.inner.write(terms, move |tx| rule(tx)).await?;
        match fate {
            Fate::Answered => Ok(answer),
            _ => Err(StoreError::OutcomeUnknown("the answer to the commit was lost".into())),
        }
    }

    async fn give_back(&self) -> Result<bool> {
        self.inner.give_back().await
    }
}
