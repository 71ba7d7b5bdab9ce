//! `gangplank deploy`: runs an image on a container service. An image that is not registered yet is pushed and
//! registered first.

mod environment;
mod image;
mod pause;
mod port;
mod reason;
pub(super) mod waiting;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, anyhow, bail, ensure};
use gangplank_api::lightsail::{
    Container, ContainerService, ContainerServiceEndpoint, ContainerServiceHealthCheckConfig,
    ContainerServiceProtocol, ContainerServiceState, CreateContainerServiceDeploymentRequest,
    EndpointRequest,
};
use gangplank_api::{Map, decode, encode};
use serde_json::json;

use self::image::Wanted;
use self::port::Port;
use self::waiting::{Awaited, Outcome, Seen};
use super::push::registering::Place;
use crate::aws::api_client::present;
use crate::aws::call_failure::with_tip;
use crate::aws::connection::Connection;
use crate::cli::words;
use crate::push::Image;
use crate::push::progress::Progress;
use crate::push::source::exposed;
use crate::push::source::platform::{Platform, Platforms};
use crate::services::by_name;
use crate::system::Interrupts;
use crate::terminal::listing::Form;
use crate::terminal::{foreign, output};
use crate::values::duration::{self, LengthOfTime};

/// The exit status of a program that SIGINT ended.
const INTERRUPTED: u8 = 130;
/// The number of blobs that are uploaded at a time.
const JOBS: usize = 4;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The container service
    service: String,
    /// The image. One that is pushed and registered first, named as for `gangplank push`: NAME in a running engine,
    /// `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:NAME]` or `-`. One that is registered
    /// already: `:SERVICE.LABEL.NUMBER`. One that the engine pulls from another registry: a name that begins with the
    /// registry's host, as in docker.io/library/nginx
    #[arg(long, value_name = "IMAGE")]
    image: String,
    /// The port of the public endpoint, which speaks HTTP; none for no endpoint [default: the only port that the
    /// image exposes]
    #[arg(long, value_name = "PORT")]
    port: Option<Port>,
    /// A variable of the container's environment; without =VALUE, the value is taken from this command's
    /// environment
    #[arg(long, short, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// A file with a variable on each line, in docker's format; --env wins over it
    #[arg(long, value_name = "FILE")]
    env_file: Vec<PathBuf>,
    /// The command to run in place of the image's, split into words as a shell would do; nothing in it is expanded
    #[arg(long, value_name = "COMMAND", value_parser = command, allow_hyphen_values = true)]
    command: Option<Command>,
    /// The name of the container
    #[arg(long, value_name = "NAME", default_value = "app")]
    name: String,
    /// The path of health checks [default: /]
    #[arg(long, value_name = "PATH")]
    health_path: Option<String>,
    /// The label to register a pushed image under [default: the last part of its name]
    #[arg(long)]
    label: Option<String>,
    /// Push only this platform of a multi-platform image
    #[arg(long, value_name = "OS/ARCHITECTURE")]
    platform: Option<Platform>,
    /// Wait until the deployment is active, and show its states and the log meanwhile; the address is the last line
    /// of standard output
    #[arg(long)]
    wait: bool,
    /// The longest time to wait [default: 30m]
    #[arg(long, value_name = "TIME", requires = "wait", allow_hyphen_values = true)]
    timeout: Option<LengthOfTime>,
    /// How the result is shown [default: text]
    #[arg(long, value_name = "FORM", value_parser = Form::json_or_text())]
    output: Option<Form>,
    #[command(flatten)]
    connection: Connection,
}

/// A command, split into words.
#[derive(Clone, Debug)]
struct Command(Vec<String>);

