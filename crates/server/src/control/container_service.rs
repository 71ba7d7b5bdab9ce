//! A container service as the API shows it.

use gangplank_api::Timestamp;
use gangplank_api::lightsail::{
    ContainerService, ContainerServiceECRImagePullerRole, ContainerServicePowerName, ContainerServiceState,
    ContainerServiceStateDetail, ContainerServiceStateDetailCode, PrivateRegistryAccess, RegionName,
    ResourceLocation, ResourceType, Tag,
};
use gangplank_core::container_service::address_part;
use gangplank_core::deployment::{ServiceState, Step};
use gangplank_core::{Tenant, power};
use gangplank_store::metadata::container_services as store;
use gangplank_store::metadata::deployments::{DeployedService, Deployment, Rollout};

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

/// Where a tenant's resources are.
pub(super) fn location(tenant: &Tenant) -> ResourceLocation {
    ResourceLocation {
        availability_zone: Some("all".to_owned()),
        region_name: RegionName::parse(tenant.region.as_str()),
    }
}

/// The name that the whole world knows a service by.
pub(super) fn arn(tenant: &Tenant, service: &store::ContainerService) -> String {
    let Tenant { account, region } = tenant;
    format!("arn:aws:lightsail:{region}:{account}:ContainerService/{}", service.uuid)
}

/// A service as the API shows it.
pub(super) fn shown(app: &App, deployed: &DeployedService) -> ContainerService {
    let DeployedService { tenant, service, current, next, rollout } = deployed;
    let Tenant { account, region } = tenant;
    let name = &service.name;
    let state = service.facts().state();
    let role = |path: &str, exists: bool| {
        if exists { format!("arn:aws:iam::{account}:role/{path}") } else { String::new() }
    };
    let part = address_part(&service.uuid);
    let principal = format!("amazon/lightsail/{region}/containers/{name}/{part}");
    let puller = format!("gangplank/{region}/containers/{name}/private-repo-access");
    let shown = |deployment: &Deployment| deployment_wire::shown(app, service, deployment);
    let (current, next) = (current.as_ref().map(shown), next.as_ref().map(shown));
    let damaged = [&current, &next].into_iter().flatten().any(|deployment| deployment.containers.is_none());
    let tags = service.tags.iter().cloned();
    let domains = &service.public_domain_names;
    ContainerService {
        container_service_name: Some(name.clone()),
        arn: Some(arn(tenant, service)),
        created_at: Some(Timestamp(service.created_at.0)),
        location: Some(location(tenant)),
        resource_type: Some(ResourceType::ContainerService),
        tags: Some(tags.map(|(key, value)| Tag { key: Some(key), value }).collect()),
        power: ContainerServicePowerName::parse(&service.power),
        power_id: Some(power::power_id(&service.power)),
        state: Some(word(state)),
        state_detail: damage(service, damaged).or_else(|| detail(state, rollout.as_ref())),
        scale: Some(service.scale),
        current_deployment: current,
        next_deployment: next,
        is_disabled: Some(service.is_disabled),
        principal_arn: Some(role(&principal, service.last_version > 0)),
        private_domain_name: Some(format!("{name}.service.local")),
        public_domain_names: (!domains.is_empty()).then(|| domains.clone()),
        url: Some(app.service_url(tenant, service)),
        private_registry_access: Some(PrivateRegistryAccess {
            ecr_image_puller_role: Some(ContainerServiceECRImagePullerRole {
                is_active: Some(service.puller_role_active),
                principal_arn: Some(role(&puller, service.puller_role_active)),
            }),
        }),
    }
}

/// What of a service is damaged, where otherwise a client is told why a service is not ready.
fn damage(
    service: &store::ContainerService,
    is_deployment_damaged: bool,
) -> Option<ContainerServiceStateDetail> {
    let message = match &service.damage {
        Some(what) => format!("The server cannot read {what} any more; see its log."),
        None if is_deployment_damaged => {
            "The server cannot read any more what a deployment of it runs: deploy again.".to_owned()
        }
        None => return None,
    };
    let code = Some(ContainerServiceStateDetailCode::UnknownError);
    Some(ContainerServiceStateDetail { code, message: Some(message) })
}

fn word(state: ServiceState) -> ContainerServiceState {
    match state {
        ServiceState::Ready => ContainerServiceState::Ready,
        ServiceState::Deploying => ContainerServiceState::Deploying,
        ServiceState::Running => ContainerServiceState::Running,
        ServiceState::Updating => ContainerServiceState::Updating,
        ServiceState::Disabled => ContainerServiceState::Disabled,
    }
}

/// How far a service is with what it is doing, if it is doing anything.
fn detail(state: ServiceState, rollout: Option<&Rollout>) -> Option<ContainerServiceStateDetail> {
    let step = match state {
        ServiceState::Deploying => rollout.map_or(Step::CreatingDeployment, |rollout| rollout.step),
        ServiceState::Updating => Step::ProvisioningService,
        ServiceState::Ready | ServiceState::Running | ServiceState::Disabled => return None,
    };
    let code = match step {
        Step::CreatingDeployment => ContainerServiceStateDetailCode::CreatingDeployment,
        Step::EvaluatingHealthCheck => ContainerServiceStateDetailCode::EvaluatingHealthCheck,
        Step::ActivatingDeployment => ContainerServiceStateDetailCode::ActivatingDeployment,
        Step::ProvisioningService => ContainerServiceStateDetailCode::ProvisioningService,
    };
    let said = rollout.and_then(|rollout| rollout.message.clone());
    let message = said.unwrap_or_else(|| step.in_words().to_owned());
    Some(ContainerServiceStateDetail { code: Some(code), message: Some(message) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use gangplank_core::Time;

    #[test]
    fn what_a_service_does_is_told_while_it_lasts() {
        let rollout = |step, message: Option<&str>| Rollout {
            step,
            failures: 0,
            message: message.map(str::to_owned),
            deadline: Time(0),
        };
        let told = |state, rollout: &Rollout| {
            let detail = detail(state, Some(rollout))?;
            Some((detail.code?.as_str(), detail.message?))
        };
        let slow = rollout(Step::EvaluatingHealthCheck, Some("app answers 500"));
        let expected = ("EVALUATING_HEALTH_CHECK", "app answers 500".to_owned());
        assert_eq!(told(ServiceState::Deploying, &slow), Some(expected));
        let step = rollout(Step::ActivatingDeployment, None);
        let (code, message) = told(ServiceState::Deploying, &step).unwrap();
        assert!(code == "ACTIVATING_DEPLOYMENT" && !message.is_empty());
        let updating = detail(ServiceState::Updating, None).unwrap();
        assert_eq!(updating.code, Some(ContainerServiceStateDetailCode::ProvisioningService));
        for state in [ServiceState::Ready, ServiceState::Running, ServiceState::Disabled] {
            assert_eq!(detail(state, None), None);
        }
    }
}
