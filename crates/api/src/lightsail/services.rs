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
        /// The name of the service. Later calls refer to it, and it becomes part of the service's address. It is
        /// unique in the account and region.
        "serviceName" service_name: String as &CONTAINER_SERVICE_NAME,
        /// The size of each node: its processor and memory.
        "power" power: ContainerServicePowerName,
        /// The number of nodes that run the containers of the service side by side.
        "scale" scale: i32 as &SCALE,
        /// Tags for the service.
        "tags" tags: Option<Vec<Tag>>,
        /// The domain names of the service, under the name of the certificate that covers them.
        "publicDomainNames" public_domain_names: Option<Map<Vec<String>>> as &PUBLIC_DOMAINS,
        /// A first deployment, which is started as soon as the service exists.
        "deployment" deployment: Option<ContainerServiceDeploymentRequest>,
        /// The private registries that the service may read.
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
        /// Only this service; all in the region if not given.
        "serviceName" service_name: Option<String> as &CONTAINER_SERVICE_NAME,
    }
}

structure! {
    /// The container services.
    pub struct ContainerServicesListResult: Default {
        /// The services.
        "containerServices" container_services: Option<Vec<ContainerService>>,
    }
}

structure! {
    /// The changes to a container service; members that are not given stay as they are.
    pub struct UpdateContainerServiceRequest: Default, check check_update {
        /// The name of the service to change.
        "serviceName" service_name: String as &CONTAINER_SERVICE_NAME,
        /// The new size of each node.
        "power" power: Option<ContainerServicePowerName>,
        /// The new number of nodes.
        "scale" scale: Option<i32> as &SCALE,
        /// Whether to disable the service, so that it runs nothing and does not answer.
        "isDisabled" is_disabled: Option<bool>,
        /// The new domain names of the service, under the name of their certificate; an empty list removes the
        /// certificate, and a certificate that is not named stays.
        "publicDomainNames" public_domain_names: Option<Map<Vec<String>>> as &PUBLIC_DOMAINS,
        /// The private registries that the service may read.
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
        /// The name of the service. All of its deployments and registered images are deleted too.
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
        /// The state of the service.
        "state" state: Option<ContainerServiceState>,
        /// The progress of the current change.
        "stateDetail" state_detail: Option<ContainerServiceStateDetail>,
        /// The number of nodes.
        "scale" scale: Option<i32> as &SCALE,
        /// The deployment that runs.
        "currentDeployment" current_deployment: Option<ContainerServiceDeployment>,
        /// The deployment that is being started to take its place.
        "nextDeployment" next_deployment: Option<ContainerServiceDeployment>,
        /// Whether the service is disabled.
        "isDisabled" is_disabled: Option<bool>,
        /// The principal that the service acts as.
        "principalArn" principal_arn: Option<String>,
        /// The name by which other resources of the account reach the service.
        "privateDomainName" private_domain_name: Option<String>,
        /// The domain names of the service, by certificate.
        "publicDomainNames" public_domain_names: Option<Map<Vec<String>>> as &PUBLIC_DOMAINS,
        /// The address of the service.
        "url" url: Option<String>,
        /// The private registries that the service may read.
        "privateRegistryAccess" private_registry_access: Option<PrivateRegistryAccess>,
    }
}

structure! {
    /// The progress of a container service's current change.
    pub struct ContainerServiceStateDetail: Default {
        /// The current step, or the reason for which it cannot continue.
        "code" code: Option<ContainerServiceStateDetailCode>,
        /// A message about the step or the reason.
        "message" message: Option<String>,
    }
}

structure! {
    /// A request for access to private registries.
    pub struct PrivateRegistryAccessRequest: Default {
        /// The role for pulling from private repositories of Amazon ECR.
        "ecrImagePullerRole" ecr_image_puller_role: Option<ContainerServiceECRImagePullerRoleRequest>,
    }
}

structure! {
    /// A request to activate the role for pulling from Amazon ECR, or to deactivate it.
    pub struct ContainerServiceECRImagePullerRoleRequest: Default {
        /// Whether to activate the role.
        "isActive" is_active: Option<bool>,
    }
}

structure! {
    /// The private registries that a service may read.
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
        /// The principal of the role, for the policy of a repository.
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

/// Checks that there are not too many domain names, and none twice.
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
