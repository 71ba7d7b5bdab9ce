//! `gangplank login`: puts a fresh login where container tools look for it.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use gangplank_api::gangplank::CreateRegistryLoginRequest;
use gangplank_api::lightsail::{ContainerServiceRegistryLogin, CreateContainerServiceRegistryLoginRequest};
use serde_json::json;

use crate::api_client::{ApiClient, present};
use crate::auth_files;
use crate::connection::Connection;
use crate::kept_logins::{Login, Made};
use crate::output;

/// Makes a registry login and writes it where docker, podman, skopeo and buildah look: docker's `config.json`
/// (or the credential helper that it names), and podman's file where there is one
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Make a login that pulls this service's images, in place of a push login
    #[arg(long, value_name = "NAME")]
    service_name: Option<String>,
    /// Print the login as JSON, and write it nowhere
    #[arg(long, conflicts_with = "password_only")]
    print: bool,
    /// Print the password alone, for `docker login --password-stdin`, and write it nowhere
    #[arg(long)]
    password_only: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let client = args.connection.client()?;
    let service = args.service_name;
    let made = match &service {
        Some(name) => {
            let input = CreateRegistryLoginRequest { scope: None, service_name: Some(name.clone()) };
            taken(&client, client.call(&input).await?.registry_login)?
        }
        None => make(&client).await?,
    };
    let ends = output::moment(gangplank_api::Timestamp(made.expires_at));
    if args.print {
        output::print(&json!({
            "username": made.login.username,
            "password": made.login.secret,
            "expiresAt": ends,
            "registry": made.registry,
        }))?;
    } else if args.password_only {
        output::text(&format!("{}\n", made.login.secret))?;
    } else {
        let registry = &made.registry;
        let kind = match &service {
            Some(name) => format!("login that pulls the images of {name} from"),
            None => "login that pushes to".to_owned(),
        };
        for place in auth_files::put(&made, service.is_none())? {
            output::say(format_args!("The {kind} {registry} is in {place}."));
        }
        output::say(format_args!("It ends {ends}."));
        if service.is_some() {
            output::say(format_args!(
                "It cannot push; `gangplank login` puts a login that pushes to {registry} in its place."
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Has a push login made.
pub(crate) async fn make(client: &ApiClient) -> Result<Made> {
    let answer = client.call(&CreateContainerServiceRegistryLoginRequest {}).await?;
    taken(client, answer.registry_login.context("the server's answer has no login")?)
}

fn taken(client: &ApiClient, login: ContainerServiceRegistryLogin) -> Result<Made> {
    let secret = present(login.password, "password")?.expose().to_owned();
    Ok(Made {
        principal: client.principal(),
        registry: present(login.registry, "registry")?,
        login: Login { username: present(login.username, "username")?, secret },
        expires_at: present(login.expires_at, "expiresAt")?.0,
    })
}
