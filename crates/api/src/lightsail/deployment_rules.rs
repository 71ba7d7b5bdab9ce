//! Rules for deployments, beyond the shapes of their members.

use std::collections::BTreeMap;

use crate::path::quote;
use crate::pattern::{image_reference_service, is_public_reference};
use crate::{ApiError, Map};

use super::{Container, ContainerServiceHealthCheckConfig, ContainerServiceProtocol, EndpointRequest};

/// The largest number of containers in a deployment.
pub const MAX_CONTAINERS: usize = 10;

/// The largest sum of the names, images, commands, variables and paths of a deployment, in bytes.
pub const MAX_DEPLOYMENT: usize = 64 << 10;

/// The longest path of a health check.
const MAX_PATH: usize = 1_024;

/// Checks the containers of a deployment. Also checks that its endpoint is an open port of one of them.
pub(crate) fn check_deployment(
    service: &str,
    containers: Option<&Map<Container>>,
    endpoint: Option<&EndpointRequest>,
) -> Result<(), ApiError> {
    let none = Map::new();
    let containers = containers.unwrap_or(&none);
    if containers.is_empty() {
        return Err(ApiError::invalid_input(
            "The deployment has no containers, so nothing of it could run; give it one at least.",
        ));
    }
    if containers.len() > MAX_CONTAINERS {
        return Err(ApiError::invalid_input(format!(
            "The deployment has {} containers; at most {MAX_CONTAINERS} are allowed.",
            containers.len()
        )));
    }
    containers.iter().try_for_each(|(name, container)| check_container(service, name, container))?;
    check_ports(containers)?;
    endpoint.map_or(Ok(()), |endpoint| check_endpoint(endpoint, containers))?;
    check_size(containers, endpoint)
}

/// The error for an image that a container cannot have, in the words of the real service.
pub fn invalid_image(container: &str, image: &str) -> ApiError {
    ApiError::invalid_input(format!(
        "Container \"{container}\" has invalid image {}.\n\
         Example of valid image: \":container-service-1.frontend-ui.123\".",
        quote(image)
    ))
}

fn check_container(service: &str, name: &str, container: &Container) -> Result<(), ApiError> {
    let Some(image) = &container.image else {
        return Err(ApiError::invalid_input(format!("Container \"{name}\" has no image.")));
    };
    if !is_image(service, image) {
        return Err(invalid_image(name, image));
    }
    for port in container.ports.iter().flat_map(Map::keys) {
        if !is_port(port) {
            return Err(ApiError::invalid_input(format!(
                "Container \"{name}\" has invalid port {}; allowed is 1 to 65535.",
                quote(port)
            )));
        }
    }
    check_environment(name, container)
}

/// Whether a name is valid. A registered image has to be one of the service itself.
fn is_image(service: &str, image: &str) -> bool {
    if image.starts_with(':') {
        image_reference_service(image) == Some(service)
    } else {
        is_public_reference(image)
    }
}

fn is_port(text: &str) -> bool {
    !text.starts_with(['0', '+']) && text.parse::<u16>().is_ok()
}

/// Checks the names of environment variables.
fn check_environment(container: &str, Container { environment, .. }: &Container) -> Result<(), ApiError> {
    for name in environment.iter().flat_map(Map::keys) {
        if name.is_empty() || name.contains('=') {
            return Err(ApiError::invalid_input(format!(
                "Container \"{container}\" has an environment variable named {}; a name is not empty and has no \
                 \"=\".",
                quote(name)
            )));
        }
    }
    Ok(())
}

/// Checks the ports. The containers of a node share one network namespace, so each port can be opened once, for TCP
/// and UDP separately.
fn check_ports(containers: &Map<Container>) -> Result<(), ApiError> {
    let mut opened = BTreeMap::new();
    for (name, container) in containers {
        for (port, protocol) in container.ports.iter().flatten() {
            let is_udp = *protocol == ContainerServiceProtocol::Udp;
            if let Some(other) = opened.insert((port, is_udp), name) {
                return Err(ApiError::invalid_input(format!(
                    "Containers \"{other}\" and \"{name}\" both open port {port}; the containers of a deployment \
                     share one network, so each needs ports of its own."
                )));
            }
        }
    }
    Ok(())
}

