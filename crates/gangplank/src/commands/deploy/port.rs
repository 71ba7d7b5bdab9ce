//! The port of the public endpoint: the one of `--port`, else the only port that the image exposes.

use std::collections::BTreeSet;

use anyhow::{Error, Result, anyhow, bail};
use gangplank_api::lightsail::{ContainerServiceDeployment, ContainerServiceEndpoint};

/// A port, or explicitly none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Port {
    None,
    Number(u16),
}

impl Port {
    pub(super) fn number(self) -> Option<u16> {
        match self {
            Self::None => None,
            Self::Number(port) => Some(port),
        }
    }
}

impl std::str::FromStr for Port {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.parse().ok().filter(|port| *port > 0 && !text.starts_with('+'));
        match (text, number) {
            ("none", _) => Ok(Self::None),
            (_, Some(port)) => Ok(Self::Number(port)),
            _ => Err("a port is a number from 1 to 65535, or none".to_owned()),
        }
    }
}

/// A port for the request that is checked before the real port is known.
pub(super) fn stand_in(given: Option<Port>, health_path: Option<&str>) -> Option<u16> {
    // A path for health checks needs an endpoint, so there will be a port.
    given.map_or(health_path.map(|_| 1), Port::number)
}

/// The only port that an image exposes. `None` if it exposes none.
///
/// # Errors
/// If the image exposes several ports.
pub(super) fn only(exposed: &BTreeSet<u16>, image: &str) -> Result<Option<u16>> {
    let mut ports = exposed.iter().copied();
    match (ports.next(), exposed.len()) {
        (port, 0 | 1) => Ok(port),
        (_, count) => {
            let list: Vec<String> = exposed.iter().map(ToString::to_string).collect();
            bail!(
                "{image} exposes {count} ports, {}: name that of the public endpoint, such as --port {}",
                list.join(", "),
                list[0]
            )
        }
    }
}

/// The error for a deployment that would remove the endpoint of a service, although nobody asked for that.
pub(super) fn taken_away(service: &str, image: &str, now: &ContainerServiceEndpoint) -> Error {
    let port = now.container_port.unwrap_or_default();
    anyhow!(
        "{image} exposes no port, and {service} has a public endpoint on port {port} now: give --port {port} to keep it, \
         or --port none to do without"
    )
}

/// The port that the newest deployment of the same image had. Images are the same if their names differ only in
/// number or tag.
///
/// # Errors
/// If no deployment had this image: the ports that it exposes are not known here.
pub(super) fn used_before(deployments: &[ContainerServiceDeployment], image: &str) -> Result<Option<u16>> {
    let wanted = without_version(image);
    let used = deployments.iter().find_map(|deployment| {
        let endpoint = deployment.public_endpoint.as_ref()?;
        let container = deployment.containers.as_ref()?.get(endpoint.container_name.as_ref()?)?;
        let is_same = container.image.as_deref().is_some_and(|used| without_version(used) == wanted);
        endpoint.container_port.filter(|_| is_same).and_then(|port| u16::try_from(port).ok())
    });
    match used {
        Some(port) => Ok(Some(port)),
        None => bail!(
            "{image} was not deployed here before, and which ports it exposes is not known: give --port, or --port none \
             for no public endpoint"
        ),
    }
}

fn without_version(image: &str) -> &str {
    if image.starts_with(':') {
        return image.rsplit_once('.').map_or(image, |(label, _)| label);
    }
    let name = image.split('@').next().unwrap_or_default();
    match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use gangplank_api::Map;
    use gangplank_api::lightsail::{Container, ContainerServiceEndpoint};

    use super::*;

    #[test]
    fn a_port_is_a_number_or_none() {
        assert_eq!("8080".parse(), Ok(Port::Number(8080)));
        assert_eq!("none".parse(), Ok(Port::None));
        for wrong in ["0", "65536", "-1", "+1", "x", ""] {
            assert!(wrong.parse::<Port>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn of_several_ports_none_is_taken() {
        assert_eq!(only(&BTreeSet::new(), "app").unwrap(), None);
        assert_eq!(only(&BTreeSet::from([80]), "app").unwrap(), Some(80));
        let error = only(&BTreeSet::from([80, 443]), "app").unwrap_err().to_string();
        assert!(error.contains("exposes 2 ports, 80, 443") && error.contains("--port 80"), "{error}");
    }

    #[test]
    fn an_image_keeps_the_port_that_it_had() {
        let deployment = |image: &str, port| ContainerServiceDeployment {
            containers: Some(Map::from([(
                "app".to_owned(),
                Container { image: Some(image.to_owned()), ..Container::default() },
            )])),
            public_endpoint: Some(ContainerServiceEndpoint {
                container_name: Some("app".to_owned()),
                container_port: Some(port),
                health_check: None,
            }),
            ..ContainerServiceDeployment::default()
        };
        let deployments =
            [deployment(":web.shop.4", 90), deployment(":web.app.2", 80), deployment("h:1/nginx:1.27", 8080)];
        for (image, port) in
            [(":web.app.latest", 80), (":web.shop.1", 90), ("h:1/nginx@sha256:0", 8080), ("h:1/nginx", 8080)]
        {
            assert_eq!(used_before(&deployments, image).unwrap(), Some(port), "{image}");
        }
        let error = used_before(&deployments, ":web.other.1").unwrap_err().to_string();
        assert!(error.contains("--port none"), "{error}");
    }
}