fn command(text: &str) -> Result<Command, String> {
    let words = words::split(text).ok_or("a quote is not closed")?;
    if words.is_empty() { Err("it has no word".to_owned()) } else { Ok(Command(words)) }
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let environment = environment::read(&args.env, &args.env_file)?;
    let wanted = Wanted::of(&args.image, args.label.as_deref(), &args.name)?;
    let client = Arc::new(args.connection.client()?);
    // Make the server's later checks before the push, so that nobody waits for a push that is then refused.
    if let Wanted::Push(_, label) = &wanted {
        Place { service: args.service.clone(), label: label.clone() }.check()?;
    }
    let stand_in = wanted.stand_in(&args.service);
    check(&request(
        &args,
        &stand_in,
        environment.clone(),
        port::stand_in(args.port, args.health_path.as_deref()),
    ))?;
    let service = by_name::existing(&client, &args.service).await?;
    require_idle(&service, &args.service)?;
    let endpoint = service.current_deployment.and_then(|current| current.public_endpoint);

    let progress = Progress::shown();
    let (image, port) = match wanted {
        Wanted::AsItIs(image) => {
            let port = match args.port {
                Some(port) => port.number(),
                None => port::used_before(&by_name::deployments(&client, &args.service).await?, &image)?,
            };
            require_endpoint(&args, port)?;
            (image, port)
        }
        Wanted::Push(source, label) => {
            let platforms = args.platform.clone().map_or(Platforms::All, Platforms::Only);
            let image = source.open(platforms, &progress).await?;
            tell_of(&image, &progress);
            let (image, port) = with_port(image, &args, endpoint.as_ref()).await?;
            require_endpoint(&args, port)?;
            let place = Place { service: args.service.clone(), label };
            let registered = place.push(&client, image, JOBS, &progress).await?;
            progress.say(format_args!("Registered as {}.", registered.image));
            (registered.image, port)
        }
    };
    if port.is_none() {
        progress.say("Deployed without a public endpoint, so without an address.");
    }
    let made = client.call(&request(&args, &image, environment, port)).await?;
    let service = present(made.container_service, "containerService")?;
    let next = present(service.next_deployment.clone(), "nextDeployment")?;
    let awaited = Awaited::new(&client, &args.service, &args.name, &next)?;
    progress.say(format_args!("Deployment {} of {} is on its way.", awaited.version(), args.service));
    let told = Told { service: &args.service, image: &image, version: awaited.version(), form: args.output };
    if args.wait { wait(&args, &awaited, told).await } else { told.accepted(&service) }
}

fn request(
    args: &Args,
    image: &str,
    environment: Map<String>,
    port: Option<u16>,
) -> CreateContainerServiceDeploymentRequest {
    let ports = port.map(|port| Map::from([(port.to_string(), ContainerServiceProtocol::Http)]));
    let container = Container {
        image: Some(image.to_owned()),
        command: args.command.clone().map(|command| command.0),
        environment: Some(environment).filter(|environment| !environment.is_empty()),
        ports,
    };
    let health_check = args.health_path.clone().map(|path| ContainerServiceHealthCheckConfig {
        path: Some(path),
        ..ContainerServiceHealthCheckConfig::default()
    });
    let endpoint = port.map(|port| EndpointRequest {
        container_name: args.name.clone(),
        container_port: i32::from(port),
        health_check,
    });
    CreateContainerServiceDeploymentRequest {
        service_name: args.service.clone(),
        containers: Some(Map::from([(args.name.clone(), container)])),
        public_endpoint: endpoint,
    }
}

fn check(request: &CreateContainerServiceDeploymentRequest) -> Result<()> {
    let decoded = decode::<CreateContainerServiceDeploymentRequest>(&encode(request));
    decoded.map(|_| ()).map_err(|error| anyhow!("{}", with_tip(&error.message, error.tip.as_deref())))
}

/// Refuses a service that is busy. The server would refuse it after the push.
fn require_idle(service: &ContainerService, name: &str) -> Result<()> {
    let quoted = words::quoted(name);
    let version = service.next_deployment.as_ref().and_then(|next| next.version);
    match (service.state, version) {
        (Some(ContainerServiceState::Disabled), _) => bail!(
            "the container service {name:?} is disabled; `gangplank lightsail update-container-service --service-name \
             {quoted} --no-is-disabled` enables it"
        ),
        (Some(ContainerServiceState::Deploying), Some(version)) => bail!(
            "deployment {version} of {name:?} is still on its way; `gangplank logs {quoted} --follow` shows how it goes"
        ),
        _ => Ok(()),
    }
}

