//! `gangplank-credential-provider`: a kubelet's credential provider
//! (<https://kubernetes.io/docs/tasks/administer-cluster/kubelet-credential-provider/>). The kubelet names an image
//! that it is about to pull. It gets a login that pulls the images of that container service and nothing else.

mod protocol;

use std::io::Read as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use gangplank_api::gangplank::ExchangeIdentityTokenRequest;

use self::protocol::{Request, Response};
use crate::aws::api_client::ApiClient;
use crate::aws::connection::Connection;
use crate::logins::kept::{Kind, Made};
use crate::logins::make;
use crate::terminal::output;

/// The longest request that a kubelet sends, in bytes.
const MAX_INPUT: u64 = 1 << 20;
/// The annotation of a service account that names the role for its pods' pulls.
const ROLE_ANNOTATION: &str = "gangplank/role-arn";

/// The program under the name that the kubelet's configuration has.
#[derive(Debug, Parser)]
#[command(
    name = "gangplank-credential-provider",
    disable_version_flag = true,
    about = "Gives a kubelet logins that pull images of container services"
)]
pub(crate) struct Provider {
    #[command(flatten)]
    args: Args,
}

impl Provider {
    /// Answers the kubelet.
    pub(crate) fn run(self) -> Result<ExitCode> {
        crate::cli::in_runtime(run(self.args))
    }
}

/// Reads a kubelet's request on standard input and prints the answer
///
/// The login pulls the images of the service whose name is the image's repository. It is made with an access key. If
/// the kubelet sends the token of the pod's service account, it is made with a role instead: the one of --role, or of
/// the service account's annotation gangplank/role-arn.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The ARN of the role that tokens of service accounts open
    #[arg(long, value_name = "ARN")]
    role: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

/// Answers the kubelet. An error goes to standard error, which the kubelet logs.
pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let mut input = String::new();
    std::io::stdin()
        .lock()
        .take(MAX_INPUT)
        .read_to_string(&mut input)
        .context("cannot read standard input")?;
    let request = Request::read(&input)?;
    let response = args.answer(&request).await?;
    output::text(&format!("{}\n", serde_json::to_string(&response)?))?;
    Ok(ExitCode::SUCCESS)
}

impl Args {
    async fn answer(&self, request: &Request) -> Result<Response> {
        let (registry, service) = request.place()?;
        let kind = Kind::Pull(service.to_owned());
        let made = match &request.service_account_token {
            // A pod with a token never gets a login of the node's own key: the token decides what the pod may pull.
            Some(_) => self.exchange(request, &kind).await?,
            None => make::make(&self.connection.client()?, &kind).await?,
        };
        ensure!(
            made.registry == registry,
            "the server makes logins for {}, and the image is at {registry}: name the server of that registry, or \
             leave the image out of matchImages",
            made.registry
        );
        Ok(Response::of(request, &made, output::now()))
    }

    async fn exchange(&self, request: &Request, kind: &Kind) -> Result<Made> {
        let annotated = request.service_account_annotations.get(ROLE_ANNOTATION);
        let role = annotated.or(self.role.as_ref()).with_context(|| {
            format!("no role is named: give --role, or annotate the service account with {ROLE_ANNOTATION}")
        })?;
        let client: ApiClient = self.connection.unsigned_client()?;
        let principal = client.principal_of(role.clone());
        let token = request.service_account_token.clone().context("the request has no token")?;
        let exchange = ExchangeIdentityTokenRequest {
            role_arn: role.clone(),
            identity_token: token,
            region: Some(principal.region.clone()),
            service_name: kind.service().map(str::to_owned),
            life_seconds: None,
            repositories: None,
            source_networks: None,
        };
        make::checked(principal, client.call(&exchange).await?.registry_login, kind)
    }
}
