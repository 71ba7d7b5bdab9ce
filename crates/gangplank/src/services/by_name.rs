//! A container service, found by its name.

use anyhow::{Result, anyhow, bail};
use gangplank_api::ErrorCode;
use gangplank_api::lightsail::{
    ContainerService, ContainerServiceDeployment, GetContainerServiceDeploymentsRequest,
    GetContainerServicesRequest,
};

use crate::aws::api_client::ApiClient;
use crate::aws::call_failure::CallFailure;
use crate::cli::words;

/// Gets the service of a name. `None` if there is none.
pub(crate) async fn get(client: &ApiClient, name: &str) -> Result<Option<ContainerService>, CallFailure> {
    let answer = client.call(&GetContainerServicesRequest { service_name: Some(name.to_owned()) }).await;
    match answer {
        Ok(answer) => Ok(answer.container_services.unwrap_or_default().pop()),
        Err(error) if error.is_refused_with(ErrorCode::NotFoundException) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Gets a service that has to exist.
///
/// # Errors
/// If it does not exist; the error says how to find the right name, and how to make it.
pub(crate) async fn existing(client: &ApiClient, name: &str) -> Result<ContainerService> {
    get(client, name).await?.ok_or_else(|| {
        anyhow!(
            "the container service {name:?} does not exist; `gangplank services` shows those that do, and \
             `gangplank lightsail create-container-service --service-name {} --power nano --scale 1` makes it",
            words::quoted(name)
        )
    })
}

/// The deployments of a service, the newest first.
pub(crate) async fn deployments(
    client: &ApiClient,
    name: &str,
) -> Result<Vec<ContainerServiceDeployment>, CallFailure> {
    let request = GetContainerServiceDeploymentsRequest { service_name: name.to_owned() };
    Ok(client.call(&request).await?.deployments.unwrap_or_default())
}

/// The container to take if none is named: the container of the public endpoint, else the only container.
///
/// # Errors
/// If the deployment has several containers and no endpoint.
pub(crate) fn main_container(deployment: &ContainerServiceDeployment) -> Result<String> {
    let endpoint = deployment.public_endpoint.as_ref().and_then(|endpoint| endpoint.container_name.clone());
    if let Some(name) = endpoint {
        return Ok(name);
    }
    let names: Vec<&String> = deployment.containers.iter().flat_map(|containers| containers.keys()).collect();
    match names.as_slice() {
        [only] => Ok((*only).clone()),
        [] => bail!("the deployment has no container"),
        several => {
            let names: Vec<&str> = several.iter().map(|name| name.as_str()).collect();
            bail!(
                "the deployment has no public endpoint and {} containers, {}; name one",
                names.len(),
                names.join(", ")
            )
        }
    }
}

/// The URL of a service, if anything could answer there.
pub(crate) fn url(service: &ContainerService) -> Option<&str> {
    // Names under this domain never resolve. A server uses it to say that nothing can answer.
    let is_nowhere = |url: &str| {
        let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
        host.is_none_or(|host| host.ends_with(".invalid"))
    };
    service.url.as_deref().filter(|url| !is_nowhere(url))
}

#[cfg(test)]
mod tests {
    use gangplank_api::lightsail::{Container, ContainerServiceEndpoint};

    use super::*;

    fn deployment(containers: &[&str], endpoint: Option<&str>) -> ContainerServiceDeployment {
        let containers = containers.iter().map(|name| ((*name).to_owned(), Container::default()));
        let endpoint = endpoint.map(|name| ContainerServiceEndpoint {
            container_name: Some(name.to_owned()),
            ..ContainerServiceEndpoint::default()
        });
        ContainerServiceDeployment {
            containers: Some(containers.collect()),
            public_endpoint: endpoint,
            ..ContainerServiceDeployment::default()
        }
    }

    #[test]
    fn the_container_that_is_meant_is_the_endpoints_or_the_only_one() {
        assert_eq!(main_container(&deployment(&["app"], None)).unwrap(), "app");
        assert_eq!(main_container(&deployment(&["app", "db"], Some("db"))).unwrap(), "db");
        let error = main_container(&deployment(&["app", "db"], None)).unwrap_err().to_string();
        assert!(error.contains("2 containers, app, db; name one"), "{error}");
        assert!(main_container(&deployment(&[], None)).is_err());
    }

    #[test]
    fn a_url_that_nothing_answers_is_none() {
        let of = |text: &str| ContainerService { url: Some(text.to_owned()), ..ContainerService::default() };
        assert_eq!(url(&of("https://web.x.us-east-1.cs.gangplank.invalid/")), None);
        assert_eq!(url(&of("http://web.x.cs.localhost:5000/")), Some("http://web.x.cs.localhost:5000/"));
        assert_eq!(url(&of("nonsense")), None);
    }
}
