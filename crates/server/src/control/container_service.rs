//! Shows a container service in the shape of the API.

use gangplank_api::Timestamp;
use gangplank_api::lightsail::{
    ContainerService, ContainerServiceECRImagePullerRole, ContainerServicePowerName, ContainerServiceState,
    ContainerServiceStateDetail, ContainerServiceStateDetailCode, PrivateRegistryAccess, RegionName,
    ResourceLocation, ResourceType, Tag,
};
use gangplank_core::Tenant;
use gangplank_core::container_service::{Detail, Progress, Specs};
use gangplank_core::deployment::{ServiceState, Step};
use gangplank_store::metadata::container_services as store;
use gangplank_store::metadata::deployments::{DeployedService, Deployment};

use super::service_refusals::unknown;
use super::{Context, Result, deployment_wire};
use crate::app::App;

/// The service that a call names.
///
/// # Errors
/// `NotFoundException` if there is none.
pub(super) fn require<'a>(context: &'a Context<'_>, name: &str) -> Result<&'a store::ContainerService> {
    context.found.service.as_ref().ok_or_else(|| unknown(name, context.tenant).into())
}

/// The location of a tenant's resources.
pub(super) fn location(tenant: &Tenant) -> ResourceLocation {
    ResourceLocation {
        availability_zone: Some("all".to_owned()),
        region_name: RegionName::parse(tenant.region.as_str()),
    }
}

/// A service in the shape of the API.
pub(super) fn shown(app: &App, deployed: &DeployedService) -> ContainerService {
    let DeployedService { tenant, service, current, next, rollout } = deployed;
    let shown = |deployment: &Deployment| deployment_wire::shown(app, service, deployment);
    let (current, next) = (current.as_ref().map(shown), next.as_ref().map(shown));
    let is_damaged = [&current, &next].into_iter().flatten().any(|it| it.containers.is_none());
    let specs = if is_damaged { Specs::Damaged } else { Specs::Readable };
    let progress = rollout.as_ref().map(|it| Progress { step: it.step, message: it.message.as_deref() });
    let tags = service.tags.iter().cloned();
    let domains = &service.public_domain_names;
    ContainerService {
        container_service_name: Some(service.name.clone()),
        arn: Some(service.arn(tenant)),
        created_at: Some(Timestamp(service.created_at.0)),
        location: Some(location(tenant)),
        resource_type: Some(ResourceType::ContainerService),
        tags: Some(tags.map(|(key, value)| Tag { key: Some(key), value }).collect()),
        power: ContainerServicePowerName::parse(service.power.as_str()),
        power_id: Some(service.power.id()),
        state: Some(state(service.facts().state())),
        state_detail: service.detail(progress, specs).map(detail),
        scale: Some(service.scale.nodes().into()),
        current_deployment: current,
        next_deployment: next,
        is_disabled: Some(service.is_disabled),
        principal_arn: Some(service.principal_arn(tenant)),
        private_domain_name: Some(service.private_domain_name()),
        public_domain_names: (!domains.is_empty()).then(|| domains.clone()),
        url: Some(app.service_url(tenant, service)),
        private_registry_access: Some(PrivateRegistryAccess {
            ecr_image_puller_role: Some(ContainerServiceECRImagePullerRole {
                is_active: Some(service.puller_role_active),
                principal_arn: Some(service.puller_role_arn(tenant)),
            }),
        }),
    }
}

fn state(state: ServiceState) -> ContainerServiceState {
    match state {
        ServiceState::Ready => ContainerServiceState::Ready,
        ServiceState::Deploying => ContainerServiceState::Deploying,
        ServiceState::Running => ContainerServiceState::Running,
        ServiceState::Updating => ContainerServiceState::Updating,
        ServiceState::Disabled => ContainerServiceState::Disabled,
    }
}

fn detail(detail: Detail) -> ContainerServiceStateDetail {
    let code = match detail.step {
        None => ContainerServiceStateDetailCode::UnknownError,
        Some(Step::CreatingDeployment) => ContainerServiceStateDetailCode::CreatingDeployment,
        Some(Step::EvaluatingHealthCheck) => ContainerServiceStateDetailCode::EvaluatingHealthCheck,
        Some(Step::ActivatingDeployment) => ContainerServiceStateDetailCode::ActivatingDeployment,
        Some(Step::ProvisioningService) => ContainerServiceStateDetailCode::ProvisioningService,
    };
    ContainerServiceStateDetail { code: Some(code), message: Some(detail.message) }
}
