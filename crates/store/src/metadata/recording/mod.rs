//! An engine for tests that runs rules in another engine and finds those that would go wrong with concurrent
//! transactions.
//!
//! SQLite has one writer, so a missing lock has no effect there. This engine records what a rule locks, reads
//! and changes. It fails a rule that
//!
//! - locks in another order than [`Level`](super::tx::Level) has, or within a level in another order than the
//!   [`tables`] have;
//! - locks several rows of a table without an order, or by falling keys;
//! - locks with `Update` what it has locked with `Share`: two such rules would wait for each other;
//! - changes rows that it has not locked, after it has read rows of the same table. If the rule has not read the table,
//!   a single statement may change its rows, because the statement locks them itself;
//! - writes although it said that it only reads, or runs several queries although it said that it runs one, and
//!   so has no snapshot.
//!
//! It knows tables but not rows. A rule that locks one row and changes another one of the same table is not
//! found.

mod held;
mod kept;
mod statement;
mod tables;
#[cfg(test)]
mod tests;
mod transaction;

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use super::cache::Caches;
use super::engine::{Engine, Terms, Whose};
use super::statistics::Statistics;
use super::store::Store;
use super::tx::Tx;
use crate::{Result, StoreError};
use transaction::{Mode, Recorder};

/// The engine `E` with its rules under observation.
#[derive(Clone)]
pub struct Recorded<E> {
    inner: E,
    seen: Arc<Mutex<Seen>>,
}

/// The observations of all rules.
#[derive(Default)]
struct Seen {
    /// The round trips of the last rule that wrote.
    last: Vec<String>,
    /// The mistakes that were found in rules.
    wrong: Vec<String>,
}

#[expect(private_bounds, reason = "engines are made in this crate alone")]
impl<E: Engine> Store<E> {
    /// These rows, with all rules under observation.
    pub fn recorded(self) -> Store<Recorded<E>> {
        Store::new(Recorded { inner: self.engine, seen: Arc::default() })
    }
}

#[expect(private_bounds, reason = "engines are made in this crate alone")]
impl<E: Engine> Store<Recorded<E>> {
    /// The round trips of the last rule that wrote, each as its text.
    pub fn last_round_trips(&self) -> Vec<String> {
        self.engine.seen(|seen| seen.last.clone())
    }

    /// The mistakes in the rules that ran, in words.
    pub fn wrong(&self) -> Vec<String> {
        self.engine.seen(|seen| seen.wrong.clone())
    }
}

impl<E> Recorded<E> {
    fn seen<T>(&self, of: impl FnOnce(&mut Seen) -> T) -> T {
        of(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs a rule or a query. Fails if it makes a mistake.
    fn watch<T>(&self, tx: &dyn Tx, mode: Mode, rule: impl Fn(&dyn Tx) -> Result<T>) -> Result<T> {
        let recorder = Recorder::new(tx, mode);
        let outcome = rule(&recorder);
        let (round_trips, wrong) = recorder.end();
        let failure = (!wrong.is_empty()).then(|| StoreError::unavailable(wrong.join("; ")));
        self.seen(|seen| {
            seen.wrong.extend(wrong);
            if mode == Mode::Writes {
                seen.last = round_trips;
            }
        });
        match failure {
            Some(failure) => Err(failure),
            None => outcome,
        }
    }
}

impl<E: Engine> Engine for Recorded<E> {
    fn is_healthy(&self) -> bool {
        self.inner.is_healthy()
    }

    fn statistics(&self) -> Arc<Statistics> {
        self.inner.statistics()
    }

    /// Pretends that others write too, so that rules count in the database and not in memory.
    fn is_exclusive(&self) -> bool {
        false
    }

    fn caches(&self) -> Option<&Caches> {
        self.inner.caches()
    }

    async fn read_one<T: Send>(&self, query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync) -> Result<T> {
        self.inner.read_one(move |tx| self.watch(tx, Mode::ReadsOnce, &query)).await
    }

    async fn read<T: Send>(&self, query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync) -> Result<T> {
        self.inner.read(move |tx| self.watch(tx, Mode::Reads, &query)).await
    }

    async fn read_long<T: Send + 'static>(
        &self,
        whose: Whose,
        query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        let this = self.clone();
        self.inner.read_long(whose, move |tx| this.watch(tx, Mode::Reads, &query)).await
    }

    async fn write<T: Send + 'static>(
        &self,
        terms: Terms,
        rule: impl Fn(&dyn Tx) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        let this = self.clone();
        self.inner.write(terms, move |tx| this.watch(tx, Mode::Writes, &rule)).await
    }

    fn give_back(&self) -> impl Future<Output = Result<bool>> + Send {
        self.inner.give_back()
    }
}
