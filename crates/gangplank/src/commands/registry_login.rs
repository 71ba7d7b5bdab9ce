//! `gangplank registry-login`: logins beyond the push login that the Lightsail call hands out.

use std::process::ExitCode;

use anyhow::Result;
use clap::{ArgGroup, Subcommand};
use gangplank_api::gangplank::{
    CreateRegistryLoginRequest, ListRegistryLoginsRequest, RegistryLoginScope, RevokeRegistryLoginRequest,
};
use gangplank_api::lightsail::ContainerServiceRegistryLogin;
use serde_json::{Value, json};

use crate::api_client::present;
use crate::connection::Connection;
use crate::output::{moment, print};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a login for pulling a service's images, or an operator's for everything
    #[command(group(ArgGroup::new("purpose").required(true).args(["service_name", "scope"])))]
    Create {
        /// Pull the images registered on this service, and nothing else
        #[arg(long, value_name = "NAME")]
        service_name: Option<String>,
        /// Do these on every repository of the account: push, pull, delete
        #[arg(long, value_delimiter = ',', value_name = "WORDS", value_parser = scope)]
        scope: Vec<RegistryLoginScope>,
    },
    /// Show the logins of the account and region that have not ended
    List,
    /// End a login before its time
    Revoke {
        /// The id that `list` shows
        id: String,
    },
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let client = args.connection.client()?;
    match args.command {
        Command::Create { service_name, scope } => {
            let scope = (!scope.is_empty()).then_some(scope);
            let input = CreateRegistryLoginRequest { scope, service_name };
            print(&shown(client.call(&input).await?.registry_login)?)?;
        }
        Command::List => {
            let (mut logins, mut request) = (Vec::new(), ListRegistryLoginsRequest::default());
            loop {
                let page = client.call(&request).await?;
                logins.extend(page.registry_logins);
                request.next_token = page.next_token;
                if request.next_token.is_none() {
                    break;
                }
            }
            let mut shown = Vec::new();
            for login in logins {
                let (created, expires) = (moment(login.created_at), moment(login.expires_at));
                let last_push = login.last_push_at.map(moment);
                let mut login = serde_json::to_value(login)?;
                login["createdAt"] = created.into();
                login["expiresAt"] = expires.into();
                if let Some(last_push) = last_push {
                    login["lastPushAt"] = last_push.into();
                }
                shown.push(login);
            }
            print(&json!({ "registryLogins": shown }))?;
        }
        Command::Revoke { id } => {
            client.call(&RevokeRegistryLoginRequest { id }).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn scope(word: &str) -> Result<RegistryLoginScope, String> {
    let known = RegistryLoginScope::VALUES.join(", ");
    RegistryLoginScope::parse(word).ok_or_else(|| format!("a scope is made of {known}"))
}

/// The four members, the moment as the AWS CLI writes it.
fn shown(login: ContainerServiceRegistryLogin) -> Result<Value> {
    let password = present(login.password, "password")?;
    Ok(json!({
        "username": login.username,
        "password": password.expose(),
        "expiresAt": moment(present(login.expires_at, "expiresAt")?),
        "registry": login.registry,
    }))
}
