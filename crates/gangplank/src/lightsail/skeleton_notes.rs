//! The sentences that the AWS CLI 2.38 prints as comments of its YAML samples, for the members whose sample is among
//! our recordings (`crates/gangplank/tests/recordings`), which are compared byte for byte. They are quotations from
//! the documentation of the Lightsail API as that program prints it, and stand nowhere else; a member without one
//! is described by the first sentence of our own description, so a new member needs no line here.

/// The sentence for a member, if one is recorded.
pub(crate) fn note(structure: &str, member: &str) -> Option<&'static str> {
    let found = NOTES.iter().find(|(owner, name, _)| *owner == structure && *name == member);
    found.map(|(_, _, note)| *note)
}

/// The structure, the member, the sentence.
#[rustfmt::skip]
const NOTES: &[(&str, &str, &str)] = &[
    ("RegisterContainerImageRequest", "serviceName", "The name of the container service for which to register a container image."),
    ("RegisterContainerImageRequest", "label", "The label for the container image when it's registered to the container service."),
    ("RegisterContainerImageRequest", "digest", "The digest of the container image to be registered."),
    ("CreateContainerServiceRequest", "serviceName", "The name for the container service."),
    ("CreateContainerServiceRequest", "power", "The power specification for the container service."),
    ("CreateContainerServiceRequest", "scale", "The scale specification for the container service."),
    ("CreateContainerServiceRequest", "tags", "The tag keys and optional values to add to the container service during create."),
    ("Tag", "key", "The key of the tag."),
    ("Tag", "value", "The value of the tag."),
    ("CreateContainerServiceRequest", "publicDomainNames", "The public domain names to use with the container service, such as example."),
    ("CreateContainerServiceRequest", "deployment", "An object that describes a deployment for the container service."),
    ("ContainerServiceDeploymentRequest", "containers", "An object that describes the configuration for the containers of the deployment."),
    ("Container", "image", "The name of the image used for the container."),
    ("Container", "command", "The launch command for the container."),
    ("Container", "environment", "The environment variables of the container."),
    ("Container", "ports", "The open firewall ports of the container."),
    ("ContainerServiceDeploymentRequest", "publicEndpoint", "An object that describes the endpoint of the deployment."),
    ("EndpointRequest", "containerName", "The name of the container for the endpoint."),
    ("EndpointRequest", "containerPort", "The port of the container to which traffic is forwarded to."),
    ("EndpointRequest", "healthCheck", "An object that describes the health check configuration of the container."),
    ("ContainerServiceHealthCheckConfig", "healthyThreshold", "The number of consecutive health checks successes required before moving the container to the Healthy state."),
    ("ContainerServiceHealthCheckConfig", "unhealthyThreshold", "The number of consecutive health check failures required before moving the container to the Unhealthy state."),
    ("ContainerServiceHealthCheckConfig", "timeoutSeconds", "The amount of time, in seconds, during which no response means a failed health check."),
    ("ContainerServiceHealthCheckConfig", "intervalSeconds", "The approximate interval, in seconds, between health checks of an individual container."),
    ("ContainerServiceHealthCheckConfig", "path", "The path on the container on which to perform the health check."),
    ("ContainerServiceHealthCheckConfig", "successCodes", "The HTTP codes to use when checking for a successful response from a container."),
    ("CreateContainerServiceRequest", "privateRegistryAccess", "An object to describe the configuration for the container service to access private container image repositories, such as Amazon Elastic Container Registry (Amazon ECR) private repositories."),
    ("PrivateRegistryAccessRequest", "ecrImagePullerRole", "An object to describe a request to activate or deactivate the role that you can use to grant an Amazon Lightsail container service access to Amazon Elastic Container Registry (Amazon ECR) private repositories."),
    ("ContainerServiceECRImagePullerRoleRequest", "isActive", "A Boolean value that indicates whether to activate the role."),
    ("GetContainerLogRequest", "serviceName", "The name of the container service for which to get a container log."),
    ("GetContainerLogRequest", "containerName", "The name of the container that is either running or previously ran on the container service for which to return a log."),
    ("GetContainerLogRequest", "startTime", "The start of the time interval for which to get log data."),
    ("GetContainerLogRequest", "endTime", "The end of the time interval for which to get log data."),
    ("GetContainerLogRequest", "filterPattern", "The pattern to use to filter the returned log events to a specific term."),
    ("GetContainerLogRequest", "pageToken", "The token to advance to the next page of results from your request."),
    ("GetContainerServicesRequest", "serviceName", "The name of the container service for which to return information."),
    ("UpdateContainerServiceRequest", "serviceName", "The name of the container service to update."),
    ("UpdateContainerServiceRequest", "power", "The power for the container service."),
    ("UpdateContainerServiceRequest", "scale", "The scale for the container service."),
    ("UpdateContainerServiceRequest", "isDisabled", "A Boolean value to indicate whether the container service is disabled."),
    ("UpdateContainerServiceRequest", "publicDomainNames", "The public domain names to use with the container service, such as example."),
    ("UpdateContainerServiceRequest", "privateRegistryAccess", "An object to describe the configuration for the container service to access private container image repositories, such as Amazon Elastic Container Registry (Amazon ECR) private repositories."),
];
