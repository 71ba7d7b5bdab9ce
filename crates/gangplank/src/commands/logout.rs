//! `gangplank logout`: removes a login from where `gangplank login` and `docker login` put it.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::aws::connection::Connection;
use crate::logins::auth_files;
use crate::terminal::output;

/// Removes the login for a registry from docker's and podman's files and from the credential helper. The login itself
/// stays valid until its end; `gangplank registry-login revoke` ends it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The registry, `host[:port]` [default: the address of the server]
    registry: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    let registry = match args.registry {
        Some(registry) => registry,
        None => args.connection.client()?.host(),
    };
    let places = auth_files::remove(&registry)?;
    if places.is_empty() {
        bail!("there is no login for {registry} to remove");
    }
    for place in places {
        output::say(format_args!("The login for {registry} is no longer in {place}."));
    }
    Ok(ExitCode::SUCCESS)
}
