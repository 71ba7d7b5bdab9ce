//! Metrics of the database, which it measures itself.

use std::fmt;
use std::sync::Arc;

use gangplank_store::metadata::{Durations, Statistics};
use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Step {
    step: &'static str,
}

/// How long requests and jobs wait for the database.
#[derive(Debug)]
struct Waits(Arc<Statistics>);

#[derive(Debug)]
struct Retries(Arc<Statistics>);

#[derive(Debug)]
struct PollAge(Arc<Statistics>);

#[derive(Debug)]
struct ClockAhead(Arc<Statistics>);

/// Adds the metrics of the database that has these statistics.
pub(super) fn register(registry: &mut Registry, statistics: &Arc<Statistics>) {
    let help = "How long writes waited: for their turn (step turn: the writing thread, or with PostgreSQL a \
                connection, also of reads), and for the commit (step commit)";
    registry.register_with_unit("database_wait", help, Unit::Seconds, Waits(Arc::clone(statistics)));
    let help = "Transactions that ran again because of a conflict with others; 0 with SQLite";
    registry.register("store_retries", help, Retries(Arc::clone(statistics)));
    let help = "Time since this replica last read the shared state; only with PostgreSQL. Beyond 4 s every request \
                asks the database for its login";
    registry.register_with_unit("database_poll_age", help, Unit::Seconds, PollAge(Arc::clone(statistics)));
    let help = "How far this machine's clock is ahead of PostgreSQL's; below zero if it is behind";
    registry.register_with_unit("clock_ahead", help, Unit::Seconds, ClockAhead(Arc::clone(statistics)));
}

impl EncodeMetric for Waits {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (step, durations) in [("turn", &self.0.turns), ("commit", &self.0.commits)] {
            encode(durations, encoder.encode_family(&Step { step })?)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

fn encode(durations: &Durations, mut encoder: MetricEncoder<'_>) -> fmt::Result {
    let buckets = durations.buckets();
    let count = buckets.iter().map(|(_, count)| count).sum();
    encoder.encode_histogram::<NoLabelSet>(durations.sum().as_secs_f64(), count, &buckets, None)
}

impl EncodeMetric for Retries {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        encoder.encode_counter::<NoLabelSet, _, u64>(&self.0.retries(), None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Counter
    }
}

impl EncodeMetric for PollAge {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        encoder.encode_gauge(&self.0.poll_age().unwrap_or_default().as_secs_f64())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }

    fn is_empty(&self) -> bool {
        self.0.poll_age().is_none()
    }
}

impl EncodeMetric for ClockAhead {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let milliseconds = self.0.clock_ahead().unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "clocks do not differ by ages")]
        encoder.encode_gauge(&(milliseconds as f64 / 1_000.0))
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }

    fn is_empty(&self) -> bool {
        self.0.clock_ahead().is_none()
    }
}
