//! Aggregates metric points as requested.

use gangplank_api::Timestamp;
use gangplank_api::lightsail::{
    ContainerServiceMetricName, GetContainerServiceMetricDataRequest, MetricDatapoint, MetricStatistic,
    MetricUnit,
};
use gangplank_core::Time;
use gangplank_store::metadata::metric_points::{Measured, MetricPoint, POINT};

/// The time span of the requested points: the first time is in it, the second is not. It begins at the start of
/// the period that contains the requested time. Otherwise a request for the last five minutes would mostly find
/// no complete point.
pub(super) fn span(input: &GetContainerServiceMetricDataRequest) -> (Time, Time) {
    let point = i64::try_from(POINT.as_millis()).unwrap_or(i64::MAX);
    (Time(begin(input.start_time.0, point.max(period(input)))), Time(input.end_time.0))
}

/// The data points of all periods that have any, the oldest first, with the requested statistics.
pub(super) fn datapoints(
    points: &[MetricPoint],
    input: &GetContainerServiceMetricDataRequest,
) -> Vec<MetricDatapoint> {
    let mut periods: Vec<(i64, u32, Measured)> = Vec::new();
    for point in points {
        let (at, measured) = (begin(point.at.0, period(input)), measured(point, input.metric_name));
        match periods.last_mut() {
            Some((last, samples, all)) if *last == at => {
                *samples += point.samples;
                *all = Measured {
                    minimum: all.minimum.min(measured.minimum),
                    maximum: all.maximum.max(measured.maximum),
                    sum: all.sum + measured.sum,
                };
            }
            _ => periods.push((at, point.samples, measured)),
        }
    }
    let wants = |statistic: MetricStatistic| input.statistics.contains(&statistic);
    let shown = |(at, samples, all): (i64, u32, Measured)| {
        let count = f64::from(samples);
        let given = |statistic, number: f64| wants(statistic).then_some(number);
        MetricDatapoint {
            average: given(MetricStatistic::Average, all.sum / count.max(1.0)),
            maximum: given(MetricStatistic::Maximum, all.maximum),
            minimum: given(MetricStatistic::Minimum, all.minimum),
            sample_count: given(MetricStatistic::SampleCount, count),
            sum: given(MetricStatistic::Sum, all.sum),
            timestamp: Some(Timestamp(at)),
            unit: Some(MetricUnit::Percent),
        }
    };
    periods.into_iter().map(shown).collect()
}

fn measured(point: &MetricPoint, name: ContainerServiceMetricName) -> Measured {
    match name {
        ContainerServiceMetricName::CpuUtilization => point.processor,
        ContainerServiceMetricName::MemoryUtilization => point.memory,
    }
}

/// The requested period, in milliseconds.
fn period(input: &GetContainerServiceMetricDataRequest) -> i64 {
    i64::from(input.period) * 1_000
}

/// The start of the period with this length that contains a moment. All times are in milliseconds.
fn begin(moment: i64, length: i64) -> i64 {
    moment - moment.rem_euclid(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn request(period: i32, start: i64, end: i64) -> GetContainerServiceMetricDataRequest {
        GetContainerServiceMetricDataRequest {
            service_name: "web".to_owned(),
            metric_name: ContainerServiceMetricName::CpuUtilization,
            start_time: Timestamp(start),
            end_time: Timestamp(end),
            period,
            statistics: MetricStatistic::ALL.to_vec(),
        }
    }

    /// A point at a minute, with these samples of the processor. Each sample of the memory is ten times as
    /// large.
    fn point(minute: i64, samples: &[f64]) -> MetricPoint {
        let measured = |times: f64| Measured {
            minimum: samples.iter().copied().fold(f64::INFINITY, f64::min) * times,
            maximum: samples.iter().copied().fold(0.0, f64::max) * times,
            sum: samples.iter().sum::<f64>() * times,
        };
        let count = u32::try_from(samples.len()).unwrap();
        MetricPoint {
            at: Time(minute * MINUTE),
            samples: count,
            processor: measured(1.0),
            memory: measured(10.0),
        }
    }

    #[test]
    fn periods_begin_where_their_length_says() {
        let points = [point(55, &[1.0]), point(60, &[2.0]), point(65, &[3.0]), point(180, &[4.0])];
        let times = |period| -> Vec<i64> {
            let found = datapoints(&points, &request(period, 0, 1));
            found.iter().map(|point| point.timestamp.unwrap().0 / MINUTE).collect()
        };
        assert_eq!(times(300), [55, 60, 65, 180]);
        assert_eq!(times(60), [55, 60, 65, 180]);
        assert_eq!(times(600), [50, 60, 180]);
        assert_eq!(times(3_600), [0, 60, 180], "hours without a point are left out");
        assert_eq!(times(86_400), [0]);
        assert_eq!(times(420), [49, 56, 63, 175]);
    }

    #[test]
    fn a_period_sums_up_its_points() {
        let points = [point(0, &[1.0, 3.0, 5.0]), point(5, &[7.0])];
        let expected = MetricDatapoint {
            average: Some(4.0),
            maximum: Some(7.0),
            minimum: Some(1.0),
            sample_count: Some(4.0),
            sum: Some(16.0),
            timestamp: Some(Timestamp(0)),
            unit: Some(MetricUnit::Percent),
        };
        assert_eq!(datapoints(&points, &request(600, 0, 1)), [expected]);
        let memory = GetContainerServiceMetricDataRequest {
            metric_name: ContainerServiceMetricName::MemoryUtilization,
            statistics: vec![MetricStatistic::Maximum],
            ..request(600, 0, 1)
        };
        let expected = MetricDatapoint {
            maximum: Some(70.0),
            timestamp: Some(Timestamp(0)),
            unit: Some(MetricUnit::Percent),
            ..MetricDatapoint::default()
        };
        assert_eq!(datapoints(&points, &memory), [expected]);
    }

    #[test]
    fn the_last_five_minutes_have_the_point_in_which_they_begin() {
        let minutes = |(start, end): (Time, Time)| (start.0 / MINUTE, end.0 / MINUTE);
        assert_eq!(minutes(span(&request(300, 61 * MINUTE, 66 * MINUTE))), (60, 66));
        assert_eq!(minutes(span(&request(60, 64 * MINUTE, 65 * MINUTE))), (60, 65));
        assert_eq!(minutes(span(&request(300, 60 * MINUTE, 65 * MINUTE))), (60, 65));
        assert_eq!(minutes(span(&request(3_600, 61 * MINUTE, 70 * MINUTE))), (60, 70));
    }
}
