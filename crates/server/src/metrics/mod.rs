//! The metrics at `/metrics`. They follow the conventions of Prometheus. No label has a value that a client
//! chooses, so a client cannot add series.

mod access;
mod bucket;
mod database;
mod exposition;
mod jobs;
mod process;
mod requests;
mod standing;
mod upkeep;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gangplank_core::{EventKind, Scope, Time};
use gangplank_store::metadata::Statistics;
use gangplank_store::metadata::collection::Collected;
use gangplank_store::open::BucketCalls;
use hyper::Method;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use access::Access;
use bucket::Figures;
pub(crate) use exposition::Exposition;
use jobs::Jobs;
use process::Process;
pub(crate) use requests::Outcome;
use requests::Requests;
use standing::Gauges;
pub(crate) use standing::{Rows, Standing};
use upkeep::Upkeep;

use crate::refusals::Refusal;

/// Counters since the start, and gauges.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Requests,
    access: Access,
    /// Background jobs.
    pub(crate) jobs: Jobs,
    upkeep: Upkeep,
    gauges: Gauges,
    /// Whether the bytes of each account are shown.
    pub(crate) counts_accounts: bool,
}

/// The figures that other parts of the server count.
#[derive(Default)]
pub(crate) struct Sources {
    /// The dropped lines of the server's log.
    pub(crate) dropped_log_lines: Arc<AtomicU64>,
    /// The dropped lines of containers' logs.
    pub(crate) dropped_of_containers: Arc<AtomicU64>,
    /// The database.
    pub(crate) database: Arc<Statistics>,
    /// The calls to the server of the bucket, if there is one.
    pub(crate) bucket: Option<Arc<BucketCalls>>,
    /// Whether the bytes of each account are shown.
    pub(crate) counts_accounts: bool,
}

/// The text of `/metrics` with every metric in it, for the reference pages.
pub fn of_each() -> String {
    let account_bytes = vec![("000000000000".to_owned(), 0)];
    let standing = Standing { rows: Some(Rows { account_bytes, ..Rows::default() }), ..Standing::default() };
    let database = Arc::<Statistics>::default();
    database.polled(Instant::now());
    database.clock_is_ahead(0);
    let metrics = Metrics::of(Time(0), Arc::default(), Arc::default(), &database, Some(Figures::Sample));
    // A family with labels appears only once it has a series.
    metrics.issued(Scope::PUSH);
    metrics.used(Scope::PUSH);
    metrics.jobs.listed("collection");
    metrics.refused(&Refusal { kind: EventKind::LoginRefused, action: None, reason: "unknown" });
    metrics.ended(&Outcome {
        service: "registry",
        operation: "none",
        method: &Method::GET,
        status: 200,
        took: Duration::ZERO,
        received: 0,
        sent: 0,
    });
    metrics.text(Exposition::OpenMetrics, &standing)
}

/// A counter that another part of the server increments.
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

impl Metrics {
    /// Metrics with all counters at zero.
    pub(crate) fn new(now: Time, sources: Sources) -> Self {
        let Sources { dropped_log_lines, dropped_of_containers, database, bucket, counts_accounts } = sources;
        let bucket = bucket.map(Figures::Measured);
        let metrics = Self::of(now, dropped_log_lines, dropped_of_containers, &database, bucket);
        Self { counts_accounts, ..metrics }
    }

    fn of(
        now: Time,
        dropped_log_lines: Arc<AtomicU64>,
        dropped_of_containers: Arc<AtomicU64>,
        database: &Arc<Statistics>,
        bucket: Option<Figures>,
    ) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Process { started: now.seconds() }));
        let ours = registry.sub_registry_with_prefix("gangplank");
        ours.register("build", "The program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        let help = "Lines of the log that were dropped because nobody read them fast enough";
        ours.register("log_lines_dropped", help, CountedElsewhere(dropped_log_lines));
        let help = "Lines of containers that were dropped since they came faster than they can be written";
        ours.register("container_log_lines_dropped", help, CountedElsewhere(dropped_of_containers));
        let (requests, access) = (Requests::register(ours), Access::register(ours));
        let (jobs, upkeep) = (Jobs::register(ours), Upkeep::register(ours));
        let gauges = Gauges::register(ours);
        database::register(ours, database);
        if let Some(figures) = bucket {
            bucket::register(ours, &figures);
        }
        Self { registry, requests, access, jobs, upkeep, gauges, counts_accounts: false }
    }

    /// Counts a request that has ended.
    pub(crate) fn ended(&self, outcome: &Outcome<'_>) {
        self.requests.ended(outcome);
    }

    /// Counts a login that was made.
    pub(crate) fn issued(&self, scope: Scope) {
        self.access.issued(scope);
    }

    /// Counts a request that came with a valid registry login.
    pub(crate) fn used(&self, scope: Scope) {
        self.access.used(scope);
    }

    /// The counter of rests of logins that took more than their part of the processors.
    pub(crate) fn rests(&self) -> Counter {
        self.access.rests.clone()
    }

    /// Counts a refusal because of a quota, if it was one. `option` sets the quota.
    pub(crate) fn over_quota(&self, option: Option<&'static str>) {
        if let Some(option) = option {
            self.access.over_quota(option);
        }
    }

    /// Counts a refusal.
    pub(crate) fn refused(&self, refusal: &Refusal) {
        self.access.refused(refusal);
    }

    /// Counts a cycle of garbage collection.
    pub(crate) fn collected(&self, collected: &Collected, took: Duration) {
        self.upkeep.collected(collected, took);
    }

    /// Counts a cycle of garbage collection that failed.
    pub(crate) fn collection_failed(&self) {
        self.upkeep.failed_cycles.inc();
    }

    /// Counts a finished pass of the scrub.
    pub(crate) fn scrub_round(&self) {
        self.upkeep.scrub_rounds.inc();
    }

    /// Counts content that the scrub has read, and its `bytes`.
    pub(crate) fn scrubbed(&self, bytes: u64) {
        self.upkeep.scrubbed.inc();
        self.upkeep.scrubbed_bytes.inc_by(bytes);
    }

    /// Counts content that the scrub found damaged or unreadable.
    pub(crate) fn damage_found(&self) {
        self.upkeep.damaged.inc();
    }

    /// All metrics, in this format.
    pub(crate) fn text(&self, form: Exposition, standing: &Standing) -> String {
        self.gauges.set(standing);
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = encode(&mut text, &self.registry);
        form.of(text)
    }
}