fn require_endpoint(args: &Args, port: Option<u16>) -> Result<()> {
    ensure!(
        port.is_some() || args.health_path.is_none(),
        "--health-path is for a public endpoint, and there is none: give --port"
    );
    Ok(())
}

fn tell_of(image: &Image, progress: &Arc<Progress>) {
    image.note().iter().for_each(|note| progress.say(note));
    if let Some(platform) = image.is_for_others_than(&Platform::of_services()) {
        progress.say(format_args!(
            "Warning: this image is for {platform}, and container services run linux/amd64."
        ));
    }
}

/// Completes the image with the port of its endpoint. `service` may have an endpoint with another port now.
async fn with_port(
    image: Image,
    args: &Args,
    now: Option<&ContainerServiceEndpoint>,
) -> Result<(Image, Option<u16>)> {
    if let Some(port) = args.port {
        return Ok((image, port.number()));
    }
    let platform = args.platform.clone().unwrap_or_else(Platform::of_services);
    let read = move || (exposed::tcp_ports(&image, &platform), image);
    let (ports, image) = tokio::task::spawn_blocking(read).await?;
    let port = port::only(&ports?, &args.image)?;
    if let (None, Some(now)) = (port, now) {
        return Err(port::taken_away(&args.service, &args.image, now));
    }
    Ok((image, port))
}

async fn wait(args: &Args, awaited: &Awaited<'_>, told: Told<'_>) -> Result<ExitCode> {
    let longest = args.timeout.map_or(pause::LONGEST, |given| given.0);
    let (service, version) = (&args.service, awaited.version());
    let mut tell = |seen: Seen<'_>| match seen {
        Seen::State(state) => output::complain(state),
        // An indent sets the container's lines apart from ours.
        Seen::Line(line) => output::complain(format_args!("  | {}", foreign::line(&line.text))),
    };
    let shows = format!("`gangplank logs {} --follow` shows how", words::quoted(service));
    // Handle Ctrl-C from now on, not only during the wait.
    let mut interrupts = Interrupts::hear()?;
    let settled = tokio::select! {
        settled = tokio::time::timeout(longest, awaited.settled(&mut tell)) => settled,
        () = interrupts.next() => {
            output::done(format_args!("deployment {version} of {service} goes on; {shows}"));
            return Ok(ExitCode::from(INTERRUPTED));
        }
    };
    match settled {
        Ok(Ok(Outcome::Active { url })) => told.active(url.as_deref()),
        Ok(Ok(Outcome::Failed { reason, serves })) => {
            let serves = serves.map_or_else(
                || "nothing serves".to_owned(),
                |version| format!("version {version} still serves"),
            );
            bail!("deployment {version} of {service} failed: {}; {serves}", foreign::words(&reason))
        }
        Ok(Err(error)) => Err(error),
        Err(_) => {
            let longest = duration::shown(longest.as_secs());
            bail!("deployment {version} of {service} is not active after {longest}, and goes on; {shows}")
        }
    }
}

/// The result of a deployment, for standard output.
struct Told<'t> {
    service: &'t str,
    image: &'t str,
    version: i32,
    form: Option<Form>,
}

impl Told<'_> {
    fn accepted(&self, service: &ContainerService) -> Result<ExitCode> {
        if self.form == Some(Form::Json) {
            self.json("ACTIVATING", by_name::url(service))
        } else {
            output::text(&format!(
                "Accepted. `gangplank logs {} --follow` shows how it goes; --wait waits for it.\n",
                words::quoted(self.service)
            ))?;
            Ok(ExitCode::SUCCESS)
        }
    }

    fn active(&self, url: Option<&str>) -> Result<ExitCode> {
        output::complain(format_args!("Deployment {} of {} is ACTIVE.", self.version, self.service));
        if self.form == Some(Form::Json) {
            return self.json("ACTIVE", url);
        }
        if let Some(url) = url {
            output::text(&format!("{}\n", foreign::line(url)))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn json(&self, state: &str, url: Option<&str>) -> Result<ExitCode> {
        let mut told = json!({
            "service": self.service, "version": self.version, "state": state, "image": self.image,
        });
        if let Some(url) = url {
            told["url"] = url.into();
        }
        output::print(&told)?;
        Ok(ExitCode::SUCCESS)
    }
}
