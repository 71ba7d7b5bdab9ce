//! What is measured of container services.

use crate::macros::structure;
use crate::{ApiError, Timestamp};

use super::logs::check_order;
use super::names::{CONTAINER_SERVICE_NAME, METRIC_PERIOD, TIMESTAMP};
use super::{ContainerServiceMetricName, MetricStatistic, MetricUnit};

structure! {
    /// Which measurements to show.
    pub struct GetContainerServiceMetricDataRequest, check check_metric_data {
        /// The name of the service.
        "serviceName" service_name: String as &CONTAINER_SERVICE_NAME,
        /// What was measured.
        "metricName" metric_name: ContainerServiceMetricName,
        /// The moment from which on to show data points.
        "startTime" start_time: Timestamp,
        /// The moment up to which to show data points.
        "endTime" end_time: Timestamp,
        /// The seconds that each data point sums up; measured is every 300 seconds.
        "period" period: i32 as &METRIC_PERIOD,
        /// The numbers that each data point is to have.
        "statistics" statistics: Vec<MetricStatistic>,
    }
}

structure! {
    /// The measurements that were asked for.
    pub struct GetContainerServiceMetricDataResult: Default {
        /// What was measured.
        "metricName" metric_name: Option<ContainerServiceMetricName>,
        /// The data points.
        "metricData" metric_data: Option<Vec<MetricDatapoint>>,
    }
}

structure! {
    /// The measurements of one period.
    pub struct MetricDatapoint: Default {
        /// Their mean.
        "average" average: Option<f64>,
        /// The greatest.
        "maximum" maximum: Option<f64>,
        /// The least.
        "minimum" minimum: Option<f64>,
        /// How many there are.
        "sampleCount" sample_count: Option<f64>,
        /// All added up.
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
    check_order(request.start_time, request.end_time)
}
