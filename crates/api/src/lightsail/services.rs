//! Container services.

use std::collections::BTreeSet;

use crate::macros::structure;
use crate::path::quote;
use crate::{ApiError, Map, Timestamp};

use super::deployment_rules::check_deployment;
use super::names::{CONTAINER_SERVICE_NAME, NON_EMPTY_STRING, PUBLIC_DOMAINS, SCALE};
use super::tags::{Tag, check_tags};
use super::{ContainerServiceDeployment, ContainerServiceDeploymentRequest, ContainerServicePowerName};
use super::{ContainerServiceState, ContainerServiceStateDetailCode, ResourceLocation, ResourceType};

/// How many domain names one service may have.
pub const MAX_DOMAINS: usize = 4;

structure! {
    /// The container service to make.
    pub struct CreateContainerServiceRequest, check check_create {
        /// The name of the service, by which every later call speaks of it and which becomes part of its
        /// address; one account has it once in a region.
        "serviceName" service_name: String as &CONTAINER_SERVICE_NAME,
        /// The size of each node: how much processor and memory it has.
        "power" power: ContainerServicePowerName,
        /// The number of nodes that run the containers of the service side by side.
        "scale" scale: i32 as &SCALE,
        /// Tags to put on the service.
        "tags" tags: Option<Vec<Tag>>,
        /// The domain names that lead to the service, listed under the name of the certificate that covers
        /// them.
        "publicDomainNames" public_domain_names: Option<Map<Vec<String>>> as &PUBLIC_DOMAINS,
        /// A first deployment, to be started as soon as the service is there.
        "deployment" deployment: Option<ContainerServiceDeploymentRequest>,
        /// What the service may read from private registries.
        "privateRegistryAccess" private_registry_access: Option<PrivateRegistryAccessRequest>,
    }
}

structure! {
    /// The container service that was made.
    pub struct CreateContainerServiceResult: Default {
        /// The service as it is now.
        "containerService" container_service: Option<ContainerService>,
    }
}

structure! {
    /// Which container services to show.
    pub struct GetContainerServicesRequest: Default {
        /// The one service to show; without it, all of the region are shown.
        "serviceName" service_name: Option<String> as &CONTAINER_SERVICE_NAME,
    }
}

structure! {
    /// The container services that were asked for.
    pub struct ContainerServicesListResult: Default {
        /// The services.
        "containerServices" container_services: Option<Vec<ContainerService>>,
    }
}

structure! {
    /// What to change on a container service; what is not given stays as it is.
    pub struct UpdateContainerServiceRequest: Default, check check_update {
        /// The name of the service to change.
        "serviceName" service_name: String as &CONTAINER_SERVICE_NAME,
        /// The new size of each node.
        "power" power: Option<ContainerServicePowerName>,
        /// The new number of nodes.
        "scale" scale: Option<i32> as &SCALE,
        /// Whether the service is switched off, so that it runs nothing and answers nobody.
        "isDisabled" is_disabled: Option<bool>,
        /// The domain names that lead to the service from now on, listed under the name of their certificate;
        /// an empty list takes the certificate off, a certificate that is not named stays.
        "publicDomainNames" public_domain_names: Option<Map<Vec<String>>> as &PUBLIC_DOMAINS,
        /// What the service may read from private registries.
        "privateRegistryAccess" private_registry_access: Option<PrivateRegistryAccessRequest>,
    }
}

structure! {
    /// The container service with its changes.
    pub struct UpdateContainerServiceResult: Default {
        /// The service as it is now.
        "containerService" container_service: Option<ContainerService>,
    }
}

structure! {
    /// Which container service to delete.
    pub struct DeleteContainerServiceRequest: Default {
        /// The name of the service, which goes with all of its deployments and registered images.
        "serviceName" service_name: String as &CONTAINER_SERVICE_NAME,
    }
}

structure! {
    /// Nothing: the container service is gone.
    pub struct DeleteContainerServiceResult: Default {}
}

