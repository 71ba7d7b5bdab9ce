//! `gangplank configure`: sets up a profile in the AWS CLI's files, and the credential helper for its registry.

mod links;
mod questions;
mod written;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use gangplank_api::ErrorCode;
use gangplank_api::lightsail::GetContainerServicesRequest;
use gangplank_core::{Region, SecretAccessKey, tenant};

use self::questions::Asking;
use crate::aws::api_client::{self, ApiClient, ClientOptions};
use crate::aws::connection::{Connection, check_data_dir};
use crate::aws::credentials::{Credentials, Identity};
use crate::aws::settings::Settings;
use crate::logins::kept::{KeptLogins, Kind, Made};
use crate::logins::registries::Registries;
use crate::logins::{auth_files, make, named_registry};
use crate::terminal::output;

/// The profile that is written if no name is given. It is not `default`, because that one may hold somebody's access
/// to AWS.
const PROFILE: &str = "gangplank";

/// Writes a profile for a server into the AWS CLI's files, and makes docker, podman, skopeo and buildah ask
/// `docker-credential-gangplank` for its registry's logins. Asks for missing values if a terminal is there
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Id of the access key
    #[arg(long, value_name = "ID")]
    access_key_id: Option<String>,
    /// Read the secret access key from standard input
    #[arg(long)]
    secret_access_key_stdin: bool,
    /// The registry that the server may name, if that is not at the server's own address
    #[arg(long, value_name = "HOST[:PORT]", conflicts_with = "no_helper")]
    registry: Option<String>,
    /// Write the profile, and set up no credential helper
    #[arg(long)]
    no_helper: bool,
    /// Directory for the links `docker-credential-gangplank` and `lightsailctl` [default: where the program is, if
    /// that is in PATH, else ~/.local/bin]
    #[arg(long, value_name = "DIR", conflicts_with = "no_helper")]
    bin_dir: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

/// The values of a profile.
struct Profile {
    name: String,
    endpoint: String,
    region: String,
    credentials: Credentials,
    ca_bundle: Option<PathBuf>,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let profile = gather(&args)?;
    let options = ClientOptions { ca_bundle: profile.ca_bundle.clone(), ..ClientOptions::default() };
    let identity = Some(Identity::Key(profile.credentials.clone()));
    let client = ApiClient::new(&profile.endpoint, profile.region.clone(), identity, &options)?;
    // The profile is written only after a call with it has worked.
    match client.call(&GetContainerServicesRequest::default()).await {
        // The server knows the key. The key may have permissions for other calls.
        Err(failure) if failure.is_refused_with(ErrorCode::AccessDeniedException) => {}
        answer => drop(answer.context("nothing was written")?),
    }
    let made = if args.no_helper { None } else { Some(registry_of(&client, &args).await?) };
    for told in written::write(&profile)? {
        output::say(told);
    }
    if let Some((registry, made)) = made {
        set_up_helper(&registry, made, &profile, args.bin_dir)?;
    }
    output::say(format_args!("Use it with `export AWS_PROFILE={0}`, or `--profile {0}`.", profile.name));
    Ok(ExitCode::SUCCESS)
}

fn gather(args: &Args) -> Result<Profile> {
    let connection = &args.connection;
    let named = connection.profile.clone().or_else(|| std::env::var("AWS_PROFILE").ok());
    let name = named.filter(|name| !name.is_empty()).unwrap_or_else(|| PROFILE.to_owned());
    if name.chars().any(|c| c.is_control() || "[]\"'\\".contains(c)) || name.trim() != name {
        bail!("{name:?} cannot be the name of a profile");
    }
    // The values that are configured already. Each of them stays, unless the person gives another one.
    let known = match &connection.data_dir {
        Some(dir) => {
            check_data_dir(dir)?;
            Settings::of_data_dir(dir)?
        }
        None => Settings::of_profile_to_be(&name)?,
    };
    let asking = if connection.data_dir.is_none() { Asking::AtATerminal } else { Asking::Never };
    // Check the last option before the first question: a person should not answer everything and then hear of a
    // misspelled region.
    connection.region.as_deref().map(check_region).transpose()?;
    let endpoint = connection.endpoint_url.clone();
    let endpoint = questions::answer(
        "Address of the server",
        "--endpoint-url",
        endpoint,
        known.endpoint(),
        asking,
        check_address,
    )?;
    let credentials = match asking {
        Asking::AtATerminal => known.credentials().ok().flatten(),
        Asking::Never => known.credentials()?,
    };
    let (id, secret) = match credentials {
        Some(known) => (Some(known.access_key_id), Some(known.secret_access_key)),
        None => (None, None),
    };
    let given_id = args.access_key_id.clone();
    let is_other = given_id.is_some() && given_id != id;
    let id = questions::answer("Access key id", "--access-key-id", given_id, id, asking, |_| Ok(()))?;
    let secret = if args.secret_access_key_stdin {
        questions::first_line().context("no secret access key is on standard input")?.into()
    } else {
        // A known secret belongs to the known key, and not to another one.
        questions::secret(
            "Secret access key",
            "--secret-access-key-stdin",
            secret.filter(|_| !is_other),
            asking,
        )?
    };
    SecretAccessKey::parse(secret.expose()).context("the secret access key cannot be used")?;
    let usual = known.region().unwrap_or_else(|| "us-east-1".to_owned());
    let region = questions::answer(
        "Region",
        "--region",
        connection.region.clone(),
        Some(usual),
        asking,
        check_region,
    )?;
    let credentials = Credentials { access_key_id: id, secret_access_key: secret, session_token: None };
    Ok(Profile { name, endpoint, region, credentials, ca_bundle: known.ca_bundle() })
}

fn check_address(text: &str) -> Result<()> {
    api_client::address(text).map(drop)
}

fn check_region(text: &str) -> Result<()> {
    let known = || format!("{text:?} is no region of Lightsail's; those are {}", tenant::REGIONS.join(", "));
    Region::parse(text).map(drop).with_context(known)
}

/// The server's registry, and the login that named it. Without a container service no login can be made yet, so
/// none is returned.
async fn registry_of(client: &ApiClient, args: &Args) -> Result<(String, Option<Made>)> {
    let Ok(made) = make::make(client, &Kind::Push).await else { return Ok((client.host(), None)) };
    let registry = made.registry.clone();
    named_registry::check(&args.connection, client, &registry, args.registry.as_deref())?;
    Ok((registry, Some(made)))
}

fn set_up_helper(
    registry: &str,
    made: Option<Made>,
    profile: &Profile,
    bin_dir: Option<PathBuf>,
) -> Result<()> {
    // If this login cannot be kept, the helper makes another.
    if let (Some(made), Ok(mut kept)) = (made, KeptLogins::open()) {
        let _ = kept.keep(made, output::now());
    }
    Registries::open()?.set(registry, &profile.name)?;
    for file in auth_files::set_helper(registry)? {
        output::say(format_args!("Logins for {registry} come from docker-credential-gangplank: {file}."));
    }
    for told in links::make(bin_dir)? {
        output::say(told);
    }
    Ok(())
}
