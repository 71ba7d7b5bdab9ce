//! What makes sense as a deployment, beyond the shapes of its members.

use crate::path::quote;
use crate::pattern::is_image_reference;
use crate::{ApiError, Map};

use super::{Container, ContainerServiceHealthCheckConfig, ContainerServiceProtocol, EndpointRequest};

/// How many containers one deployment may have.
pub const MAX_CONTAINERS: usize = 10;

/// The longest image reference that is looked at.
const MAX_IMAGE: usize = 512;

/// Checks the containers of a deployment, and that its endpoint is an open port of one of them.
pub(crate) fn check_deployment(
    containers: Option<&Map<Container>>,
    endpoint: Option<&EndpointRequest>,
) -> Result<(), ApiError> {
    let none = Map::new();
    let containers = containers.unwrap_or(&none);
    if containers.len() > MAX_CONTAINERS {
        return Err(ApiError::invalid_input(format!(
            "The deployment has {} containers; at most {MAX_CONTAINERS} are allowed.",
            containers.len()
        )));
    }
    containers.iter().try_for_each(|(name, container)| check_container(name, container))?;
    endpoint.map_or(Ok(()), |endpoint| check_endpoint(endpoint, containers))
}

fn check_container(name: &str, container: &Container) -> Result<(), ApiError> {
    let Some(image) = &container.image else {
        return Err(ApiError::invalid_input(format!("Container \"{name}\" has no image.")));
    };
    if !is_image(image) {
        return Err(ApiError::invalid_input(format!(
            "Container \"{name}\" has invalid image {}.\n\
             Example of valid image: \":container-service-1.frontend-ui.123\".",
            quote(image)
        )));
    }
    for port in container.ports.iter().flat_map(Map::keys) {
        if !is_port(port) {
            return Err(ApiError::invalid_input(format!(
                "Container \"{name}\" has invalid port {}; allowed is 1 to 65535.",
                quote(port)
            )));
        }
    }
    Ok(())
}

fn is_image(image: &str) -> bool {
    if image.starts_with(':') {
        return is_image_reference(image);
    }
    (1..=MAX_IMAGE).contains(&image.len()) && image.chars().all(|c| !c.is_whitespace() && !c.is_control())
}

fn is_port(text: &str) -> bool {
    !text.starts_with(['0', '+']) && text.parse::<u16>().is_ok()
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
        ("healthyThreshold", check.healthy_threshold, 1, i32::MAX),
        ("unhealthyThreshold", check.unhealthy_threshold, 1, i32::MAX),
        ("timeoutSeconds", check.timeout_seconds, 2, 60),
        ("intervalSeconds", check.interval_seconds, 5, 300),
    ];
    for (name, number, min, max) in numbers {
        if let Some(number) = number.filter(|number| !(min..=max).contains(number)) {
            let allowed = if max == i32::MAX { format!("{min} or more") } else { format!("{min} to {max}") };
            return Err(ApiError::invalid_input(format!(
                "publicEndpoint.healthCheck.{name} is {number}; allowed is {allowed}."
            )));
        }
    }
    if let Some(path) = check.path.as_ref().filter(|path| !path.starts_with('/')) {
        return Err(ApiError::invalid_input(format!(
            "publicEndpoint.healthCheck.path {} does not begin with \"/\".",
            quote(path)
        )));
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
