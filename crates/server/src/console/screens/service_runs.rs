//! The deployments of a service, a log, and charts of its usage.

use gangplank_api::Timestamp;
use gangplank_api::lightsail::{
    ContainerServiceDeployment, ContainerServiceDeploymentState, ContainerServiceMetricName,
    GetContainerLogRequest, GetContainerServiceMetricDataRequest, MetricStatistic,
};
use gangplank_console::{Chart, DeploymentRow, LogLine, Moment, Series, State, Tone, escaped};

use super::super::visit::Visit;

/// How many of the newest lines of a log are shown.
const LINES: usize = 200;
/// The time that a chart shows, and the time of one point, in seconds.
const SHOWN: i64 = 6 * 3_600;
const PART: i32 = 300;

/// The containers of the newest deployment, with the log and the charts of one page.
#[derive(Default)]
pub(super) struct Runs {
    pub(super) containers: Vec<(String, String)>,
    pub(super) container: String,
    pub(super) log: Vec<LogLine>,
    pub(super) no_log: Option<String>,
    pub(super) charts: Vec<Chart>,
}

/// The row of a deployment.
pub(super) fn row(deployment: &ContainerServiceDeployment) -> DeploymentRow {
    let state = match deployment.state {
        Some(ContainerServiceDeploymentState::Activating) => State::new("activating", Tone::Busy),
        Some(ContainerServiceDeploymentState::Active) => State::new("active", Tone::Good),
        Some(ContainerServiceDeploymentState::Failed) => State::new("failed", Tone::Bad),
        Some(ContainerServiceDeploymentState::Inactive) | None => State::new("inactive", Tone::Over),
    };
    let containers = deployment.containers.iter().flatten();
    let endpoint = deployment.public_endpoint.as_ref();
    DeploymentRow {
        version: deployment.version.map_or_else(String::new, |version| version.to_string()),
        state,
        made: deployment.created_at.map(|at| Moment(at.0)),
        containers: containers
            .map(|(name, it)| (name.clone(), it.image.clone().unwrap_or_default()))
            .collect(),
        endpoint: endpoint.and_then(|endpoint| {
            Some(format!("{}, port {}", endpoint.container_name.as_ref()?, endpoint.container_port?))
        }),
    }
}

/// Reads the log and the charts of a service with deployments.
pub(super) async fn of(visit: &Visit<'_>, service: &str, deployments: &[ContainerServiceDeployment]) -> Runs {
    // If a deployment is on its way, it is the newest one.
    let Some(newest) = deployments.iter().max_by_key(|deployment| deployment.version) else {
        return Runs::default();
    };
    let names: Vec<&String> = newest.containers.iter().flatten().map(|(name, _)| name).collect();
    let asked = visit.asked.query.get("container");
    let of_endpoint = newest.public_endpoint.as_ref().and_then(|endpoint| endpoint.container_name.as_deref());
    let container = asked.or(of_endpoint).or(names.first().map(|name| name.as_str())).unwrap_or_default();
    let page = |name: &String| {
        let page = format!("services/{}?container={}#log", escaped(service), escaped(name));
        (name.clone(), visit.place().path(&page))
    };
    let (log, no_log) = log(visit, service, container).await;
    let mut charts = Vec::new();
    for (metric, title) in [
        (ContainerServiceMetricName::CpuUtilization, "Processor"),
        (ContainerServiceMetricName::MemoryUtilization, "Memory"),
    ] {
        charts.extend(chart(visit, service, metric, title).await);
    }
    let containers = names.iter().map(|name| page(name)).collect();
    Runs { containers, container: container.to_owned(), log, no_log, charts }
}

/// The newest lines of a log, the oldest first, or the reason why they cannot be shown.
async fn log(visit: &Visit<'_>, service: &str, container: &str) -> (Vec<LogLine>, Option<String>) {
    let asked = GetContainerLogRequest {
        service_name: service.to_owned(),
        container_name: container.to_owned(),
        start_time: None,
        end_time: None,
        filter_pattern: None,
        page_token: None,
    };
    let events = match visit.call(&asked).await {
        Ok(answer) => answer.log_events.unwrap_or_default(),
        Err(error) => return (Vec::new(), Some(error.message)),
    };
    let none = events.is_empty().then(|| "It has not printed anything yet.".to_owned());
    let skipped = events.len().saturating_sub(LINES);
    let line = |event: gangplank_api::lightsail::ContainerServiceLogEvent| {
        Some(LogLine { at: Moment(event.created_at?.0), text: event.message? })
    };
    (events.into_iter().skip(skipped).filter_map(line).collect(), none)
}

/// The chart of a service's usage in the last hours; nothing if the caller may not see it.
async fn chart(
    visit: &Visit<'_>,
    service: &str,
    metric_name: ContainerServiceMetricName,
    title: &str,
) -> Option<Chart> {
    let end = visit.asked.app.clock.now().seconds() / i64::from(PART) * i64::from(PART) + i64::from(PART);
    let begin = end - SHOWN;
    let asked = GetContainerServiceMetricDataRequest {
        service_name: service.to_owned(),
        metric_name,
        start_time: Timestamp::from_seconds(begin),
        end_time: Timestamp::from_seconds(end),
        period: PART,
        statistics: vec![MetricStatistic::Average],
    };
    let points = visit.call(&asked).await.ok()?.metric_data.unwrap_or_default();
    let mut values = vec![None; usize::try_from(SHOWN / i64::from(PART)).unwrap_or_default()];
    for point in points {
        let (Some(at), Some(average)) = (point.timestamp, point.average) else { continue };
        let place = usize::try_from((at.seconds() - begin).div_euclid(i64::from(PART))).ok();
        if let Some(value) = place.and_then(|place| values.get_mut(place)) {
            *value = Some(average);
        }
    }
    Some(Chart {
        title: format!("{title}, the last 6 hours"),
        summary: summary(&values),
        series: Series { values },
    })
}

/// A chart's line in words.
fn summary(values: &[Option<f64>]) -> String {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    let Some(last) = known.last() else { return "Nothing was measured yet.".to_owned() };
    let most = known.iter().copied().fold(0.0, f64::max);
    format!("{last:.1} % of its power at last, {most:.1} % at the most.")
}
