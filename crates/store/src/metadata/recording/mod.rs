//! An engine for tests: it runs rules in another one, and says which of them would go wrong where many write at once.
//!
//! SQLite has one writer, so whatever a rule forgets to lock there is never missed. This engine notes what a rule locks,
//! reads and changes, and breaks with a rule that
//!
//! - locks out of the order of [`Level`](super::tx::Level), or of that of the [`tables`] within a level;
//! - locks several rows of a table in no order, or by keys that fall;
//! - locks for a change what it has locked to be shared: two that do so wait for each other;
//! - changes rows that it has not locked, after it has read any of their table. One statement that changes rows, and of
//!   whose table nothing was read before, locks them itself;
//! - writes where it said that it only reads, or asks more than once where it said that it asks once, and so has no
//!   snapshot.
//!
//! It knows tables and not rows: a rule that locks one row and changes another of the same table passes.

mod held;
mod statement;
mod tables;
#[cfg(test)]
mod tests;
mod transaction;

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use super::cache::Caches;
use super::engine::{Engine, Terms, Whose};
use super::store::Store;
use super::tx::Tx;
use crate::{Result, StoreError};
use transaction::{Mode, Recorder};

/// The engine `E`, whose rules are watched.
#[derive(Clone)]
pub struct Recorded<E> {
    inner: E,
    seen: Arc<Mutex<Seen>>,
}

/// What was seen of all rules.
#[derive(Default)]
struct Seen {
    /// The round trips of the last rule that wrote.
    last: Vec<String>,
    /// What went wrong.
    wrong: Vec<String>,
}

#[expect(private_bounds, reason = "engines are made in this crate alone")]
impl<E: Engine> Store<E> {
    /// The same rows, with every rule watched.
    pub fn recorded(self) -> Store<Recorded<E>> {
        Store::new(Recorded { inner: self.engine, seen: Arc::default() })
    }
}

#[expect(private_bounds, reason = "engines are made in this crate alone")]
impl<E: Engine> Store<Recorded<E>> {
    /// What the last rule that wrote asked of the database, each in one round trip.
    pub fn last_round_trips(&self) -> Vec<String> {
        self.engine.seen(|seen| seen.last.clone())
    }

    /// What was wrong with the rules that were run, in words.
    pub fn wrong(&self) -> Vec<String> {
        self.engine.seen(|seen| seen.wrong.clone())
    }
}

impl<E> Recorded<E> {
    fn seen<T>(&self, of: impl FnOnce(&mut Seen) -> T) -> T {
        of(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs a rule or a query, and fails it for what is wrong with it.
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

    /// As if others wrote too, so that what rules then do instead of remembering is tried.
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
