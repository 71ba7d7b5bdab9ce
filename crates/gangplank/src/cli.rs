//! The command line: the list of commands.

mod empty_variables;
pub(crate) mod nearest;
mod other_words;
pub(crate) mod unknown_variables;
pub(crate) mod usage;
pub(crate) mod words;

use std::process::ExitCode;

use anyhow::Result;
use clap::{ArgAction, CommandFactory as _, Parser, Subcommand};

use crate::commands;
use crate::terminal::output;

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

/// The command line with `serve` alone. A server keeps all memory that its start touched, so it does not build the
/// description of the other commands.
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
    /// Show everything in one go: a server, a push-only login, a push, a registered image
    Quickstart(commands::quickstart::Args),
    /// Call the container operations of Lightsail's API, as `aws lightsail` does
    Lightsail(commands::lightsail::Args),
    /// Create, list, disable, enable or delete access keys
    AccessKey(commands::access_key::Args),
    /// Create, list, show, disable, enable, delete or try roles, which jobs assume with identity tokens
    Role(commands::role::Args),
    /// Create, list or revoke registry logins
    RegistryLogin(commands::registry_login::Args),
    /// Show where a registered image came from: the job or key that pushed it, and the one that registered it
    Image(commands::image::Args),
    /// Show repositories, their manifests, and the parts of a manifest
    Repository(commands::repository::Args),
    /// Make an image for several platforms of images that were pushed one by one
    Index(commands::index::Args),
    /// Show who did what, from where
    Audit(commands::audit::Args),
    /// Collect garbage now, or list what would be removed
    Gc(commands::gc::Args),
    /// Show the state of a server as JSON: disk, database, damage, garbage, certificates; for root keys
    Health(commands::health::Args),
    /// Ask a server whether it is ready, as health checks do
    ///
    /// Without --url it asks the server of this machine, by plain HTTP or by TLS, and accepts a certificate for any
    /// name: the connection stays on this machine, and nothing secret is sent. With --url the certificate has to be
    /// for the name in the URL, and signed by an authority of the system's or of the file that `AWS_CA_BUNDLE` names.
    Ping(commands::ping::Args),
    /// Check that the content of a data directory is complete and undamaged
    Fsck(commands::fsck::Args),
    /// Copy a data directory, also while its server runs
    ///
    /// Into a folder, a backup copies only content that is new since the last one, and removes content that nothing
    /// needs. A backup that was interrupted continues with the next call. Until the new backup is complete, the
    /// folder holds the last one. `-` writes everything as one tar stream, and the server removes no content
    /// until the stream has ended. A backup has the rows of the database as they are at one moment, the content
    /// that the rows name, and the master key: keep it as safe as the data directory. Each content is compared
    /// with its digest when it is copied. A backup does not have the output of containers, uploads that are
    /// under way, certificates and the configuration file.
    Backup(commands::backup::Args),
    /// Make a data directory from a backup
    ///
    /// The directory has to be new or empty, and the backup complete. Each content is compared with its digest.
    /// The file `credentials` gets a root key that is enabled. The server writes `config` when it starts.
    Restore(commands::restore::Args),
    /// Look after the database of a server that keeps its blobs in a bucket
    Database(commands::database::Args),
    /// Move a store from a data directory to a database and a bucket that servers share, or back
    ///
    /// Everything moves: content, images, services, logins, access keys, the audit trail, and the numbers that
    /// were given out. Unfinished uploads and the output of containers do not move. The master key stays the
    /// same. Content is compared with its digest on the way. Without --content-only, no server may run. The old
    /// place stays as it is, and no server starts on it any more. An interrupted migration continues with the
    /// next call, and until then no server starts on the new place.
    Migrate(Box<commands::migrate::Args>),
    /// Look at the bucket that keeps a server's blobs
    S3(commands::s3::Args),
    /// Push an image and register it, with or without a container engine
    Push(commands::push::Args),
    /// Deploy an image to a container service, pushed and registered on the way
    Deploy(Box<commands::deploy::Args>),
    /// Show what the containers of a service print
    Logs(commands::logs::Args),
    /// Show the container services: the image that each runs, and its address
    Services(commands::services::Args),
    /// Open the web console of a server, signed in, or print the link to it
    Console(commands::console::Args),
    /// Write a profile of the AWS CLI's files, and set up the credential helper
    Configure(commands::configure::Args),
    /// Put a fresh registry login where docker and podman look for it
    Login(commands::login::Args),
    /// Remove a registry login from where docker and podman look for it
    Logout(commands::logout::Args),
    /// Act as docker's credential helper, `docker-credential-gangplank`
    DockerCredential(commands::docker_credential::Args),
    /// Act as a kubelet's credential provider, `gangplank-credential-provider`
    CredentialProvider(commands::credential_provider::Args),
    /// Write manual pages, or pages of the manual; print shell completions or a sample of the server's file
    Generate(commands::generate::Args),
    /// Print the version
    Version,
}

impl ServerCli {
    /// Whether these arguments are for the server's command.
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
                Command::Repository(args) => commands::repository::run(args).await,
                Command::Health(args) => commands::health::run(args).await,
                Command::Image(args) => commands::image::run(args).await,
                Command::Index(args) => commands::index::run(args).await,
                Command::Audit(args) => commands::audit::run(args).await,
                Command::Gc(args) => commands::gc::run(args).await,
                Command::Fsck(args) => commands::fsck::run(args).await,
                Command::Ping(args) => commands::ping::run(args).await,
                Command::Backup(args) => commands::backup::run(args),
                Command::Restore(args) => commands::restore::run(args),
                Command::Database(args) => commands::database::run(args).await,
                Command::Migrate(args) => commands::migrate::run(*args).await,
                Command::S3(args) => commands::s3::run(args).await,
                Command::Push(args) => commands::push::run(args).await,
                Command::Deploy(args) => commands::deploy::run(*args).await,
                Command::Logs(args) => commands::logs::run(args).await,
                Command::Services(args) => commands::services::run(args).await,
                Command::Console(args) => commands::console::run(args).await,
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

/// Runs a command in an asynchronous runtime, to its end.
pub(crate) fn in_runtime(command: impl Future<Output = Result<ExitCode>>) -> Result<ExitCode> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(command)
}
