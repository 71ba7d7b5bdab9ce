//! Metrics of background jobs.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Job {
    // The label is not called `job`: Prometheus adds its own label `job`.
    name: &'static str,
}

/// Counts rounds, by the job's name in the list.
pub(crate) struct Jobs {
    rounds: Family<Job, Counter>,
    failed: Family<Job, Counter>,
    busy: Family<Job, Counter<f64, AtomicU64>>,
}

impl Jobs {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let (rounds, failed, busy) = (Family::default(), Family::default(), Family::default());
        let help = "Rounds of what the server does by itself, those that failed too";
        registry.register("job_rounds", help, rounds.clone());
        registry.register("job_failed_rounds", "Rounds that failed; each is tried again", failed.clone());
        registry.register_with_unit(
            "job_busy",
            "How long the rounds took together",
            Unit::Seconds,
            busy.clone(),
        );
        Self { rounds, failed, busy }
    }

    /// Adds a job, so that its series exist before its first round.
    pub(crate) fn listed(&self, name: &'static str) {
        drop(self.rounds.get_or_create(&Job { name }));
        drop(self.failed.get_or_create(&Job { name }));
        drop(self.busy.get_or_create(&Job { name }));
    }

    /// Counts a round that has ended, failed or not.
    pub(crate) fn done(&self, name: &'static str, took: Duration) {
        self.rounds.get_or_create(&Job { name }).inc();
        self.busy.get_or_create(&Job { name }).inc_by(took.as_secs_f64());
    }

    /// Counts a round that failed.
    pub(crate) fn failed(&self, name: &'static str, took: Duration) {
        self.done(name, took);
        self.failed.get_or_create(&Job { name }).inc();
    }
}
