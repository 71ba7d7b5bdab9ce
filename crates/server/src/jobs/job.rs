//! A job, and its entry in the list of jobs.

use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

/// Does work in rounds. A job keeps state between rounds only to save time: a round may fail or panic at any
/// step, and another process may do the next one.
#[async_trait]
pub(crate) trait Job: Send {
    /// Does one round and returns when the next one is due. When `stop` is cancelled, the server stops or
    /// another process has the job now. A long round then ends early, between two steps.
    ///
    /// # Errors
    /// If work is left undone. The next round tries again.
    async fn round(&mut self, stop: &CancellationToken) -> anyhow::Result<Next>;

    /// Returns when the next round should begin earlier than planned. The future may be dropped and made again
    /// at any moment.
    async fn woken(&mut self) {
        std::future::pending::<()>().await;
    }

    /// Finishes when the server stops, or after the last round.
    async fn end(&mut self) {}
}

/// When the next round is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// After the pause that the list of jobs sets.
    AsListed,
    /// After this pause.
    In(Duration),
    /// When the job is woken.
    WhenWoken,
    /// Never: the job is done.
    Never,
}

/// The processes that do a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Each process does it for itself.
    Process,
    /// One of the processes that share the store does it for all.
    Cluster,
}

/// The times of a job's rounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct When {
    /// The time from the start to the first round.
    pub(super) first: Duration,
    /// The time from one round to the next, unless the round names another pause.
    pub(super) every: Option<Duration>,
}

impl When {
    /// The first round comes after this pause, and each further round after another such pause.
    pub(crate) const fn every(pause: Duration) -> Self {
        Self { first: pause, every: Some(pause) }
    }

    /// The first round comes at once, and each further round after this pause.
    pub(crate) const fn at_once_and_every(pause: Duration) -> Self {
        Self { first: Duration::ZERO, every: Some(pause) }
    }

    /// The first round comes at once. Each round says when the next one is due.
    pub(crate) const fn at_once() -> Self {
        Self::after(Duration::ZERO)
    }

    /// The first round comes after this pause. Each round says when the next one is due.
    pub(crate) const fn after(pause: Duration) -> Self {
        Self { first: pause, every: None }
    }
}

/// An entry in the list of jobs.
pub(crate) struct Listed {
    /// The name in the log, the metrics and the claim.
    pub(super) name: &'static str,
    pub(super) when: When,
    pub(super) scope: Scope,
    pub(super) job: Box<dyn Job>,
}

impl Listed {
    /// An entry for a job.
    pub(crate) fn new(name: &'static str, when: When, scope: Scope, job: impl Job + 'static) -> Self {
        Self { name, when, scope, job: Box::new(job) }
    }
}
