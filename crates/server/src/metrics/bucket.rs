//! Metrics of the calls to the server of a bucket. The client that makes the calls measures them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use gangplank_store::open::{BucketCalls, CallFigures};
use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    call: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failure {
    call: &'static str,
    kind: &'static str,
}

/// The source of the figures.
#[derive(Clone, Debug)]
pub(super) enum Figures {
    Measured(Arc<BucketCalls>),
    /// A figure of each kind, for the reference pages.
    Sample,
}

impl Figures {
    fn read(&self) -> BTreeMap<&'static str, CallFigures> {
        match self {
            Self::Measured(calls) => calls.read(),
            Self::Sample => {
                let failed = BTreeMap::from([("no-answer", 1)]);
                BTreeMap::from([("GetObject", CallFigures { failed, ..CallFigures::default() })])
            }
        }
    }
}

/// The figure that a metric shows.
#[derive(Clone, Copy, Debug)]
enum Shown {
    Ended,
    Failed,
    Took,
    UnderWay,
}

#[derive(Debug)]
struct Metric(Figures, Shown);

/// Adds the metrics of a bucket.
pub(super) fn register(registry: &mut Registry, figures: &Figures) {
    let metric = |shown| Metric(figures.clone(), shown);
    let help = "Calls to the server of the bucket that have ended; a call that is repeated counts each time";
    registry.register("s3_calls", help, metric(Shown::Ended));
    let help = "Calls to the server of the bucket that failed";
    registry.register("s3_errors", help, metric(Shown::Failed));
    let help = "How long the calls took together, each until the head of its answer";
    registry.register_with_unit("s3_calls", help, Unit::Seconds, metric(Shown::Took));
    let help = "Calls that are under way; those of UploadPart are the parts in flight";
    registry.register("s3_calls_under_way", help, metric(Shown::UnderWay));
}

impl EncodeMetric for Metric {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (call, figures) in self.0.read() {
            let labels = Call { call };
            match self.1 {
                Shown::Ended => count(&mut encoder, &labels, figures.ended)?,
                Shown::Failed => {
                    for (kind, failed) in figures.failed {
                        count(&mut encoder, &Failure { call, kind }, failed)?;
                    }
                }
                Shown::Took => {
                    let seconds = figures.took.as_secs_f64();
                    encoder.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&seconds, None)?;
                }
                Shown::UnderWay => encoder.encode_family(&labels)?.encode_gauge(&figures.under_way)?,
            }
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        match self.1 {
            Shown::UnderWay => MetricType::Gauge,
            Shown::Ended | Shown::Failed | Shown::Took => MetricType::Counter,
        }
    }

    fn is_empty(&self) -> bool {
        let figures = self.0.read();
        match self.1 {
            Shown::Failed => figures.values().all(|figures| figures.failed.is_empty()),
            _ => figures.is_empty(),
        }
    }
}

fn count(encoder: &mut MetricEncoder<'_>, labels: &impl EncodeLabelSet, count: u64) -> fmt::Result {
    encoder.encode_family(labels)?.encode_counter::<NoLabelSet, _, u64>(&count, None)
}
