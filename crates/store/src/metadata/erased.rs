//! Any engine, behind one pointer. So the rules of the store are compiled once, and not for each database.

use std::sync::Arc;

use async_trait::async_trait;

use super::Metadata;
use super::answer::Answer;
use super::cache::Caches;
use super::engine::{Engine, Terms, Whose};
use super::statistics::Statistics;
use super::store::Store;
use super::tx::Tx;
use crate::Result;

/// A query that keeps its answer itself.
type Query<'q> = &'q (dyn Fn(&dyn Tx) -> Result<()> + Send + Sync);

/// A rule that keeps its answer itself.
type Rule = Arc<dyn Fn(&dyn Tx) -> Result<()> + Send + Sync>;

/// The methods of [`Engine`], without the types of answers.
#[async_trait]
trait Erased: Send + Sync {
    fn is_healthy(&self) -> bool;
    fn statistics(&self) -> Arc<Statistics>;
    fn is_exclusive(&self) -> bool;
    fn caches(&self) -> Option<&Caches>;
    async fn read_one(&self, query: Query<'_>) -> Result<()>;
    async fn read(&self, query: Query<'_>) -> Result<()>;
    async fn read_long(&self, whose: Whose, query: Rule) -> Result<()>;
    async fn write(&self, terms: Terms, rule: Rule) -> Result<()>;
    async fn give_back(&self) -> Result<bool>;
}

#[async_trait]
impl<E: Engine> Erased for E {
    fn is_healthy(&self) -> bool {
        Engine::is_healthy(self)
    }

    fn statistics(&self) -> Arc<Statistics> {
        Engine::statistics(self)
    }

    fn is_exclusive(&self) -> bool {
        Engine::is_exclusive(self)
    }

    fn caches(&self) -> Option<&Caches> {
        Engine::caches(self)
    }

    async fn read_one(&self, query: Query<'_>) -> Result<()> {
        Engine::read_one(self, query).await
    }

    async fn read(&self, query: Query<'_>) -> Result<()> {
        Engine::read(self, query).await
    }

    async fn read_long(&self, whose: Whose, query: Rule) -> Result<()> {
        Engine::read_long(self, whose, move |tx| query(tx)).await
    }

    async fn write(&self, terms: Terms, rule: Rule) -> Result<()> {
        Engine::write(self, terms, move |tx| rule(tx)).await
    }

    async fn give_back(&self) -> Result<bool> {
        Engine::give_back(self).await
    }
}

/// Any engine.
#[derive(Clone)]
pub(crate) struct AnyEngine(Arc<dyn Erased>);

/// The rows of a store, without the type of its engine. Callers are not generic: otherwise each crate that
/// calls them would compile all rules again.
pub(super) fn erase<E: Engine>(store: &Store<E>) -> Arc<dyn Metadata> {
    let Store { engine, live_counts, sources_swept } = store.clone();
    Arc::new(Store { engine: AnyEngine(Arc::new(engine)), live_counts, sources_swept })
}

impl Engine for AnyEngine {
    fn is_healthy(&self) -> bool {
        self.0.is_healthy()
    }

    fn statistics(&self) -> Arc<Statistics> {
        self.0.statistics()
    }

    fn is_exclusive(&self) -> bool {
        self.0.is_exclusive()
    }

    fn caches(&self) -> Option<&Caches> {
        self.0.caches()
    }

    async fn read_one<T: Send>(&self, query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync) -> Result<T> {
        let answer = Answer::none();
        self.0.read_one(&|tx| query(tx).map(|it| answer.keep(it))).await?;
        answer.take()
    }

    async fn read<T: Send>(&self, query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync) -> Result<T> {
        let answer = Answer::none();
        self.0.read(&|tx| query(tx).map(|it| answer.keep(it))).await?;
        answer.take()
    }

    async fn read_long<T: Send + 'static>(
        &self,
        whose: Whose,
        query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        let (answer, answered) = shared();
        self.0.read_long(whose, Arc::new(move |tx| query(tx).map(|it| answered.keep(it)))).await?;
        answer.take()
    }

    async fn write<T: Send + 'static>(
        &self,
        terms: Terms,
        rule: impl Fn(&dyn Tx) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        let (answer, answered) = shared();
        self.0.write(terms, Arc::new(move |tx| rule(tx).map(|it| answered.keep(it)))).await?;
        answer.take()
    }

    async fn give_back(&self) -> Result<bool> {
        self.0.give_back().await
    }
}

fn shared<T>() -> (Arc<Answer<T>>, Arc<Answer<T>>) {
    let answer = Arc::new(Answer::none());
    (Arc::clone(&answer), answer)
}
