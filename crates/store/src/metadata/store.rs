//! The store of rows: its rules, over an engine.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use gangplank_core::Origin;

use super::Metadata;
use super::engine::{Engine, Terms, Whose};
use super::rules::audit::Note;
use super::rules::live_counts::LiveCounts;
use super::tx::Tx;
use crate::Result;

/// So many names take a fraction of a millisecond.
const SHORT: usize = 1_001;

/// Rows in a database. The rules are in [`rules`](super::rules), a file for each noun.
#[derive(Clone)]
pub struct Store<E> {
    pub(crate) engine: E,
    pub(crate) live_counts: Arc<LiveCounts>,
    pub(crate) sources_swept: Arc<AtomicI64>,
}

/// What became of a change.
pub(crate) enum Outcome<T> {
    /// It was made, and is noted.
    Changed(T, Note),
    /// Nothing was changed, so there is nothing to note.
    Unchanged(T),
}

impl<E: Engine> Metadata for Store<E> {
    fn is_healthy(&self) -> bool {
        self.engine.is_healthy()
    }
}

#[expect(private_bounds, reason = "engines are made in this crate alone")]
impl<E: Engine> Store<E> {
    pub(crate) fn new(engine: E) -> Self {
        let live_counts = if engine.is_exclusive() { LiveCounts::kept() } else { LiveCounts::Counted };
        Self { engine, live_counts: Arc::new(live_counts), sources_swept: Arc::default() }
    }

    /// Runs a single query.
    pub(crate) fn read_one<T: Send>(
        &self,
        query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync,
    ) -> impl Future<Output = Result<T>> + Send {
        self.engine.read_one(query)
    }

    /// Runs several queries, all of which see the database as it was at the first.
    pub(crate) fn read<T: Send>(
        &self,
        query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync,
    ) -> impl Future<Output = Result<T>> + Send {
        self.engine.read(query)
    }

    /// Reads a page of names: a short one where it is asked for, which is cheaper than to hand it over.
    pub(crate) async fn read_page<T: Send + 'static>(
        &self,
        whose: Whose,
        limit: usize,
        query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        if limit <= SHORT { self.engine.read(query).await } else { self.engine.read_long(whose, query).await }
    }

    /// Runs several queries that may take longer than a few milliseconds.
    pub(crate) fn read_long<T: Send + 'static>(
        &self,
        whose: Whose,
        query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync + 'static,
    ) -> impl Future<Output = Result<T>> + Send {
        self.engine.read_long(whose, query)
    }

    /// Makes a change that users see, and notes it as `by`'s in the same transaction.
    pub(crate) fn change<T: Send + 'static>(
        &self,
        by: &Origin,
        terms: Terms,
        rule: impl Fn(&dyn Tx) -> Result<Outcome<T>> + Send + Sync + 'static,
    ) -> impl Future<Output = Result<T>> + Send {
        let by = by.clone();
        self.engine.write(terms, move |tx| match rule(tx)? {
            Outcome::Unchanged(value) => Ok(value),
            Outcome::Changed(value, note) => {
                note.write(tx, &by)?;
                Ok(value)
            }
        })
    }

    /// Writes what belongs to no event: blobs on their way, leases, and the server's own work.
    pub(crate) fn upkeep<T: Send + 'static>(
        &self,
        terms: Terms,
        rule: impl Fn(&dyn Tx) -> Result<T> + Send + Sync + 'static,
    ) -> impl Future<Output = Result<T>> + Send {
        self.engine.write(terms, rule)
    }
}
