//! Metric points: how much of its power a service used.

use async_trait::async_trait;
use gangplank_core::{ServiceId, Time};

use crate::Result;

/// The length of one point.
pub const POINT: std::time::Duration = std::time::Duration::from_mins(5);

/// What was measured of a service within five minutes, as percent of its power, averaged over its nodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricPoint {
    /// When the five minutes begin, by the wall clock.
    pub at: Time,
    /// How many samples there are.
    pub samples: u32,
    /// Processor.
    pub processor: Measured,
    /// Memory.
    pub memory: Measured,
}

/// Samples in short.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The least.
    pub minimum: f64,
    /// The most.
    pub maximum: f64,
    /// All together.
    pub sum: f64,
}

/// What was measured of a service at one moment, as percent of its power, averaged over its nodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The service.
    pub service: ServiceId,
    /// Processor.
    pub processor: f64,
    /// Memory.
    pub memory: f64,
}

/// Keeps metric points.
#[async_trait]
pub trait MetricPoints: Send + Sync {
    /// Adds samples that were taken at `at` to the points of their five minutes. What was measured of a service that is
    /// gone is left out. Not synced: the last minutes before a power cut may be lost.
    async fn add_samples(&self, at: Time, samples: Vec<Sample>) -> Result<()>;

    /// The points of a service that begin from `start` on and before `end`, the oldest first.
    async fn metric_points(&self, service: ServiceId, start: Time, end: Time) -> Result<Vec<MetricPoint>>;

    /// Forgets points that began before `before`, at most `limit` of them. Says how many.
    async fn forget_metric_points(&self, before: Time, limit: u32) -> Result<u32>;

    /// Forgets all points of a service: those of a deployment whose place another one has taken. Not synced.
    async fn forget_metrics_of(&self, service: ServiceId) -> Result<()>;
}
