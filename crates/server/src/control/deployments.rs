//! Creates and lists deployments. The deployer does the rest.

use gangplank_api::Map;
use gangplank_api::lightsail::{
    Container, CreateContainerServiceDeploymentRequest, CreateContainerServiceDeploymentResult,
    EndpointRequest, GetContainerServiceDeploymentsRequest, GetContainerServiceDeploymentsResult,
    invalid_image,
};
use gangplank_core::ImageReference;
use gangplank_core::deployment::Spec;
use gangplank_store::metadata::container_services::ContainerService;
use gangplank_store::metadata::deployments::{DeploymentOutcome, ImageSource, NewDeployment, NewImage};

use super::container_service::{require, shown};
use super::service_refusals::{
    check_engines, disabled, in_progress, no_engine, no_such_image, too_little_room, unknown,
};
use super::{Context, Result, deployment_wire};

pub(super) async fn create(
    context: &Context<'_>,
    input: CreateContainerServiceDeploymentRequest,
) -> Result<CreateContainerServiceDeploymentResult> {
    let (app, tenant, name) = (context.app, context.tenant, &input.service_name);
    let service = require(context, name)?;
    let (new, spec) = new(context, &service.uuid, input.containers, input.public_endpoint)?;
    let room = new.room;
    if !service.is_disabled {
        check_engines(&app.deployer, service, &with_one_more(service))?;
    }
    let outcome = app.metadata.create_deployment(&context.origin(), tenant, service.id, new).await?;
    let deployed = match outcome {
        DeploymentOutcome::Made(deployed) => deployed,
        DeploymentOutcome::NoSuchService => return Err(unknown(name, tenant).into()),
        DeploymentOutcome::InProgress(version) => return Err(in_progress(name, version).into()),
        DeploymentOutcome::Disabled => return Err(disabled(name).into()),
        DeploymentOutcome::NoSuchImage(container) => return Err(no_such_image(&spec, &container).into()),
        DeploymentOutcome::TooLittleRoom(promised) => {
            return Err(too_little_room(name, room, promised).into());
        }
    };
    app.deployer.wake(service.id);
    let version = deployed.service.last_version;
    tracing::info!(%tenant, service = name, version, access_key = %context.owner(), peer = %context.peer(), "made a deployment");
    Ok(CreateContainerServiceDeploymentResult { container_service: Some(shown(app, &deployed)) })
}

pub(super) async fn list(
    context: &Context<'_>,
    input: GetContainerServiceDeploymentsRequest,
) -> Result<GetContainerServiceDeploymentsResult> {
    let service = require(context, &input.service_name)?;
    let found = context.app.metadata.deployments(context.tenant, service.id).await?;
    let found = found.ok_or_else(|| unknown(&service.name, context.tenant))?;
    let shown = found.iter().map(|it| deployment_wire::shown(context.app, service, it));
    Ok(GetContainerServiceDeploymentsResult { deployments: Some(shown.collect()) })
}

/// The same service with one more deployment.
pub(super) fn with_one_more(service: &ContainerService) -> ContainerService {
    ContainerService { last_version: service.last_version + 1, ..service.clone() }
}

/// A new deployment of the service with this uuid, and its specification.
///
/// # Errors
/// If the server has no container engine, or if the name of an image is not valid.
pub(super) fn new(
    context: &Context<'_>,
    uuid: &str,
    containers: Option<Map<Container>>,
    endpoint: Option<EndpointRequest>,
) -> Result<(NewDeployment, Spec)> {
    let app = context.app;
    let spec = deployment_wire::spec(containers, endpoint);
    let images = spec.containers.iter().map(|(container, it)| {
        let source = match ImageReference::parse(&it.image) {
            Some(ImageReference::Registered { label, number, .. }) => {
                ImageSource::Registered { label, number }
            }
            Some(ImageReference::Public) => ImageSource::Public,
            None => return Err(invalid_image(container, &it.image)),
        };
        Ok(NewImage { container: container.clone(), source })
    });
    let images = images.collect::<std::result::Result<_, _>>()?;
    if !app.deployer.can_run() {
        return Err(no_engine().into());
    }
    let new = NewDeployment {
        sealed_spec: app.master.seal_spec(uuid, &spec)?,
        images,
        created_at: app.clock.now(),
        deadline: app.clock.steady().plus(app.deployments.timeout),
        invocation: context.invocation(),
        room: app.deployer.room(),
    };
    Ok((new, spec))
}
