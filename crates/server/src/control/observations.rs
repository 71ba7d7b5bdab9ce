//! Logs and metrics: of services on which nothing runs, so there is nothing in them.

use gangplank_api::lightsail::{
    GetContainerLogRequest, GetContainerLogResult, GetContainerServiceMetricDataRequest,
    GetContainerServiceMetricDataResult,
};

use super::container_service::require;
use super::{Context, Result};

pub(super) async fn log(
    context: &Context<'_>,
    input: GetContainerLogRequest,
) -> Result<GetContainerLogResult> {
    require(context, &input.service_name)?;
    Ok(GetContainerLogResult { log_events: Some(Vec::new()), next_page_token: None })
}

pub(super) async fn metrics(
    context: &Context<'_>,
    input: GetContainerServiceMetricDataRequest,
) -> Result<GetContainerServiceMetricDataResult> {
    require(context, &input.service_name)?;
    Ok(GetContainerServiceMetricDataResult {
        metric_name: Some(input.metric_name),
        metric_data: Some(Vec::new()),
    })
}
