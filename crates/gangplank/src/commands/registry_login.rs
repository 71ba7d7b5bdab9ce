//! `gangplank registry-login`: makes and lists logins of other kinds than the push login of Lightsail's call.

use std::process::ExitCode;

use anyhow::Result;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{ArgGroup, Subcommand};
use gangplank_api::Secret;
use gangplank_api::gangplank::{
    CreateRegistryLoginRequest, ListRegistryLoginsRequest, RegistryLoginScope, RegistryLoginSummary,
    RevokeRegistryLoginRequest,
};
use gangplank_api::lightsail::ContainerServiceRegistryLogin;

use super::narrowing::Narrowing;
use crate::aws::api_client::present;
use crate::aws::connection::Connection;
use crate::aws::pages;
use crate::terminal::listing::{Cell, Column, Form, ListForm, Listing};
use crate::terminal::output::{done, text};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a login that pulls a service's images, or an operator's login for all repositories
    #[command(group(ArgGroup::new("purpose").required(true).args(["service_name", "scope"])))]
    Create {
        /// Pull the images registered on this service, and nothing else
        #[arg(long, value_name = "NAME")]
        service_name: Option<String>,
        /// The actions that the login may do on every repository of the account, comma-separated
        #[arg(long, value_delimiter = ',', value_name = "WORDS", value_parser = scopes())]
        scope: Vec<RegistryLoginScope>,
        #[command(flatten)]
        narrowing: Narrowing,
        /// Print the password alone, for `docker login --password-stdin`
        #[arg(long, conflicts_with = "output")]
        password_only: bool,
        /// How the login is shown [default: table on a terminal, json elsewhere]
        #[arg(long, value_name = "FORM")]
        output: Option<Form>,
    },
    /// Show the logins of the account and region that have not ended
    List {
        #[command(flatten)]
        list_form: ListForm,
    },
    /// End a login before its time
    Revoke {
        /// The id that `list` shows
        id: String,
    },
}

const LOGINS: Listing<RegistryLoginSummary> = Listing {
    name: "registryLogins",
    empty: "There are no registry logins.",
    columns: &[
        Column::new("ID", "id", |login: &RegistryLoginSummary| Cell::words(&login.id)).bare(),
        Column::new("SCOPE", "scope", |login| {
            Cell::Several(login.scope.iter().map(|scope| scope.as_str().to_owned()).collect())
        }),
        Column::new("SERVICE", "serviceName", |login| Cell::maybe(login.service_name.as_deref())),
        Column::new("ACCESS KEY", "accessKeyId", |login| Cell::maybe(login.access_key_id.as_deref())),
        Column::new("ROLE", "roleName", |login| Cell::maybe(login.role_name.as_deref())),
        Column::not_in_tables("sessionName", |login| Cell::maybe(login.session_name.as_deref())),
        Column::not_in_tables("claims", |login| login.claims.clone().map_or(Cell::Nothing, Cell::Named)),
        Column::new("CREATED", "createdAt", |login| Cell::Time(login.created_at)),
        Column::new("ENDS", "expiresAt", |login| Cell::Time(login.expires_at)),
        Column::new("STATUS", "status", |login| Cell::words(login.status.as_str())),
        Column::new("LAST USED", "lastUsedAt", |login| Cell::maybe_time(login.last_used_at)),
        Column::new("LAST PUSH", "lastPushAt", |login| Cell::maybe_time(login.last_push_at)),
        Column::new("PUSHED FROM", "lastPushAddress", |login| {
            Cell::maybe(login.last_push_address.as_deref())
        }),
        Column::new("REPOSITORIES", "repositories", |login| Cell::maybe_several(login.repositories.as_ref())),
        Column::new("ONLY FROM", "sourceNetworks", |login| {
            Cell::maybe_several(login.source_networks.as_ref())
        }),
    ],
    sentence: None,
};

/// The four members of a login that the AWS CLI shows.
const MADE: Listing<ContainerServiceRegistryLogin> = Listing {
    name: "registryLogin",
    empty: "",
    columns: &[
        Column::new("USER", "username", |login: &ContainerServiceRegistryLogin| {
            Cell::maybe(login.username.as_deref())
        })
        .bare(),
        Column::new("PASSWORD", "password", |login| Cell::maybe(login.password.as_ref().map(Secret::expose))),
        Column::new("ENDS", "expiresAt", |login| Cell::maybe_time(login.expires_at)),
        Column::new("REGISTRY", "registry", |login| Cell::maybe(login.registry.as_deref())),
    ],
    sentence: None,
};

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let client = args.connection.client()?;
    match args.command {
        Command::Create { service_name, scope, narrowing, password_only, output } => {
            let scope = (!scope.is_empty()).then_some(scope);
            let input =
                narrowing.of(CreateRegistryLoginRequest { scope, service_name, ..Default::default() });
            let made = client.call(&input).await?.registry_login;
            let password = present(made.password.clone(), "password")?;
            present(made.expires_at, "expiresAt")?;
            if password_only {
                text(&format!("{}\n", password.expose()))?;
            } else {
                MADE.show_one(Form::chosen(output, Form::Json), &made)?;
            }
        }
        Command::List { list_form } => {
            let request = ListRegistryLoginsRequest::default();
            list_form.show(&LOGINS, &pages::all(&client, request).await?)?;
        }
        Command::Revoke { id } => {
            client.call(&RevokeRegistryLoginRequest { id: id.clone() }).await?;
            done(format_args!("revoked the registry login {id}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn scopes() -> impl clap::builder::TypedValueParser<Value = RegistryLoginScope> {
    PossibleValuesParser::new(RegistryLoginScope::VALUES)
        .try_map(|word| RegistryLoginScope::parse(&word).ok_or("no scope has this name"))
}
