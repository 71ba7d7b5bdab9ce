//! Deployments: recognised, and answered for what they are as long as nothing runs containers.

use gangplank_api::ApiError;
use gangplank_api::lightsail::{
    CreateContainerServiceDeploymentRequest, CreateContainerServiceDeploymentResult,
    GetContainerServiceDeploymentsRequest, GetContainerServiceDeploymentsResult,
};

use super::container_service::require;
use super::{Context, Result};

/// Why nothing is deployed.
pub(super) fn no_engine() -> ApiError {
    ApiError::operation_failure("This server has no container engine configured, so it runs no deployments.")
        .with_tip("Register images here, and run them with an engine that pulls them with a pull login.")
}

pub(super) async fn create(
    context: &Context<'_>,
    input: CreateContainerServiceDeploymentRequest,
) -> Result<CreateContainerServiceDeploymentResult> {
    require(context, &input.service_name)?;
    Err(no_engine().into())
}

pub(super) async fn list(
    context: &Context<'_>,
    input: GetContainerServiceDeploymentsRequest,
) -> Result<GetContainerServiceDeploymentsResult> {
    require(context, &input.service_name)?;
    Ok(GetContainerServiceDeploymentsResult { deployments: Some(Vec::new()) })
}
