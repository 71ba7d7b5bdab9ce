//! Metric points: how much of its power a service uses.

use async_trait::async_trait;
use gangplank_core::{ServiceId, Time};

use crate::Result;

/// The time that one point covers.
pub const POINT: std::time::Duration = std::time::Duration::from_mins(5);

/// Measurements of a service within five minutes, in percent of its power, averaged over its nodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricPoint {
    /// When the five minutes begin, by the wall clock.
    pub at: Time,
    /// How many samples it summarizes.
    pub samples: u32,
    /// Processor use.
    pub processor: Measured,
    /// Memory use.
    pub memory: Measured,
}

/// A summary of samples, in percent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The least sample.
    pub minimum: f64,
    /// The greatest sample.
    pub maximum: f64,
    /// The sum of all samples.
    pub sum: f64,
}

/// One measurement of a service, in percent of its power, averaged over its nodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The service.
    pub service: ServiceId,
    /// Processor use.
    pub processor: f64,
    /// Memory use.
    pub memory: f64,
}

/// Stores metric points.
#[async_trait]
pub trait MetricPoints: Send + Sync {
    /// Adds samples taken at `at` to the points of their five minutes. Samples of a deleted service are
    /// dropped. The points are not synced: a power cut may lose the last minutes.
    async fn add_samples(&self, at: Time, samples: Vec<Sample>) -> Result<()>;

    /// The points of a service that begin at `start` or later and before `end`, oldest first.
    async fn metric_points(&self, service: ServiceId, start: Time, end: Time) -> Result<Vec<MetricPoint>>;

    /// Deletes at most `limit` points that began before `before`; returns how many.
    async fn forget_metric_points(&self, before: Time, limit: u32) -> Result<u32>;

    /// Deletes all points of a service, after another deployment has taken over. Not synced.
    async fn forget_metrics_of(&self, service: ServiceId) -> Result<()>;
}
