//! The command line: which commands there are.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::commands;
use crate::empty_variables::Forgiving;

/// A self-hosted container image registry whose logins are temporary and push-only.
#[derive(Debug, Parser)]
#[command(name = "gangplank", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server: the API and the registry on one address
    Serve(Box<commands::serve::Args>),
    /// Show the whole story: a server, a push-only login, a push, a registered image
    Quickstart(commands::quickstart::Args),
    /// Call the container operations of Lightsail's API, as `aws lightsail` does
    Lightsail(commands::lightsail::Args),
    /// Create, list, disable, enable or delete access keys
    AccessKey(commands::access_key::Args),
    /// Create, list or revoke registry logins
    RegistryLogin(commands::registry_login::Args),
    /// Make an image for several platforms of images that were pushed one by one
    Index(commands::index::Args),
    /// Show who did what, from where
    Audit(commands::audit::Args),
    /// Collect garbage now, or say what would go
    Gc(commands::gc::Args),
    /// Check that what a data directory holds is whole
    Fsck(commands::fsck::Args),
    /// Push an image and register it, without a container engine's help if need be
    Push(commands::push::Args),
    /// Set up a profile of the AWS CLI's files, and the credential helper
    Configure(commands::configure::Args),
    /// Put a fresh registry login where docker and podman look for it
    Login(commands::login::Args),
    /// Remove a registry login from where docker and podman look for it
    Logout(commands::logout::Args),
    /// Answer docker as its credential helper, `docker-credential-gangplank`
    DockerCredential(commands::docker_credential::Args),
    /// Write manual pages, print shell completions
    Generate(commands::generate::Args),
}

impl Cli {
    /// Reads the command line; one that is wrong ends the program.
    ///
    /// # Errors
    /// If a server is told something by an empty variable.
    pub(crate) fn of_this_run() -> Result<Self> {
        let mut line = Forgiving::of(Self::command());
        let matches = line.command.get_matches_mut();
        if let Some(variable) = line.missed_by("serve", &matches) {
            bail!("{variable} is set and empty: give it a value, or unset it");
        }
        Ok(Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()))
    }

    pub(crate) fn run(self) -> Result<ExitCode> {
        in_runtime(async {
            match self.command {
                Command::Serve(args) => commands::serve::run(*args).await,
                Command::Quickstart(args) => commands::quickstart::run(args).await,
                Command::Lightsail(args) => commands::lightsail::run(args).await,
                Command::AccessKey(args) => commands::access_key::run(args).await,
                Command::RegistryLogin(args) => commands::registry_login::run(args).await,
                Command::Index(args) => commands::index::run(args).await,
                Command::Audit(args) => commands::audit::run(args).await,
                Command::Gc(args) => commands::gc::run(args).await,
                Command::Fsck(args) => commands::fsck::run(args).await,
                Command::Push(args) => commands::push::run(args).await,
                Command::Configure(args) => commands::configure::run(args).await,
                Command::Login(args) => commands::login::run(args).await,
                Command::Logout(args) => commands::logout::run(args),
                Command::DockerCredential(args) => commands::docker_credential::run(args).await,
                Command::Generate(args) => commands::generate::run(args),
            }
        })
    }
}

/// Runs a command to its end.
pub(crate) fn in_runtime(command: impl Future<Output = Result<ExitCode>>) -> Result<ExitCode> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(command)
}
