//! `gangplank login`: writes a new login to where container tools look for it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use gangplank_api::gangplank::ExchangeIdentityTokenRequest;
use serde_json::json;

use super::narrowing::Narrowing;
use crate::aws::api_client::ApiClient;
use crate::aws::connection::Connection;
use crate::aws::identity_token;
use crate::logins::auth_files::{self, OtherKind};
use crate::logins::kept::{Kind, Made};
use crate::logins::{make, named_registry};
use crate::terminal::{masks, output};

/// Makes a registry login and writes it to where docker, podman, skopeo and buildah look: docker's `config.json` (or
/// the credential helper that it names), and podman's file if there is one
///
/// With --role it needs no access key: the identity token of the CI job opens the role. The command finds the token
/// in GitHub Actions, Forgejo Actions, GitLab CI (in the variable `GANGPLANK_ID_TOKEN`), `CircleCI` and Buildkite, or
/// in the file that `AWS_WEB_IDENTITY_TOKEN_FILE` names.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Make a login that pulls this service's images, in place of a push login
    #[arg(long, value_name = "NAME")]
    service_name: Option<String>,
    /// The ARN of a role that an identity token opens, in place of an access key
    #[arg(long, value_name = "ARN")]
    role: Option<String>,
    /// The file of the identity token [default: the token of the CI that runs this job]
    #[arg(long, value_name = "FILE", requires = "role")]
    token_file: Option<PathBuf>,
    /// The audience that the CI puts into its token [default: the server's address]
    #[arg(long, value_name = "TEXT", requires = "role", conflicts_with = "token_file")]
    audience: Option<String>,
    #[command(flatten)]
    narrowing: Narrowing,
    /// The registry that the server may name, if that is not at the server's own address
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
    let client =
        if args.role.is_some() { args.connection.unsigned_client()? } else { args.connection.client()? };
    if !args.print && !args.password_only {
        auth_files::check()?;
    }
    let kind = args.service_name.clone().map_or(Kind::Push, Kind::Pull);
    let made = match &args.role {
        Some(role) => args.exchange(&client, role, &kind).await?,
        None if args.narrowing.is_none() => make::make(&client, &kind).await?,
        None => make::make_with(&client, &kind, |request| args.narrowing.of(request)).await?,
    };
    let ends = output::timestamp(gangplank_api::Timestamp(made.expires_at));
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
        // A login of ours may take the place of another login of ours.
        if !auth_files::has_ours(registry)? {
            named_registry::check(&args.connection, &client, registry, said)?;
        }
        let other_kind = if args.force { OtherKind::Replace } else { OtherKind::Refuse };
        for place in auth_files::put(&made, other_kind)? {
            output::say(format_args!("A {kind} for {registry} is in {place}."));
        }
        output::say(format_args!("It ends {ends}."));
        if kind != Kind::Push {
            output::say("It cannot push; `gangplank login --force` puts a push login in its place.");
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Args {
    /// Exchanges an identity token for a login.
    async fn exchange(&self, client: &ApiClient, role: &str, kind: &Kind) -> Result<Made> {
        let (file, audience) = (self.token_file.as_deref(), self.audience.as_deref());
        let identity_token = identity_token::find(file, audience, client.endpoint()).await?;
        let principal = client.principal_of(role.to_owned());
        let request = ExchangeIdentityTokenRequest {
            role_arn: role.to_owned(),
            identity_token,
            region: Some(principal.region.clone()),
            service_name: kind.service().map(str::to_owned),
            life_seconds: self.narrowing.life,
            repositories: self.narrowing.limits.repositories(),
            source_networks: self.narrowing.limits.networks(),
        };
        let login = client.call(&request).await?.registry_login;
        // Mask the password before anything that may hold it is printed.
        login.password.iter().for_each(masks::mask);
        make::checked(principal, login, kind)
    }
}
