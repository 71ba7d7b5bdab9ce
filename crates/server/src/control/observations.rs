//! Observations of services: the output of their containers, and their use of processor and memory.

use std::time::Duration;

use gangplank_api::lightsail::{
    ContainerServiceLogEvent, GetContainerLogRequest, GetContainerLogResult,
    GetContainerServiceMetricDataRequest, GetContainerServiceMetricDataResult,
};
use gangplank_api::{ApiError, ErrorCode, Timestamp};
use gangplank_core::{LogFilter, ServiceId, Time};
use gangplank_store::logs::{LogName, LogPage, PageLimits, Wanted};

use super::container_service::require;
use super::{Context, Result, log_token, metric_data};
use crate::relay;

/// Lines may be this far in the future, because the wall clock may have been set back. Lines that are further
/// ahead are left out, so that they do not hide new ones.
const AHEAD: Duration = Duration::from_mins(1);

/// The refusal if the replica with the log does not answer.
const AWAY: &str = "The server that runs the container service cannot be reached now. Try again later.";

pub(super) async fn log(
    context: &Context<'_>,
    input: GetContainerLogRequest,
) -> Result<GetContainerLogResult> {
    let (app, service) = (context.app, require(context, &input.service_name)?);
    let pattern = input.filter_pattern.unwrap_or_default();
    let filter = LogFilter::parse(&pattern)
        .map_err(|error| ApiError::invalid_input(format!("filterPattern {error}.")))?;
    let log = LogName { service: service.uuid.clone(), container: input.container_name };
    let token = input.page_token.map(|token| log_token::take(&app.master, &log, &token)).transpose()?;
    let wanted = Wanted {
        start: input.start_time.map(|start| Time(start.seconds() * 1_000)),
        end: Some(
            input.end_time.map_or(app.clock.now().plus(AHEAD), |end| Time(end.seconds() * 1_000 + 999)),
        ),
        filter,
        from: token,
        limits: PageLimits::default(),
    };
    let account = &context.tenant.account;
    let page = match app.routes.log_place(service.id) {
        None => app.logs.page(account, &log, wanted).await?,
        Some(replica) => {
            let asked = relay::logs::ask(app, &replica, account, &log, &wanted, &pattern).await;
            asked.map_err(|relay::logs::Away| ApiError::new(ErrorCode::ServiceUnavailable, AWAY))?
        }
    };
    let page = match page {
        Some(page) => page,
        None if is_deployed(context, service.id, &log.container).await? => LogPage::default(),
        None => {
            let (container, service) = (&log.container, &service.name);
            let message =
                format!("No container \"{container}\" has run on the container service \"{service}\".");
            return Err(ApiError::not_found(message).into());
        }
    };
    let events = page.lines.into_iter().map(|line| ContainerServiceLogEvent {
        created_at: Some(Timestamp(line.at.0)),
        message: Some(line.text),
    });
    Ok(GetContainerLogResult {
        log_events: Some(events.collect()),
        next_page_token: page.next.map(|next| log_token::give(&app.master, &log, next)).transpose()?,
    })
}

/// Whether any stored deployment has a container with this name. It may have ended, be running or be about to
/// start.
async fn is_deployed(context: &Context<'_>, service: ServiceId, container: &str) -> Result<bool> {
    let deployments = context.app.metadata.deployments(context.tenant, service).await?.unwrap_or_default();
    let mut images = deployments.iter().flat_map(|deployment| &deployment.images);
    Ok(images.any(|image| image.container == container))
}

pub(super) async fn metrics(
    context: &Context<'_>,
    input: GetContainerServiceMetricDataRequest,
) -> Result<GetContainerServiceMetricDataResult> {
    let service = require(context, &input.service_name)?.id;
    let (start, end) = metric_data::span(&input);
    let points = context.app.metadata.metric_points(service, start, end).await?;
    Ok(GetContainerServiceMetricDataResult {
        metric_data: Some(metric_data::datapoints(&points, &input)),
        metric_name: Some(input.metric_name),
    })
}