structure! {
    /// A container service.
    pub struct ContainerService: Default {
        /// The name of the service.
        "containerServiceName" container_service_name: Option<String> as &CONTAINER_SERVICE_NAME,
        /// The Amazon resource name of the service.
        "arn" arn: Option<String> as &NON_EMPTY_STRING,
        /// When the service was made.
        "createdAt" created_at: Option<Timestamp>,
        /// Where the service is.
        "location" location: Option<ResourceLocation>,
        /// The kind of resource, always `ContainerService`.
        "resourceType" resource_type: Option<ResourceType>,
        /// The tags on the service.
        "tags" tags: Option<Vec<Tag>>,
        /// The size of each node.
        "power" power: Option<ContainerServicePowerName>,
        /// The identifier of that size.
        "powerId" power_id: Option<String>,
        /// What the service is doing.
        "state" state: Option<ContainerServiceState>,
        /// How far it has got with that.
        "stateDetail" state_detail: Option<ContainerServiceStateDetail>,
        /// The number of nodes.
        "scale" scale: Option<i32> as &SCALE,
        /// The deployment that runs.
        "currentDeployment" current_deployment: Option<ContainerServiceDeployment>,
        /// The deployment that is being brought up to take its place.
        "nextDeployment" next_deployment: Option<ContainerServiceDeployment>,
        /// Whether the service is switched off.
        "isDisabled" is_disabled: Option<bool>,
        /// The principal under which the service acts.
        "principalArn" principal_arn: Option<String>,
        /// The name by which other resources of the account reach the service.
        "privateDomainName" private_domain_name: Option<String>,
        /// The domain names that lead to the service, by certificate.
        "publicDomainNames" public_domain_names: Option<Map<Vec<String>>> as &PUBLIC_DOMAINS,
        /// The address of the service.
        "url" url: Option<String>,
        /// What the service may read from private registries.
        "privateRegistryAccess" private_registry_access: Option<PrivateRegistryAccess>,
    }
}

structure! {
    /// How far a container service has got with what it is doing.
    pub struct ContainerServiceStateDetail: Default {
        /// The step it is at, or the reason why it cannot go on.
        "code" code: Option<ContainerServiceStateDetailCode>,
        /// The same in words.
        "message" message: Option<String>,
    }
}

structure! {
    /// What a service is to be allowed to read from private registries.
    pub struct PrivateRegistryAccessRequest: Default {
        /// The role for pulling from private repositories of Amazon ECR.
        "ecrImagePullerRole" ecr_image_puller_role: Option<ContainerServiceECRImagePullerRoleRequest>,
    }
}

structure! {
    /// The wish to have the role for pulling from Amazon ECR, or not.
    pub struct ContainerServiceECRImagePullerRoleRequest: Default {
        /// Whether the role is to be active.
        "isActive" is_active: Option<bool>,
    }
}

structure! {
    /// What a service may read from private registries.
    pub struct PrivateRegistryAccess: Default {
        /// The role for pulling from private repositories of Amazon ECR.
        "ecrImagePullerRole" ecr_image_puller_role: Option<ContainerServiceECRImagePullerRole>,
    }
}

structure! {
    /// The role with which a service pulls from Amazon ECR.
    pub struct ContainerServiceECRImagePullerRole: Default {
        /// Whether the role is active.
        "isActive" is_active: Option<bool>,
        /// The principal of the role, to be named in the policy of a repository.
        "principalArn" principal_arn: Option<String>,
    }
}

fn check_create(request: &CreateContainerServiceRequest) -> Result<(), ApiError> {
    check_tags(request.tags.as_deref().unwrap_or_default())?;
    check_domains(request.public_domain_names.as_ref())?;
    match &request.deployment {
        Some(deployment) => check_deployment(
            &request.service_name,
            deployment.containers.as_ref(),
            deployment.public_endpoint.as_ref(),
        ),
        None => Ok(()),
    }
}

fn check_update(request: &UpdateContainerServiceRequest) -> Result<(), ApiError> {
    check_domains(request.public_domain_names.as_ref())
}

/// Checks that a service gets no more domain names than it may have, and none twice.
fn check_domains(domains: Option<&Map<Vec<String>>>) -> Result<(), ApiError> {
    let mut seen = BTreeSet::new();
    for domain in domains.into_iter().flat_map(Map::values).flatten() {
        if !seen.insert(domain.to_ascii_lowercase()) {
            return Err(ApiError::invalid_input(format!("publicDomainNames has {} twice.", quote(domain))));
        }
    }
    if seen.len() > MAX_DOMAINS {
        return Err(ApiError::invalid_input(format!(
            "publicDomainNames has {} domain names; at most {MAX_DOMAINS} are allowed.",
            seen.len()
        )));
    }
    Ok(())
}
