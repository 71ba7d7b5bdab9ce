//! Measurements of container services.

use crate::macros::structure;
use crate::{ApiError, Timestamp};

use super::names::{CONTAINER_SERVICE_NAME, METRIC_PERIOD, TIMESTAMP};
use super::{ContainerServiceMetricName, MetricStatistic, MetricUnit};

structure! {
    /// The measurements to show.
    pub struct GetContainerServiceMetricDataRequest, check check_metric_data {
        /// The name of the service.
        "serviceName" service_name: String as &CONTAINER_SERVICE_NAME,
        /// The name of the metric.
        "metricName" metric_name: ContainerServiceMetricName,
        /// The time from which to show data points, including the one that this time is in.
        "startTime" start_time: Timestamp,
        /// The time before which the data points begin.
        "endTime" end_time: Timestamp,
        /// The seconds that each data point covers, a multiple of 60; one measurement is taken in 300 seconds.
        "period" period: i32 as &METRIC_PERIOD,
        /// The numbers that each data point has.
        "statistics" statistics: Vec<MetricStatistic>,
    }
}

structure! {
    /// The measurements.
    pub struct GetContainerServiceMetricDataResult: Default {
        /// The name of the metric.
        "metricName" metric_name: Option<ContainerServiceMetricName>,
        /// The data points.
        "metricData" metric_data: Option<Vec<MetricDatapoint>>,
    }
}

structure! {
    /// The measurements of one period.
    pub struct MetricDatapoint: Default {
        /// The mean of the measurements.
        "average" average: Option<f64>,
        /// The greatest measurement.
        "maximum" maximum: Option<f64>,
        /// The least measurement.
        "minimum" minimum: Option<f64>,
        /// The number of measurements.
        "sampleCount" sample_count: Option<f64>,
        /// The sum of the measurements.
        "sum" sum: Option<f64>,
        /// When the period began.
        "timestamp" timestamp: Option<Timestamp> as &TIMESTAMP,
        /// The unit of the numbers.
        "unit" unit: Option<MetricUnit>,
    }
}

fn check_metric_data(request: &GetContainerServiceMetricDataRequest) -> Result<(), ApiError> {
    if request.statistics.is_empty() {
        let allowed = MetricStatistic::VALUES.join(", ");
        return Err(ApiError::invalid_input(format!("statistics is empty; give at least one of: {allowed}")));
    }
    if request.period % 60 != 0 {
        return Err(ApiError::invalid_input("period is not a multiple of 60 seconds."));
    }
    if request.end_time <= request.start_time {
        return Err(ApiError::invalid_input("endTime must be later than startTime."));
    }
    Ok(())
}
