//! Translates deployments between the shapes of the API and the types of the core.

use std::collections::BTreeMap;

use gangplank_api::lightsail::{
    Container, ContainerServiceDeployment, ContainerServiceDeploymentState, ContainerServiceEndpoint,
    ContainerServiceHealthCheckConfig, ContainerServiceProtocol, EndpointRequest,
};
use gangplank_api::{Map, Timestamp};
use gangplank_core::deployment::{self as core, DeploymentState, HealthCheck, Protocol, Spec, Values};
use gangplank_store::metadata::container_services::ContainerService;
use gangplank_store::metadata::deployments::Deployment;

use crate::app::App;

/// The containers and the endpoint of a request, with every default filled in. They were validated against the
/// API's description.
pub(super) fn spec(containers: Option<Map<Container>>, endpoint: Option<EndpointRequest>) -> Spec {
    let container = |(name, container): (String, Container)| {
        let ports = container.ports.unwrap_or_default().into_iter();
        let container = core::Container {
            image: container.image.unwrap_or_default(),
            command: container.command.unwrap_or_default(),
            environment: Values(container.environment.unwrap_or_default()),
            ports: ports.filter_map(|(port, it)| Some((port.parse().ok()?, protocol(it)))).collect(),
        };
        (name, container)
    };
    let endpoint = endpoint.and_then(|endpoint| {
        Some(core::Endpoint {
            container: endpoint.container_name,
            port: endpoint.container_port.try_into().ok()?,
            health_check: health_check(endpoint.health_check.unwrap_or_default()),
        })
    });
    Spec { containers: containers.unwrap_or_default().into_iter().map(container).collect(), endpoint }
}

fn health_check(check: ContainerServiceHealthCheckConfig) -> HealthCheck {
    let default = HealthCheck::default();
    let number = |given: Option<i32>, default| given.and_then(|it| it.try_into().ok()).unwrap_or(default);
    HealthCheck {
        healthy_threshold: number(check.healthy_threshold, default.healthy_threshold),
        unhealthy_threshold: number(check.unhealthy_threshold, default.unhealthy_threshold),
        timeout_seconds: number(check.timeout_seconds, default.timeout_seconds),
        interval_seconds: number(check.interval_seconds, default.interval_seconds),
        path: check.path.unwrap_or(default.path),
        success_codes: check.success_codes.unwrap_or(default.success_codes),
    }
}

/// A deployment in the shape of the API. Its containers are missing if its sealed specification cannot be
/// opened any more.
pub(super) fn shown(
    app: &App,
    service: &ContainerService,
    deployment: &Deployment,
) -> ContainerServiceDeployment {
    let spec = app.master.open_spec(&service.uuid, &deployment.sealed_spec);
    let (containers, endpoint) = spec.map(|spec| (spec.containers, spec.endpoint)).ok().unzip();
    ContainerServiceDeployment {
        version: Some(i32::try_from(deployment.version).unwrap_or(i32::MAX)),
        state: Some(match deployment.state {
            DeploymentState::Activating => ContainerServiceDeploymentState::Activating,
            DeploymentState::Active => ContainerServiceDeploymentState::Active,
            DeploymentState::Inactive => ContainerServiceDeploymentState::Inactive,
            DeploymentState::Failed => ContainerServiceDeploymentState::Failed,
        }),
        containers: containers.map(shown_containers),
        public_endpoint: endpoint.flatten().map(shown_endpoint),
        created_at: Some(Timestamp(deployment.created_at.0)),
    }
}

/// Containers as they were requested. Empty ports are left out, as clients do themselves.
fn shown_containers(containers: BTreeMap<String, core::Container>) -> Map<Container> {
    let container = |(name, it): (String, core::Container)| {
        let ports = it.ports.into_iter().map(|(port, it)| (port.to_string(), shown_protocol(it)));
        let ports: Map<_> = ports.collect();
        let container = Container {
            image: Some(it.image),
            command: Some(it.command),
            environment: Some(it.environment.0),
            ports: (!ports.is_empty()).then_some(ports),
        };
        (name, container)
    };
    containers.into_iter().map(container).collect()
}

