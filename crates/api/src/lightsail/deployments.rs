//! Deployments: the containers that a service runs, and the one that answers requests from outside.

use crate::macros::structure;
use crate::{ApiError, Map, Timestamp};

use super::deployment_rules::check_deployment;
use super::names::{CONTAINER_MAP, CONTAINER_SERVICE_NAME};
use super::{ContainerService, ContainerServiceDeploymentState, ContainerServiceProtocol};

structure! {
    /// The deployment to start on a container service.
    pub struct CreateContainerServiceDeploymentRequest: Default, check check_create {
        /// The name of the service to run the containers.
        "serviceName" service_name: String as &CONTAINER_SERVICE_NAME,
        /// The containers, each under its own name.
        "containers" containers: Option<Map<Container>> as &CONTAINER_MAP,
        /// The container that answers requests from outside.
        "publicEndpoint" public_endpoint: Option<EndpointRequest>,
    }
}

structure! {
    /// The container service with its new deployment.
    pub struct CreateContainerServiceDeploymentResult: Default {
        /// The service as it is now, with the new deployment as its next.
        "containerService" container_service: Option<ContainerService>,
    }
}

structure! {
    /// The service whose deployments to show.
    pub struct GetContainerServiceDeploymentsRequest: Default {
        /// The name of the service.
        "serviceName" service_name: String as &CONTAINER_SERVICE_NAME,
    }
}

structure! {
    /// The deployments of a container service.
    pub struct GetContainerServiceDeploymentsResult: Default {
        /// The deployments, the newest first.
        "deployments" deployments: Option<Vec<ContainerServiceDeployment>>,
    }
}

structure! {
    /// A deployment to start together with its service.
    pub struct ContainerServiceDeploymentRequest: Default {
        /// The containers, each under its own name.
        "containers" containers: Option<Map<Container>> as &CONTAINER_MAP,
        /// The container that answers requests from outside.
        "publicEndpoint" public_endpoint: Option<EndpointRequest>,
    }
}

structure! {
    /// One container of a deployment.
    pub struct Container: Default {
        /// The image to run: `:service.label.N` for one that is registered on the service, with `latest` for the
        /// highest number; any other name refers to a public registry.
        "image" image: Option<String>,
        /// The command to run in place of the image's own.
        "command" command: Option<Vec<String>>,
        /// Environment variables that the container starts with.
        "environment" environment: Option<Map<String>>,
        /// The ports that the container opens, each with its protocol.
        "ports" ports: Option<Map<ContainerServiceProtocol>>,
    }
}

structure! {
    /// The container to answer requests from outside.
    pub struct EndpointRequest: Default {
        /// The name of the container, one of the same deployment.
        "containerName" container_name: String,
        /// The port of the container. The container has to open it for HTTP or HTTPS.
        "containerPort" container_port: i32,
        /// The health check of the container.
        "healthCheck" health_check: Option<ContainerServiceHealthCheckConfig>,
    }
}

structure! {
    /// A health check.
    pub struct ContainerServiceHealthCheckConfig: Default {
        /// The number of successful checks in a row after which a container is healthy, from 1 to 10; 2 if not given.
        "healthyThreshold" healthy_threshold: Option<i32>,
        /// The number of failed checks in a row after which it is unhealthy, from 1 to 10; 2 if not given.
        "unhealthyThreshold" unhealthy_threshold: Option<i32>,
        /// The seconds to wait for an answer, from 2 to 60; 2 if not given.
        "timeoutSeconds" timeout_seconds: Option<i32>,
        /// The seconds between two checks, from 5 to 300; 5 if not given.
        "intervalSeconds" interval_seconds: Option<i32>,
        /// The path to request; `/` if not given.
        "path" path: Option<String>,
        /// The HTTP statuses of a successful check, such as `200`, `200,202` or `200-299`; `200-499` if not given.
        "successCodes" success_codes: Option<String>,
    }
}

structure! {
    /// A deployment of a container service.
    pub struct ContainerServiceDeployment: Default {
        /// The number of the deployment on its service.
        "version" version: Option<i32>,
        /// The state of the deployment.
        "state" state: Option<ContainerServiceDeploymentState>,
        /// Its containers, by name.
        "containers" containers: Option<Map<Container>> as &CONTAINER_MAP,
        /// The container that answers requests from outside.
        "publicEndpoint" public_endpoint: Option<ContainerServiceEndpoint>,
        /// When it was made.
        "createdAt" created_at: Option<Timestamp>,
    }
}

structure! {
    /// The container that answers requests from outside.
    pub struct ContainerServiceEndpoint: Default {
        /// The name of the container.
        "containerName" container_name: Option<String>,
        /// The port of the container.
        "containerPort" container_port: Option<i32>,
        /// The health check of the container.
        "healthCheck" health_check: Option<ContainerServiceHealthCheckConfig>,
    }
}

fn check_create(request: &CreateContainerServiceDeploymentRequest) -> Result<(), ApiError> {
    let (containers, endpoint) = (request.containers.as_ref(), request.public_endpoint.as_ref());
    check_deployment(&request.service_name, containers, endpoint)
}
