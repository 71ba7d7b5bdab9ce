//! Metrics of requests: their number, status, duration and bytes.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use hyper::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// The upper bounds of the duration buckets, in seconds: from an answer out of memory to a client's timeout.
const DURATIONS: [f64; 15] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// The outcome of a request.
pub(crate) struct Outcome<'a> {
    /// The part of the server that answered: its name in metrics.
    pub(crate) service: &'static str,
    /// The operation, or the route.
    pub(crate) operation: &'static str,
    pub(crate) method: &'a Method,
    /// The status of the answer.
    pub(crate) status: u16,
    /// The time from the head of the request to the last byte of the answer.
    pub(crate) took: Duration,
    /// Bytes of the request, head and body.
    pub(crate) received: u64,
    /// Bytes of the answer's body.
    pub(crate) sent: u64,
}

/// The labels of a request. Clients choose none of the values, or they could add series without end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    service: &'static str,
    route: &'static str,
    method: &'static str,
    code: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    service: &'static str,
    route: &'static str,
}

/// Counts requests that have ended.
pub(super) struct Requests {
    ended: Family<Labels, Counter>,
    took: Family<Route, Histogram, fn() -> Histogram>,
    received: Counter<u64, AtomicU64>,
    sent: Counter<u64, AtomicU64>,
}

impl Requests {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let ended = Family::default();
        registry.register(
            "http_requests",
            "Requests that were answered, or whose client left (499)",
            ended.clone(),
        );
        let took = Family::new_with_constructor(durations as fn() -> Histogram);
        let help = "From the head of a request to the last byte of its answer";
        registry.register_with_unit("http_request_duration", help, Unit::Seconds, took.clone());
        let (received, sent) = (Counter::default(), Counter::default());
        registry.register_with_unit(
            "http_received",
            "Length of requests, heads too",
            Unit::Bytes,
            received.clone(),
        );
        registry.register_with_unit(
            "http_sent",
            "Length of the bodies of answers",
            Unit::Bytes,
            sent.clone(),
        );
        Self { ended, took, received, sent }
    }

    pub(super) fn ended(&self, outcome: &Outcome<'_>) {
        let Outcome { service, operation: route, method, status: code, took, received, sent } = *outcome;
        self.ended.get_or_create(&Labels { service, route, method: known(method), code }).inc();
        self.took.get_or_create(&Route { service, route }).observe(took.as_secs_f64());
        self.received.inc_by(received);
        self.sent.inc_by(sent);
    }
}

fn durations() -> Histogram {
    Histogram::new(DURATIONS)
}

/// The name of a method. All methods that no route has share one name.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