fn shown_endpoint(endpoint: core::Endpoint) -> ContainerServiceEndpoint {
    let check = endpoint.health_check;
    let number = |number: u32| Some(i32::try_from(number).unwrap_or(i32::MAX));
    ContainerServiceEndpoint {
        container_name: Some(endpoint.container),
        container_port: Some(endpoint.port.into()),
        health_check: Some(ContainerServiceHealthCheckConfig {
            healthy_threshold: number(check.healthy_threshold),
            unhealthy_threshold: number(check.unhealthy_threshold),
            timeout_seconds: number(check.timeout_seconds),
            interval_seconds: number(check.interval_seconds),
            path: Some(check.path),
            success_codes: Some(check.success_codes),
        }),
    }
}

fn protocol(protocol: ContainerServiceProtocol) -> Protocol {
    match protocol {
        ContainerServiceProtocol::Http => Protocol::Http,
        ContainerServiceProtocol::Https => Protocol::Https,
        ContainerServiceProtocol::Tcp => Protocol::Tcp,
        ContainerServiceProtocol::Udp => Protocol::Udp,
    }
}

fn shown_protocol(protocol: Protocol) -> ContainerServiceProtocol {
    match protocol {
        Protocol::Http => ContainerServiceProtocol::Http,
        Protocol::Https => ContainerServiceProtocol::Https,
        Protocol::Tcp => ContainerServiceProtocol::Tcp,
        Protocol::Udp => ContainerServiceProtocol::Udp,
    }
}

#[cfg(test)]
mod tests {
    use gangplank_api::lightsail::CreateContainerServiceDeploymentRequest;
    use gangplank_api::{decode, encode};
    use serde_json::{Value, json};

    use super::*;

    fn read(request: &Value) -> Spec {
        let request: CreateContainerServiceDeploymentRequest =
            decode(&serde_json::to_vec(request).unwrap()).unwrap();
        spec(request.containers, request.public_endpoint)
    }

    fn echo(spec: Spec) -> Value {
        let shown = ContainerServiceDeployment {
            containers: Some(shown_containers(spec.containers)),
            public_endpoint: spec.endpoint.map(shown_endpoint),
            ..ContainerServiceDeployment::default()
        };
        serde_json::from_slice(&encode(&shown)).unwrap()
    }

    #[test]
    fn what_was_sent_is_shown_with_the_defaults() {
        let spec = read(&json!({
            "serviceName": "web",
            "containers": { "app": { "image": ":web.app.latest", "ports": { "8080": "HTTP", "53": "UDP" } },
                            "side": { "image": "redis" } },
            "publicEndpoint": { "containerName": "app", "containerPort": 8080 },
        }));
        assert_eq!(
            echo(spec),
            json!({
                "containers": {
                    "app": { "image": ":web.app.latest", "command": [], "environment": {},
                             "ports": { "8080": "HTTP", "53": "UDP" } },
                    "side": { "image": "redis", "command": [], "environment": {} },
                },
                "publicEndpoint": {
                    "containerName": "app", "containerPort": 8080,
                    "healthCheck": { "healthyThreshold": 2, "unhealthyThreshold": 2, "timeoutSeconds": 2,
                                     "intervalSeconds": 5, "path": "/", "successCodes": "200-499" },
                },
            })
        );
    }

    #[test]
    fn what_was_said_is_kept() {
        let sent = json!({
            "containers": { "app": { "image": "nginx", "command": ["serve", ""], "environment": { "A": "", "B": "x" },
                                     "ports": { "443": "HTTPS", "70": "TCP" } } },
            "publicEndpoint": {
                "containerName": "app", "containerPort": 443,
                "healthCheck": { "healthyThreshold": 3, "unhealthyThreshold": 10, "timeoutSeconds": 60,
                                 "intervalSeconds": 300, "path": "/up?a=b", "successCodes": "200,300-302" },
            },
        });
        let mut request = sent.clone();
        request["serviceName"] = json!("web");
        assert_eq!(echo(read(&request)), sent);
    }
}
