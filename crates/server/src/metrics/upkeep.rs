//! Metrics of garbage collection and of the scrub.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use gangplank_store::metadata::collection::Collected;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// Counts cycles of collection, and contents that the scrub read.
pub(super) struct Upkeep {
    cycles: Counter,
    pub(super) failed_cycles: Counter,
    cycle_seconds: Gauge<f64, AtomicU64>,
    manifests: Counter,
    blobs: Counter,
    contents: Counter,
    bytes: Counter,
    pub(super) scrub_rounds: Counter,
    pub(super) scrubbed: Counter,
    pub(super) scrubbed_bytes: Counter,
    pub(super) damaged: Counter,
}

impl Upkeep {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let mut counter = |name: &str, help: &str, unit: Option<Unit>| {
            let counter = Counter::default();
            match unit {
                Some(unit) => registry.register_with_unit(name, help, unit, counter.clone()),
                None => registry.register(name, help, counter.clone()),
            }
            counter
        };
        let upkeep = Self {
            cycles: counter("gc_cycles", "Cycles of garbage collection", None),
            failed_cycles: counter("gc_failed_cycles", "Cycles that could not be finished", None),
            cycle_seconds: Gauge::default(),
            manifests: counter("gc_manifests", "Manifests that were collected", None),
            blobs: counter("gc_blobs", "Holds of repositories on blobs that were collected", None),
            contents: counter("gc_contents", "Contents that no repository held any more", None),
            bytes: counter("gc_freed", "Length of those contents and manifests", Some(Unit::Bytes)),
            scrub_rounds: counter("scrub_rounds", "Times that all content was read again", None),
            scrubbed: counter("scrub_contents", "Contents that were read again", None),
            scrubbed_bytes: counter(
                "scrub_read",
                "Length of the contents that were read again",
                Some(Unit::Bytes),
            ),
            damaged: counter("scrub_damaged", "Contents that were found to be damaged", None),
        };
        let help = "How long the last cycle took";
        registry.register_with_unit("gc_last_cycle", help, Unit::Seconds, upkeep.cycle_seconds.clone());
        upkeep
    }

    pub(super) fn collected(&self, collected: &Collected, took: Duration) {
        self.cycles.inc();
        self.cycle_seconds.set(took.as_secs_f64());
        self.manifests.inc_by(collected.manifests);
        self.blobs.inc_by(collected.blobs);
        self.contents.inc_by(collected.contents);
        self.bytes.inc_by(collected.bytes);
    }
}