fn check_size(containers: &Map<Container>, endpoint: Option<&EndpointRequest>) -> Result<(), ApiError> {
    let of_container = |(name, container): (&String, &Container)| {
        let image = container.image.iter().map(String::len);
        let command = container.command.iter().flatten().map(String::len);
        let environment =
            container.environment.iter().flatten().map(|(name, value)| name.len() + value.len());
        let ports = container.ports.iter().flat_map(Map::keys).map(String::len);
        name.len() + image.chain(command).chain(environment).chain(ports).sum::<usize>()
    };
    let of_check = |check: &ContainerServiceHealthCheckConfig| {
        [&check.path, &check.success_codes].into_iter().flatten().map(String::len).sum::<usize>()
    };
    let check = endpoint.and_then(|endpoint| endpoint.health_check.as_ref()).map_or(0, of_check);
    let size = containers.iter().map(of_container).sum::<usize>() + check;
    if size > MAX_DEPLOYMENT {
        return Err(ApiError::invalid_input(format!(
            "The deployment has {size} bytes of images, commands and environment variables; at most \
             {MAX_DEPLOYMENT} are allowed."
        )));
    }
    Ok(())
}

fn check_endpoint(endpoint: &EndpointRequest, containers: &Map<Container>) -> Result<(), ApiError> {
    let name = &endpoint.container_name;
    let Some(container) = containers.get(name) else {
        return Err(ApiError::invalid_input(format!(
            "publicEndpoint.containerName {} is not the name of a container of this deployment.",
            quote(name)
        )));
    };
    let port = endpoint.container_port.to_string();
    match container.ports.as_ref().and_then(|ports| ports.get(&port)) {
        Some(ContainerServiceProtocol::Http | ContainerServiceProtocol::Https) => {}
        _ => {
            return Err(ApiError::invalid_input(format!(
                "publicEndpoint.containerPort {port} must be a port that container \"{name}\" \
                 opens for HTTP or HTTPS."
            )));
        }
    }
    endpoint.health_check.as_ref().map_or(Ok(()), check_health_check)
}

fn check_health_check(check: &ContainerServiceHealthCheckConfig) -> Result<(), ApiError> {
    let numbers = [
        ("healthyThreshold", check.healthy_threshold, 1, 10),
        ("unhealthyThreshold", check.unhealthy_threshold, 1, 10),
        ("timeoutSeconds", check.timeout_seconds, 2, 60),
        ("intervalSeconds", check.interval_seconds, 5, 300),
    ];
    for (name, number, min, max) in numbers {
        if let Some(number) = number.filter(|number| !(min..=max).contains(number)) {
            return Err(ApiError::invalid_input(format!(
                "publicEndpoint.healthCheck.{name} is {number}; allowed is {min} to {max}."
            )));
        }
    }
    if let Some(path) = &check.path {
        check_path(path)?;
    }
    if let Some(codes) = check.success_codes.as_ref().filter(|codes| !codes.split(',').all(is_success_code)) {
        return Err(ApiError::invalid_input(format!(
            "publicEndpoint.healthCheck.successCodes {} is not understood; allowed are statuses \
             from 200 to 499, such as \"200\", \"200,202\" or \"200-299\".",
            quote(codes)
        )));
    }
    Ok(())
}

/// Checks a path, which is sent unchanged in the first line of a request.
fn check_path(path: &str) -> Result<(), ApiError> {
    let wrong = match path {
        path if !path.starts_with('/') => "does not begin with \"/\"",
        path if path.len() > MAX_PATH => "is longer than 1024 characters",
        path if !path.bytes().all(|byte| byte.is_ascii_graphic() && !b"#<>\"`".contains(&byte)) => {
            "has a character that no URL has; write it as %XX"
        }
        _ => return Ok(()),
    };
    Err(ApiError::invalid_input(format!("publicEndpoint.healthCheck.path {} {wrong}.", quote(path))))
}

fn is_success_code(text: &str) -> bool {
    let code = |text: &str| {
        let digits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|code| digits && (200..=499).contains(code))
    };
    match text.split_once('-') {
        Some((first, last)) => code(first).zip(code(last)).is_some_and(|(first, last)| first <= last),
        None => code(text).is_some(),
    }
}
