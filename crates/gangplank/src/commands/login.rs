//! `gangplank login`: puts a fresh login where container tools look for it.

use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use gangplank_api::gangplank::CreateRegistryLoginRequest;
use gangplank_api::lightsail::{ContainerServiceRegistryLogin, CreateContainerServiceRegistryLoginRequest};
use serde_json::json;

use crate::api_client::{ApiClient, present};
use crate::auth_files;
use crate::connection::Connection;
use crate::kept_logins::{Kind, Login, Made};
use crate::{foreign, named_registry, output};

/// Makes a registry login and writes it where docker, podman, skopeo and buildah look: docker's `config.json`
/// (or the credential helper that it names), and podman's file where there is one
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Make a login that pulls this service's images, in place of a push login
    #[arg(long, value_name = "NAME")]
    service_name: Option<String>,
    /// The registry that the server may name, where that is not at the server's own address
    #[arg(long, value_name = "HOST[:PORT]")]
    registry: Option<String>,
    /// Replace a login of another kind
    #[arg(long)]
    force: bool,
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
    if !args.print && !args.password_only {
        auth_files::check()?;
    }
    let kind = args.service_name.clone().map_or(Kind::Push, Kind::Pull);
    let made = match args.service_name {
        Some(name) => {
            let input =
                CreateRegistryLoginRequest { scope: None, service_name: Some(name), ..Default::default() };
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
        let (registry, said) = (made.registry.as_str(), args.registry.as_deref());
        // What is ours already may be replaced by what is ours.
        if !auth_files::has_ours(registry)? {
            named_registry::check(&args.connection, &client, registry, said)?;
        }
        for place in auth_files::put(&made, &kind, args.force)? {
            output::say(format_args!("A {kind} for {registry} is in {place}."));
        }
        output::say(format_args!("It ends {ends}."));
        if kind != Kind::Push {
            output::say("It cannot push; `gangplank login --force` puts a push login in its place.");
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
    let registry = present(login.registry, "registry")?;
    let username = present(login.username, "username")?;
    // All of them are printed or written as they are, and by scripts taken so.
    for word in [&registry, &username, &secret] {
        let is_word = !word.is_empty()
            && !word.contains(|letter: char| letter.is_whitespace() || foreign::is_hidden(letter));
        ensure!(is_word && !foreign::gives_orders(word), "the server made a login that nobody can use");
    }
    ensure!(!username.contains(':'), "the server made a login that nobody can use");
    Ok(Made {
        principal: client.principal(),
        registry,
        login: Login { username, secret },
        expires_at: present(login.expires_at, "expiresAt")?.0,
    })
}
