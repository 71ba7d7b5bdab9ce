//! A container service as the API shows it, and what is refused of one.

use gangplank_api::lightsail::{
    ContainerService, ContainerServiceECRImagePullerRole, ContainerServicePowerName, ContainerServiceState,
    PrivateRegistryAccess, RegionName, ResourceLocation, ResourceType, Tag,
};
use gangplank_api::{ApiError, Timestamp};
use gangplank_core::{Tenant, power};
use gangplank_store::metadata::container_services as store;

use super::{Context, Result};

/// There is no such service.
pub(super) fn unknown(name: &str, tenant: &Tenant) -> ApiError {
    let region = &tenant.region;
    ApiError::not_found(format!("Container service \"{name}\" does not exist in {region}."))
}

/// The service that a call names.
///
/// # Errors
/// `NotFoundException` if there is none.
pub(super) fn require<'a>(context: &'a Context<'_>, name: &str) -> Result<&'a store::ContainerService> {
    context.found.service.as_ref().ok_or_else(|| unknown(name, context.tenant).into())
}

/// The service that a change or creation ended with, or why there is none.
pub(super) fn outcome(
    context: &Context<'_>,
    name: &str,
    outcome: store::ServiceOutcome,
) -> Result<store::ContainerService> {
    let refusal = match outcome {
        store::ServiceOutcome::Done(service) => return Ok(service),
        store::ServiceOutcome::NoSuchService => unknown(name, context.tenant),
        store::ServiceOutcome::NameTaken => ApiError::invalid_input(format!(
            "Some names are already in use: {name}. Choose another name for the container service."
        )),
        store::ServiceOutcome::QuotaReached => ApiError::invalid_input(
            "Sorry, you've either reached or will exceed your maximum limit of Lightsail Container Services.",
        ),
        store::ServiceOutcome::TooManyTags => ApiError::invalid_input(format!(
            "\"{name}\" would have more than {} tags.",
            context.app.quotas.tags_per_resource
        )),
        store::ServiceOutcome::TooManyDomains => {
            ApiError::invalid_input(format!("\"{name}\" would have more than 4 domain names."))
        }
        store::ServiceOutcome::DomainTaken(domain) => ApiError::invalid_input(format!(
            "The domain name \"{domain}\" is in use already, by another container service or under another \
             certificate; take it off there first."
        )),
    };
    Err(refusal.into())
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
///
/// It is ready as soon as it exists: there is no infrastructure to wait for. Its address is under
/// `.invalid`, which never resolves, until something runs that could answer there.
pub(super) fn shown(tenant: &Tenant, service: store::ContainerService) -> ContainerService {
    let Tenant { account, region } = tenant;
    let name = &service.name;
    let state =
        if service.is_disabled { ContainerServiceState::Disabled } else { ContainerServiceState::Ready };
    let host = service.uuid.get(..8).unwrap_or_default();
    let puller = if service.puller_role_active {
        format!("arn:aws:iam::{account}:role/gangplank/{region}/containers/{name}/private-repo-access")
    } else {
        String::new()
    };
    ContainerService {
        container_service_name: Some(name.clone()),
        arn: Some(arn(tenant, &service)),
        created_at: Some(Timestamp(service.created_at.0)),
        location: Some(location(tenant)),
        resource_type: Some(ResourceType::ContainerService),
        tags: Some(service.tags.into_iter().map(|(key, value)| Tag { key: Some(key), value }).collect()),
        power: ContainerServicePowerName::parse(&service.power),
        power_id: Some(power::power_id(&service.power)),
        state: Some(state),
        scale: Some(service.scale),
        is_disabled: Some(service.is_disabled),
        principal_arn: Some(String::new()),
        private_domain_name: Some(format!("{name}.service.local")),
        public_domain_names: Some(service.public_domain_names.into_iter().collect()),
        url: Some(format!("https://{name}.{host}.{region}.cs.gangplank.invalid/")),
        private_registry_access: Some(PrivateRegistryAccess {
            ecr_image_puller_role: Some(ContainerServiceECRImagePullerRole {
                is_active: Some(service.puller_role_active),
                principal_arn: Some(puller),
            }),
        }),
        ..ContainerService::default()
    }
}
