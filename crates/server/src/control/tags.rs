//! Tags on container services. No other resources can have tags.

use gangplank_api::lightsail::{
    OperationRecord, OperationStatus, ResourceType, TagResourceRequest, TagResourceResult,
    UntagResourceRequest, UntagResourceResult,
};
use gangplank_api::{ApiError, Timestamp};
use gangplank_store::metadata::container_services::ServiceChange;

use super::container_service::{location, require};
use super::service_refusals::outcome;
use super::services::pairs;
use super::{Context, Result};

pub(super) async fn tag(context: &Context<'_>, input: TagResourceRequest) -> Result<TagResourceResult> {
    let change = ServiceChange::Tag(pairs(input.tags));
    let record = apply(context, &input.resource_name, input.resource_arn.as_deref(), change).await?;
    Ok(TagResourceResult { operations: Some(vec![record]) })
}

pub(super) async fn untag(context: &Context<'_>, input: UntagResourceRequest) -> Result<UntagResourceResult> {
    let change = ServiceChange::Untag(input.tag_keys);
    let record = apply(context, &input.resource_name, input.resource_arn.as_deref(), change).await?;
    Ok(UntagResourceResult { operations: Some(vec![record]) })
}

async fn apply(
    context: &Context<'_>,
    name: &str,
    resource_arn: Option<&str>,
    change: ServiceChange,
) -> Result<OperationRecord> {
    let Context { app, tenant, .. } = context;
    let service = require(context, name)?;
    if resource_arn.is_some_and(|given| service.arn(tenant) != given) {
        let message =
            format!("resourceArn is not the ARN of \"{name}\"; leave it out, or take it from the service.");
        return Err(ApiError::invalid_input(message).into());
    }
    let (origin, max_tags) = (context.origin(), app.quotas.tags_per_resource);
    let changed = app.metadata.change_service(&origin, tenant, service.id, change, max_tags).await?;
    outcome(context, name, changed, None)?;
    tracing::info!(%tenant, service = name, access_key = %context.owner(), peer = %context.peer(), "changed a service's tags");
    let now = Timestamp(app.clock.now().0);
    // The model's OperationType has no value for tagging, so the record goes without one.
    Ok(OperationRecord {
        id: Some(uuid::Uuid::new_v4().to_string()),
        resource_name: Some(name.to_owned()),
        resource_type: Some(ResourceType::ContainerService),
        created_at: Some(now),
        location: Some(location(tenant)),
        is_terminal: Some(true),
        status: Some(OperationStatus::Succeeded),
        status_changed_at: Some(now),
        ..OperationRecord::default()
    })
}
