//! A job, as the list has it.

use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

/// Does something round by round. What it keeps from one round to the next is no more than a help: a round may fail or
/// panic at any step, and another process may do the next one.
#[async_trait]
pub(crate) trait Job: Send {
    /// Does a round, and says when the next one is. A long one ends early, between two steps, when `stop` says so: the
    /// server stops, or another process does the job now.
    ///
    /// # Errors
    /// If something is left to do that the next round will try again.
    async fn round(&mut self, stop: &CancellationToken) -> anyhow::Result<Next>;

    /// Returns when the next round need not wait for its time. It may be dropped and called again at any moment.
    async fn woken(&mut self) {
        std::future::pending::<()>().await;
    }

    /// Does what is left to be done when the server stops, or after the last round.
    async fn end(&mut self) {}
}

/// When the next round is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// When the list says.
    AsListed,
    /// After so long.
    In(Duration),
    /// Not before it is woken.
    WhenWoken,
    /// Never: all is done.
    Never,
}

/// Whose job it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Each process does it for itself.
    Process,
    /// One process does it for all that share the store.
    Cluster,
}

/// When rounds are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct When {
    /// How long after the start the first one is.
    pub(super) first: Duration,
    /// How long after each the next one is, if it does not say so itself.
    pub(super) every: Option<Duration>,
}

impl When {
    /// The first after so long, and so long after each.
    pub(crate) const fn every(pause: Duration) -> Self {
        Self { first: pause, every: Some(pause) }
    }

    /// The first at once, and so long after each.
    pub(crate) const fn at_once_and_every(pause: Duration) -> Self {
        Self { first: Duration::ZERO, every: Some(pause) }
    }

    /// The first at once; each says when the next one is.
    pub(crate) const fn at_once() -> Self {
        Self::after(Duration::ZERO)
    }

    /// The first after so long; each says when the next one is.
    pub(crate) const fn after(pause: Duration) -> Self {
        Self { first: pause, every: None }
    }
}

/// A line of the list.
pub(crate) struct Listed {
    /// What the job is called in the log, the metrics, and its claim.
    pub(super) name: &'static str,
    pub(super) when: When,
    pub(super) scope: Scope,
    pub(super) job: Box<dyn Job>,
}

impl Listed {
    /// A job with its name, when it runs, and whose it is.
    pub(crate) fn new(name: &'static str, when: When, scope: Scope, job: impl Job + 'static) -> Self {
        Self { name, when, scope, job: Box::new(job) }
    }
}
