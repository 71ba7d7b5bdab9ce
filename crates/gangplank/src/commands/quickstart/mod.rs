//! `gangplank quickstart`: shows everything in one command, on a separate server.
//!
//! Every step goes over HTTP, as any client's would. Each step also shows the command that does the same.

mod image;
mod machine_code;
mod program;
mod pusher;
mod running;
mod story;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow, ensure};
use gangplank_api::gangplank::CreateRegistryLoginRequest;
use gangplank_api::lightsail::{
    ContainerServicePowerName, ContainerServiceRegistryLogin, CreateContainerServiceRegistryLoginRequest,
    CreateContainerServiceRequest, GetContainerImagesRequest, RegisterContainerImageRequest,
};
use gangplank_server::Server;
use reqwest::StatusCode;

use self::pusher::Registry;
use self::story::Story;
use crate::aws::api_client::{ApiClient, present};
use crate::aws::connection::Connection;
use crate::services::by_name;
use crate::serving::options::{Engine, ServeOptions, listen_address};
use crate::serving::signals::Signals;
use crate::serving::{logging, open_files};
use crate::terminal::output::{counted, size, timestamp};

const LABEL: &str = "hello";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address to listen on [default: a free port of 127.0.0.1]
    #[arg(long, value_name = "ADDR", value_parser = listen_address)]
    listen: Option<SocketAddr>,
    /// Directory to keep everything in [default: a new one, removed at the end]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Stop after the last step, and do not keep serving
    #[arg(long)]
    exit: bool,
    /// The engine that runs the image: Docker Engine, Podman, the first of them that answers, or none [default: auto]
    #[arg(long, env = "GANGPLANK_ENGINE")]
    engine: Option<Engine>,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let _logs = logging::start("warn", logging::Format::Text)?;
    let throw_away = tempfile::Builder::new().prefix("gangplank-quickstart-").tempdir()?;
    let made = throw_away.path().to_owned();
    let mut signals = Signals::hear(move || drop(std::fs::remove_dir_all(made)))?;
    let data_dir = args.data_dir.clone().unwrap_or_else(|| throw_away.path().join("data"));
    let options = ServeOptions {
        listen: Some(args.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)))),
        data_dir: Some(data_dir.clone()),
        engine: args.engine,
        ..ServeOptions::default()
    };
    let server = Server::start(options.into_config(open_files::raise_limit())?).await?;
    // A data directory that existed before may have a service of this name.
    let service = format!("demo-{}", &uuid::Uuid::new_v4().simple().to_string()[..6]);
    let mut story = Story::new();
    let told = tokio::select! {
        told = tell(&mut story, &server, &data_dir, &service) => told,
        // Closing the terminal ends the program too.
        _ = signals.hang_up() => Err(anyhow!("stopped before the end")),
    };
    match &told {
        Err(error) => story.failed(error),
        Ok(page) if !args.exit => {
            story.staying_up(server.endpoint(), page.as_deref());
            signals.hang_up().await;
        }
        Ok(_) => {}
    }
    let removed = remove(&server, data_dir, &service).await;
    if let Err(error) = &removed {
        story.failed(error);
    }
    server.stop().await;
    Ok(if told.is_ok() && removed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Removes the service and its containers. Without an engine there are no containers; then the service stays, and a
/// directory that is kept still has it.
async fn remove(server: &Server, data_dir: PathBuf, service: &str) -> Result<()> {
    if server.engine().is_none() {
        return Ok(());
    }
    let client = Connection::of(data_dir).client()?;
    if by_name::get(&client, service).await?.is_some() {
        running::remove(&client, server, service).await?;
    }
    Ok(())
}

/// Runs all steps. Returns the address of the page that is served at the end, if there is an engine.
async fn tell(story: &mut Story, server: &Server, data_dir: &Path, service: &str) -> Result<Option<String>> {
    let address = server.address();
    story.step("A server, on the embedded default: SQLite and a folder");
    story.command(&format!("gangplank serve --listen {address} --data-dir {}", data_dir.display()));
    story.held(&format!("listening on {}", server.endpoint()));
    story.note("For the commands below, in another terminal:");
    let shown = data_dir.display();
    story.command(&format!(
        "export AWS_SHARED_CREDENTIALS_FILE={shown}/credentials AWS_CONFIG_FILE={shown}/config"
    ));

    let client = Connection::of(data_dir.to_owned()).client()?;
    create_service(story, &client, service).await?;
    let login = create_login(story, &client).await?;
    let registry = Registry::new(server.endpoint(), "sr", &login)?;
    let digest = push(story, &registry, &login).await?;
    let image = register(story, &client, service, &digest).await?;
    refuse_to_pull(story, server, &registry, &login, service).await?;
    pull_as_a_machine(story, &client, server, service, &digest).await?;
    if server.engine().is_none() {
        story.note("No container engine answers here (Docker or Podman), so nothing runs the image.");
        return Ok(None);
    }
    let page = running::deploy(story, &client, service, &image).await?;
    running::show_page(story, server, &page).await?;
    Ok(Some(page))
}

async fn create_service(story: &mut Story, client: &ApiClient, name: &str) -> Result<()> {
    story.step("A container service, to register images on");
    story.command(&format!(
        "aws lightsail create-container-service --service-name {name} --power nano --scale 1"
    ));
    let input = CreateContainerServiceRequest {
        service_name: name.to_owned(),
        power: ContainerServicePowerName::Nano,
        scale: 1,
        tags: None,
        public_domain_names: None,
        deployment: None,
        private_registry_access: None,
    };
    let service = present(client.call(&input).await?.container_service, "containerService")?;
    let state = present(service.state, "state")?;
    story.held(&format!("{name} is {state}"));
    Ok(())
}

async fn create_login(story: &mut Story, client: &ApiClient) -> Result<ContainerServiceRegistryLogin> {
    story.step("A login that can only push, and ends in 12 hours");
    story.command("aws lightsail create-container-service-registry-login");
    let output = client.call(&CreateContainerServiceRegistryLoginRequest {}).await?;
    let login = present(output.registry_login, "registryLogin")?;
    let expires_at = timestamp(present(login.expires_at, "expiresAt")?);
    story.held(&format!("user {}, password gpl_***, ends {expires_at}", user(&login)));
    Ok(login)
}

async fn push(
    story: &mut Story,
    registry: &Registry,
    login: &ContainerServiceRegistryLogin,
) -> Result<String> {
    let host = host(login);
    story.step("A push with that login");
    story.command(&format!("docker login --username {} --password-stdin {host}", user(login)));
    story.command(&format!("docker tag IMAGE {host}/sr:{LABEL} && docker push {host}/sr:{LABEL}"));
    let image = image::build()?;
    let blobs = counted(u64::try_from(image.blobs.len())?, "blob");
    let sent = size(u64::try_from(image.size())?);
    let digest = registry.push(&image, LABEL).await?;
    story.held(&format!("{blobs}, {sent}; {digest}"));
    Ok(digest)
}

async fn register(story: &mut Story, client: &ApiClient, service: &str, digest: &str) -> Result<String> {
    story.step("The image registered on the service");
    story.command(&format!(
        "aws lightsail register-container-image --service-name {service} --label {LABEL} --digest {digest}"
    ));
    let input = RegisterContainerImageRequest {
        service_name: service.to_owned(),
        label: LABEL.to_owned(),
        digest: digest.to_owned(),
    };
    let registered = present(client.call(&input).await?.container_image, "containerImage")?;
    let name = present(registered.image, "image")?;
    let input = GetContainerImagesRequest { service_name: service.to_owned() };
    let images = client.call(&input).await?.container_images.unwrap_or_default();
    let newest = images.first().and_then(|image| image.image.as_deref());
    ensure!(newest == Some(&name), "get-container-images does not show {name} first");
    story.command(&format!("aws lightsail get-container-images --service-name {service}"));
    story.held(&name);
    Ok(name)
}

async fn refuse_to_pull(
    story: &mut Story,
    server: &Server,
    registry: &Registry,
    login: &ContainerServiceRegistryLogin,
    service: &str,
) -> Result<()> {
    story.step("The same login cannot pull: not a registered image, not a single layer, not a list");
    story.command(&format!("docker pull {}/{service}:{LABEL}.1", host(login)));
    let registered = Registry::new(server.endpoint(), service, login)?;
    let layer = image::build()?.blobs[0].digest;
    for (registry, path) in [
        (&registered, format!("manifests/{LABEL}.1")),
        (registry, format!("blobs/{layer}")),
        (registry, "tags/list".to_owned()),
    ] {
        let status = registry.get(&path).await?.status();
        ensure!(status == StatusCode::FORBIDDEN, "GET {path} with a push login answered {status}, not 403");
    }
    let stranger = registry.with_password("gpl_not-a-login");
    let status = stranger.get(&format!("manifests/{LABEL}")).await?.status();
    ensure!(status == StatusCode::UNAUTHORIZED, "a made-up password answered {status}, not 401");
    story.held("refused with 403 DENIED");
    Ok(())
}

async fn pull_as_a_machine(
    story: &mut Story,
    client: &ApiClient,
    server: &Server,
    service: &str,
    digest: &str,
) -> Result<()> {
    story.step("A machine that runs the service pulls with a login of its own kind, which cannot push");
    story.command(&format!("gangplank registry-login create --service-name {service}"));
    let input = CreateRegistryLoginRequest {
        scope: None,
        service_name: Some(service.to_owned()),
        ..Default::default()
    };
    let login = client.call(&input).await?.registry_login;
    story.command(&format!("docker pull {}/{service}:{LABEL}.1", host(&login)));
    let registry = Registry::new(server.endpoint(), service, &login)?;
    let answer = registry.get(&format!("manifests/{LABEL}.1")).await?;
    ensure!(answer.status() == StatusCode::OK, "the pull login was answered {}", answer.status());
    let found = answer.headers().get("docker-content-digest").and_then(|value| value.to_str().ok());
    ensure!(found == Some(digest), "the pull login was given another image");
    for blob in &image::build()?.blobs {
        let answer = registry.get(&format!("blobs/{}", blob.digest)).await?.error_for_status()?;
        ensure!(answer.bytes().await? == blob.bytes, "a pulled blob differs from the pushed one");
    }
    let pushed = registry.push(&image::build()?, LABEL).await;
    ensure!(pushed.is_err(), "the pull login could push");
    story.held(&format!("{service}:{LABEL}.1 pulled, byte for byte; a push with it is refused"));
    Ok(())
}

fn user(login: &ContainerServiceRegistryLogin) -> &str {
    login.username.as_deref().unwrap_or_default()
}

fn host(login: &ContainerServiceRegistryLogin) -> &str {
    login.registry.as_deref().unwrap_or_default()
}

impl Registry {
    /// A repository of the server, with a login.
    fn new(endpoint: &str, repository: &str, login: &ContainerServiceRegistryLogin) -> Result<Self> {
        let password = login.password.as_ref().context("the login has no password")?;
        Self::open(endpoint, repository, user(login), password.expose())
    }
}
