//! `docker-credential-gangplank`: docker's credential-helper protocol
//! (<https://github.com/docker/docker-credential-helpers>). docker, podman, skopeo, buildah and others ask it for
//! logins, so that nobody types a password.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Parser, Subcommand};
use serde::{Deserialize, Serialize};

use crate::aws::connection::Connection;
use crate::logins::kept::{KeptLogins, Kind, Login};
use crate::logins::registries::Registries;
use crate::logins::{make, named_registry};
use crate::terminal::{foreign, output};

/// The answer for "there is no login". Clients compare it with this text, and continue without a login.
const NOT_FOUND: &str = "credentials not found in native keychain";

/// The longest message that a client sends to a helper, in bytes.
const MAX_INPUT: u64 = 1 << 20;

/// The program under the name that docker looks for.
#[derive(Debug, Parser)]
#[command(
    name = "docker-credential-gangplank",
    disable_version_flag = true,
    about = "Gives docker, podman, skopeo and buildah a push login when they need one"
)]
pub(crate) struct Helper {
    #[command(flatten)]
    args: Args,
}

impl Helper {
    /// Runs the action that was asked for.
    pub(crate) fn run(self) -> Result<ExitCode> {
        crate::cli::in_runtime(run(self.args))
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Action {
    /// Print the login for the registry named on standard input, making one if need be
    Get,
    /// Keep a login that is given as JSON on standard input
    Store,
    /// Forget the login for the registry named on standard input
    Erase,
    /// List the registries that logins are kept for
    List,
    /// Print the version
    Version,
}

/// A login for a server, in the protocol's form.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ForServer {
    #[serde(rename = "ServerURL")]
    server: String,
    #[serde(flatten)]
    login: Login,
}

/// Answers a client. An error goes to standard output, where clients look for it.
pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    match answer(&args).await {
        Ok(text) => output::text(&text).map(|()| ExitCode::SUCCESS),
        Err(error) => output::text(&format!("{}\n", foreign::message(&format!("{error:#}"))))
            .map(|()| ExitCode::FAILURE),
    }
}

async fn answer(args: &Args) -> Result<String> {
    let now = output::now();
    match args.action {
        Action::Get => {
            let server = input()?;
            let (registry, repository) = named_in(server.trim());
            let login = get(&args.connection, registry, repository, now).await?;
            let server = server.trim().to_owned();
            Ok(format!("{}\n", foreign::json(&serde_json::to_string(&ForServer { server, login })?)))
        }
        Action::Store => {
            // The error does not show the input, which may hold a password.
            let given: ForServer = serde_json::from_str(&input()?)
                .ok()
                .context("standard input has no login: write JSON with ServerURL, Username and Secret")?;
            if given.server.is_empty() || given.login.username.is_empty() {
                bail!("a login needs a ServerURL and a Username");
            }
            KeptLogins::open()?.store(named_in(&given.server).0, given.login, now)?;
            Ok(String::new())
        }
        Action::Erase => {
            KeptLogins::open_to_use()?.forget(named_in(input()?.trim()).0, now)?;
            Ok(String::new())
        }
        Action::List => {
            let kept = KeptLogins::open_to_use()?;
            let servers: BTreeMap<_, _> = kept.servers(now).into_iter().collect();
            Ok(format!("{}\n", foreign::json(&serde_json::to_string(&servers)?)))
        }
        Action::Version => Ok(format!("docker-credential-gangplank {}\n", env!("CARGO_PKG_VERSION"))),
    }
}

/// Finds the login for a registry, or makes one. The file stays locked meanwhile: if several clients ask at once,
/// only the first makes a login.
async fn get(connection: &Connection, registry: &str, repository: Option<&str>, now: i64) -> Result<Login> {
    let mut kept = KeptLogins::open_to_use()?;
    if let Some(login) = kept.stored(registry, now) {
        return Ok(login.clone());
    }
    // A profile that was configured for this registry wins over the environment, which does not name the registry.
    let registries = Registries::open_to_use()?;
    let configured = registries.profile(registry).map(Connection::of_profile);
    let kind = match (registries.kind(registry), repository) {
        // On a machine that pulls, the client names a repository, which has the service's name.
        (Kind::Pull(_), Some(repository)) => Kind::Pull(repository.to_owned()),
        (kind, _) => kind,
    };
    let client = match &configured {
        Some(connection) => connection.client()?,
        // Without a server or an access key there is no login for any registry.
        None => connection.client().or_else(|_| bail!(NOT_FOUND))?,
    };
    // A server is not believed when it names a registry that nobody configured.
    if configured.is_none() && !named_registry::is_named(connection, &client, registry, None)? {
        bail!(NOT_FOUND);
    }
    let principal = client.principal();
    if let Some(made) = kept.made(&principal, &kind, now) {
        if made.registry == registry {
            return Ok(made.login.clone());
        }
        bail!(NOT_FOUND);
    }
    // Only the server knows the name of its registry. For any other registry the client continues without a login.
    match make::make(&client, &kind).await {
        Ok(made) => {
            let found = (made.registry == registry).then(|| made.login.clone());
            if found.is_some() || named_registry::is_named(connection, &client, &made.registry, None)? {
                // The login is good even if it cannot be kept.
                let _ = kept.keep(made, now);
            }
            found.context(NOT_FOUND)
        }
        Err(error) if configured.is_some() || client.host() == registry => {
            Err(error.context(format!("no {kind} for {registry} could be made")))
        }
        Err(_) => bail!(NOT_FOUND),
    }
}

/// The registry that a client names, without its scheme. Podman appends a repository, which comes second.
fn named_in(server: &str) -> (&str, Option<&str>) {
    let bare = server.split_once("://").map_or(server, |(_, bare)| bare);
    let Some((registry, path)) = bare.split_once('/') else { return (bare, None) };
    let is_version =
        |path: &str| matches!(path, "v1" | "v2") || path.starts_with("v1/") || path.starts_with("v2/");
    let path = path.trim_end_matches('/');
    (registry, Some(path).filter(|path| !path.is_empty() && !is_version(path)))
}

fn input() -> Result<String> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(MAX_INPUT).read_to_string(&mut text);
    read.context("cannot read standard input")?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::named_in;

    #[test]
    fn a_registry_is_known_under_every_form_of_its_name() {
        for form in ["host:5000", "http://host:5000", "https://host:5000/v2/", "host:5000/"] {
            assert_eq!(named_in(form), ("host:5000", None));
        }
        assert_eq!(named_in("host:5000/team/app"), ("host:5000", Some("team/app")));
        assert_eq!(named_in("https://index.docker.io/v1/"), ("index.docker.io", None));
    }
}
