//! Runs the image: deploys it, shows its page, and removes everything at the end.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use gangplank_api::Map;
use gangplank_api::lightsail::{
    Container, ContainerServiceProtocol, CreateContainerServiceDeploymentRequest,
    DeleteContainerServiceRequest, EndpointRequest,
};
use gangplank_server::Server;
use reqwest::{StatusCode, Url};

use super::image;
use super::story::Story;
use crate::aws::api_client::{self, ApiClient, present};
use crate::commands::deploy::waiting::{Awaited, Outcome, Seen};
use crate::http::answers;
use crate::terminal::{foreign, output};

/// The container's name.
const NAME: &str = "app";
/// How long the engine may take to remove the containers.
const REMOVAL: Duration = Duration::from_secs(30);

/// Runs a registered image. Returns the address of its page.
pub(super) async fn deploy(
    story: &mut Story,
    client: &ApiClient,
    service: &str,
    image: &str,
) -> Result<String> {
    let port = image::PORT;
    story.step("The image runs");
    story.command(&format!("gangplank deploy {service} --image {image} --port {port} --wait"));
    let container = Container {
        image: Some(image.to_owned()),
        ports: Some(Map::from([(port.to_string(), ContainerServiceProtocol::Http)])),
        ..Container::default()
    };
    let endpoint = EndpointRequest {
        container_name: NAME.to_owned(),
        container_port: i32::from(port),
        health_check: None,
    };
    let input = CreateContainerServiceDeploymentRequest {
        service_name: service.to_owned(),
        containers: Some(Map::from([(NAME.to_owned(), container)])),
        public_endpoint: Some(endpoint),
    };
    let made = present(client.call(&input).await?.container_service, "containerService")?;
    let next = present(made.next_deployment, "nextDeployment")?;
    let awaited = Awaited::new(client, service, NAME, &next)?;
    let mut tell = |seen: Seen<'_>| match seen {
        Seen::State(state) => story.note(state),
        Seen::Line(line) => story.note(&format!("| {}", foreign::line(&line.text))),
    };
    match awaited.settled(&mut tell).await? {
        Outcome::Active { url } => {
            let url = url.context("the service has no address")?;
            story
                .held(&format!("version {} is ACTIVE; its log: gangplank logs {service}", awaited.version()));
            Ok(url)
        }
        Outcome::Failed { reason, .. } => bail!("the deployment failed: {reason}"),
    }
}

/// Fetches the page, as a browser would.
pub(super) async fn show_page(story: &mut Story, server: &Server, url: &str) -> Result<()> {
    story.step("Its page, at an address of its own");
    story.command(&format!("curl {url}"));
    let address = Url::parse(url).with_context(|| format!("{url:?} is no address"))?;
    let host = address.host_str().with_context(|| format!("{url:?} names no host"))?;
    // Some systems do not resolve names under localhost, so the address of this machine is given.
    let http = api_client::here().resolve(host, server.address()).timeout(answers::FIRST_BYTE);
    let answer = http.build()?.get(address.clone()).send().await?;
    let status = answer.status();
    ensure!(status == StatusCode::OK, "GET {url} answered {status}, not 200");
    let page = answers::whole(answer).await?;
    ensure!(page == image::PAGE.as_bytes(), "GET {url} answered another page");
    story.held(&format!("{status}, {}: {}", output::size(page.len() as u64), title()));
    Ok(())
}

/// The heading of the page.
fn title() -> &'static str {
    let rest = image::PAGE.split_once("<h1>").map(|(_, rest)| rest);
    rest.and_then(|rest| rest.split("</h1>").next()).unwrap_or_default()
}

/// Deletes the service. Waits until the engine has removed its containers.
pub(super) async fn remove(client: &ApiClient, server: &Server, service: &str) -> Result<()> {
    client.call(&DeleteContainerServiceRequest { service_name: service.to_owned() }).await?;
    ensure!(
        server.runs_nothing_of(service, REMOVAL).await,
        "the engine still has containers of {service} after {} s; its own commands remove them",
        REMOVAL.as_secs()
    );
    Ok(())
}
