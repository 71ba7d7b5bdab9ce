//! The command line: which commands there are.

use std::process::ExitCode;

use anyhow::Result;
use clap::{ArgAction, CommandFactory as _, Parser, Subcommand};

use crate::{commands, output};

/// A self-hosted container image registry whose logins are temporary and push-only.
#[derive(Debug, Parser)]
#[command(name = "gangplank", version, max_term_width = 100, disable_version_flag = true)]
pub(crate) struct Cli {
    /// Print the version
    #[arg(short = 'V', long, visible_short_alias = 'v', action = ArgAction::Version)]
    version: Option<bool>,
    #[command(subcommand)]
    command: Command,
}

/// The same with the server's command alone. A server holds what its start has touched for as long as it runs, so it
/// does not describe the other commands to itself.
#[derive(Debug, Parser)]
#[command(name = "gangplank", version, max_term_width = 100, disable_version_flag = true)]
pub(crate) struct ServerCli {
    #[command(subcommand)]
    command: ServerCommand,
}

#[derive(Debug, Subcommand)]
enum ServerCommand {
    /// Run the server: the API and the registry on one address
    Serve(Box<commands::serve::Args>),
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Server(ServerCommand),
    /// Show the whole story: a server, a push-only login, a push, a registered image
    Quickstart(commands::quickstart::Args),
    /// Call the container operations of Lightsail's API, as `aws lightsail` does
    Lightsail(commands::lightsail::Args),
    /// Create, list, disable, enable or delete access keys
    AccessKey(commands::access_key::Args),
    /// Create, list, show, disable, enable, delete or try roles, which jobs become by identity tokens
    Role(commands::role::Args),
    /// Create, list or revoke registry logins
    RegistryLogin(commands::registry_login::Args),
    /// Show where a registered image came from: which job or key pushed it, and which registered it
    Image(commands::image::Args),
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
    /// Deploy an image to a container service, pushed and registered on the way
    Deploy(Box<commands::deploy::Args>),
    /// Show what the containers of a service print
    Logs(commands::logs::Args),
    /// Show the container services: what runs, and where it is reached
    Services(commands::services::Args),
    /// Set up a profile of the AWS CLI's files, and the credential helper
    Configure(commands::configure::Args),
    /// Put a fresh registry login where docker and podman look for it
    Login(commands::login::Args),
    /// Remove a registry login from where docker and podman look for it
    Logout(commands::logout::Args),
    /// Answer docker as its credential helper, `docker-credential-gangplank`
    DockerCredential(commands::docker_credential::Args),
    /// Answer a kubelet as its credential provider, `gangplank-credential-provider`
    CredentialProvider(commands::credential_provider::Args),
    /// Write manual pages; print shell completions or a sample of the server's file
    Generate(commands::generate::Args),
    /// Print the version
    Version,
}

impl ServerCli {
    /// Whether these words are for it.
    pub(crate) fn is_asked_by(args: &[String]) -> bool {
        args.first().is_some_and(|first| first == "serve")
    }

    pub(crate) fn run(self) -> Result<ExitCode> {
        in_runtime(self.command.run())
    }
}

impl ServerCommand {
    async fn run(self) -> Result<ExitCode> {
        let Self::Serve(args) = self;
        commands::serve::run(*args).await
    }
}

impl Cli {
    pub(crate) fn run(self) -> Result<ExitCode> {
        in_runtime(async {
            match self.command {
                Command::Server(command) => command.run().await,
                Command::Quickstart(args) => commands::quickstart::run(args).await,
                Command::Lightsail(args) => commands::lightsail::run(args).await,
                Command::AccessKey(args) => commands::access_key::run(args).await,
                Command::Role(args) => commands::role::run(args).await,
                Command::RegistryLogin(args) => commands::registry_login::run(args).await,
                Command::Image(args) => commands::image::run(args).await,
                Command::Index(args) => commands::index::run(args).await,
                Command::Audit(args) => commands::audit::run(args).await,
                Command::Gc(args) => commands::gc::run(args).await,
                Command::Fsck(args) => commands::fsck::run(args).await,
                Command::Push(args) => commands::push::run(args).await,
                Command::Deploy(args) => commands::deploy::run(*args).await,
                Command::Logs(args) => commands::logs::run(args).await,
                Command::Services(args) => commands::services::run(args).await,
                Command::Configure(args) => commands::configure::run(args).await,
                Command::Login(args) => commands::login::run(args).await,
                Command::Logout(args) => commands::logout::run(args),
                Command::DockerCredential(args) => commands::docker_credential::run(args).await,
                Command::CredentialProvider(args) => commands::credential_provider::run(args).await,
                Command::Generate(args) => commands::generate::run(args),
                Command::Version => {
                    output::text(&Self::command().render_version()).map(|()| ExitCode::SUCCESS)
                }
            }
        })
    }
}

/// Runs a command to its end.
pub(crate) fn in_runtime(command: impl Future<Output = Result<ExitCode>>) -> Result<ExitCode> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(command)
}
