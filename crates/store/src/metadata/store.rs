//! The store of rows: the rules, over an engine.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use futures_util::future::BoxFuture;
use gangplank_core::Origin;

use super::Metadata;
use super::engine::{Engine, Promise, Settled, Terms, Whose};
use super::rules::audit::Note;
use super::rules::live_counts::LiveCounts;
use super::settling::{Change, Run, Upkeep, Write, settle};
use super::statistics::Statistics;
use super::tx::Tx;
use crate::Result;

/// A page of up to this many names is read in a fraction of a millisecond.
const SHORT: usize = 1_001;

/// Rows in a database. The rules are in [`rules`](super::rules), one file for each noun.
#[derive(Clone)]
pub struct Store<E> {
    pub(crate) engine: E,
    pub(crate) live_counts: Arc<LiveCounts>,
    pub(crate) sources_swept: Arc<AtomicI64>,
}

/// The outcome of a change.
pub(crate) enum Outcome<T> {
    /// Something was changed, with its event.
    Changed(T, Note),
    /// Nothing was changed, so there is no event.
    Unchanged(T),
}

impl<E: Engine> Metadata for Store<E> {
    fn is_healthy(&self) -> bool {
        self.engine.is_healthy()
    }

    fn statistics(&self) -> Arc<Statistics> {
        self.engine.statistics()
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

    /// Runs several queries on one snapshot of the database.
    pub(crate) fn read<T: Send>(
        &self,
        query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync,
    ) -> impl Future<Output = Result<T>> + Send {
        self.engine.read(query)
    }

    /// Reads a page of names. A short page is read on the calling thread, which is cheaper than handing it
    /// over.
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

    /// Makes a change that users see, and records its event in the same transaction.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        by: &Origin,
        terms: Terms,
        rule: impl Fn(&dyn Tx) -> Result<Outcome<T>> + Send + Sync + 'static,
    ) -> Result<T> {
        let terms = Terms { settled: Settled::ByEvent, ..terms };
        let change = Change::of(by, rule);
        // If this process alone writes the database, no connection can be lost.
        let change = Arc::new(if self.engine.is_exclusive() { change } else { change.with_an_id() });
        self.write(terms, Arc::clone(&change) as Arc<dyn Write>).await?;
        change.answer()
    }

    /// Writes without an event: blobs on their way, leases, and the server's own work.
    pub(crate) async fn upkeep<T: Send + 'static>(
        &self,
        terms: Terms,
        rule: impl Fn(&dyn Tx) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        let upkeep = Arc::new(Upkeep::of(rule));
        self.write(terms, Arc::clone(&upkeep) as Arc<dyn Write>).await?;
        upkeep.answer()
    }

    /// Runs a write until its outcome is known, if its terms say how it becomes known.
    fn write(&self, terms: Terms, write: Arc<dyn Write>) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let (promise, settled) = (terms.promise, terms.settled);
            let run = |run| {
                let write = Arc::clone(&write);
                self.engine.write(terms.clone(), move |tx| {
                    write.run(tx, run)?;
                    keep_promise(tx, promise, run)
                })
            };
            if settled == Settled::Not { run(Run::First).await } else { settle(run).await }
        })
    }
}

/// The second run may find that the first one was committed, and write nothing. Its answer must not promise
/// more than the commit of the first.
fn keep_promise(tx: &dyn Tx, promise: Promise, run: Run) -> Result<()> {
    if run == Run::Again && promise == Promise::Durable { tx.reach_copies() } else { Ok(()) }
}
