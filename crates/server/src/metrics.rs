//! What the server counts, for whoever asks at `/metrics`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gangplank_store::metadata::collection::Collected;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// The content type of the answer: the text that Prometheus reads.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Every metric with what is said of it, as `/metrics` of a server that has done nothing yet answers.
pub fn uncounted() -> String {
    Metrics::new(Arc::default(), Arc::default()).text(0)
}

/// A counter that somebody else counts.
#[derive(Debug)]
struct CountedElsewhere(Arc<AtomicU64>);

impl EncodeMetric for CountedElsewhere {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> std::fmt::Result {
        encoder.encode_counter::<NoLabelSet, _, u64>(&self.0.load(Ordering::Acquire), None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Counter
    }
}

type Seconds = Gauge<f64, AtomicU64>;

/// Counters since the start, and how things stand.
pub(crate) struct Metrics {
    registry: Registry,
    cycles: Counter,
    failed_cycles: Counter,
    cycle_seconds: Seconds,
    manifests: Counter,
    blobs: Counter,
    contents: Counter,
    bytes: Counter,
    scrub_rounds: Counter,
    scrubbed: Counter,
    scrubbed_bytes: Counter,
    damaged: Counter,
    open_uploads: Gauge,
}

impl Metrics {
    /// Nothing is counted yet, but the lines that were dropped, of the server's log and of those of containers, which
    /// whoever writes them counts.
    pub(crate) fn new(dropped_log_lines: Arc<AtomicU64>, dropped_of_containers: Arc<AtomicU64>) -> Self {
        let mut registry = Registry::with_prefix("gangplank");
        let counter = |registry: &mut Registry, name: &str, help: &str| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        let cycles = counter(&mut registry, "gc_cycles", "Cycles of garbage collection");
        let failed_cycles = counter(&mut registry, "gc_failed_cycles", "Cycles that could not be finished");
        let manifests = counter(&mut registry, "gc_manifests", "Manifests that were collected");
        let blobs = counter(&mut registry, "gc_blobs", "Holds of repositories on blobs that were collected");
        let contents = counter(&mut registry, "gc_contents", "Contents that no repository held any more");
        let bytes = Counter::default();
        registry.register_with_unit(
            "gc_freed",
            "Length of those contents and manifests",
            Unit::Bytes,
            bytes.clone(),
        );
        let cycle_seconds = Seconds::default();
        let help = "How long the last cycle took";
        registry.register_with_unit("gc_last_cycle", help, Unit::Seconds, cycle_seconds.clone());
        let scrub_rounds = counter(&mut registry, "scrub_rounds", "Times that all content was read again");
        let scrubbed = counter(&mut registry, "scrub_contents", "Contents that were read again");
        let damaged = counter(&mut registry, "scrub_damaged", "Contents that were found to be damaged");
        let scrubbed_bytes = Counter::default();
        let help = "Length of the contents that were read again";
        registry.register_with_unit("scrub_read", help, Unit::Bytes, scrubbed_bytes.clone());
        let help = "Lines of the log that were dropped because nobody read them fast enough";
        registry.register("log_lines_dropped", help, CountedElsewhere(dropped_log_lines));
        let help = "Lines of containers that were dropped since they came faster than they can be written";
        registry.register("container_log_lines_dropped", help, CountedElsewhere(dropped_of_containers));
        let open_uploads = Gauge::default();
        registry.register("open_uploads", "Upload sessions that are open", open_uploads.clone());
        Self {
            registry,
            cycles,
            failed_cycles,
            cycle_seconds,
            manifests,
            blobs,
            contents,
            bytes,
            scrub_rounds,
            scrubbed,
            scrubbed_bytes,
            damaged,
            open_uploads,
        }
    }

    /// Notes a cycle of garbage collection.
    pub(crate) fn collected(&self, collected: &Collected, took: Duration) {
        self.cycles.inc();
        self.cycle_seconds.set(took.as_secs_f64());
        self.manifests.inc_by(collected.manifests);
        self.blobs.inc_by(collected.blobs);
        self.contents.inc_by(collected.contents);
        self.bytes.inc_by(collected.bytes);
    }

    /// Notes a cycle of garbage collection that failed.
    pub(crate) fn collection_failed(&self) {
        self.failed_cycles.inc();
    }

    /// Notes that all content was read again.
    pub(crate) fn scrub_round(&self) {
        self.scrub_rounds.inc();
    }

    /// Notes that content was read again.
    pub(crate) fn scrubbed(&self, bytes: u64) {
        self.scrubbed.inc();
        self.scrubbed_bytes.inc_by(bytes);
    }

    /// Notes that content was found to be damaged.
    pub(crate) fn damage_found(&self) {
        self.damaged.inc();
    }

    /// Everything, as Prometheus reads it.
    pub(crate) fn text(&self, open_uploads: usize) -> String {
        self.open_uploads.set(i64::try_from(open_uploads).unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
