//! Which server a command talks to, and as whom.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use gangplank_core::SecretAccessKey;

use super::api_client::{ApiClient, ClientOptions};
use super::credentials::Identity;
use super::settings::Settings;

/// How a command finds its server and its access key: the data directory's own files, or the AWS
/// CLI's environment variables and files.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct Connection {
    /// Data directory of a server on this machine, whose files name its address and root key
    #[arg(long, env = "GANGPLANK_DATA_DIR", value_name = "DIR", global = true)]
    pub(crate) data_dir: Option<PathBuf>,
    /// Address of the server [default: `AWS_ENDPOINT_URL_LIGHTSAIL`, `AWS_ENDPOINT_URL`, the profile]
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) endpoint_url: Option<String>,
    /// Region to act in [default: `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile]
    #[arg(long, global = true)]
    pub(crate) region: Option<String>,
    /// Profile of the AWS CLI's files, where no data directory is named [default: `AWS_PROFILE`]
    #[arg(long, global = true)]
    pub(crate) profile: Option<String>,
}

impl Connection {
    /// The server that uses a data directory.
    pub(crate) fn of(data_dir: PathBuf) -> Self {
        Self { data_dir: Some(data_dir), endpoint_url: None, region: None, profile: None }
    }

    /// The server of a profile.
    pub(crate) fn of_profile(profile: &str) -> Self {
        Self { data_dir: None, endpoint_url: None, region: None, profile: Some(profile.to_owned()) }
    }

    /// Finds address, region and access key.
    pub(crate) fn client(&self) -> Result<ApiClient> {
        self.client_with(ClientOptions::default())
    }

    /// The same for a call that may take long to be answered.
    pub(crate) fn patient_client(&self) -> Result<ApiClient> {
        self.client_with(ClientOptions::for_long_calls())
    }

    /// A client whose calls nobody signs: the token in them says who asks.
    pub(crate) fn unsigned_client(&self) -> Result<ApiClient> {
        let settings = self.settings()?;
        let endpoint = self.endpoint(&settings)?;
        self.client_as(None, &endpoint, &settings, ClientOptions::default())
    }

    fn client_with(&self, options: ClientOptions) -> Result<ApiClient> {
        let settings = self.settings()?;
        let endpoint = self.endpoint(&settings)?;
        let dir = self.data_dir.as_deref();
        let identity = settings.identity()?.with_context(|| match dir {
            Some(dir) => {
                format!("{}/credentials has no access key, or is missing: {}", dir.display(), key_advice(dir))
            }
            None => "no access key: give --data-dir, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or \
                     AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE"
                .to_owned(),
        })?;
        if let Identity::Key(credentials) = &identity {
            SecretAccessKey::parse(credentials.secret_access_key.expose())
                .context("the secret access key cannot be used")?;
        }
        let key_hint = dir.map(|dir| {
            format!("The server does not know the key in {}/credentials: {}", dir.display(), key_advice(dir))
        });
        Ok(self.client_as(Some(identity), &endpoint, &settings, options)?.with_key_hint(key_hint))
    }

    fn settings(&self) -> Result<Settings> {
        Ok(match &self.data_dir {
            // With a data directory its files speak, not whatever the environment has of AWS.
            Some(dir) => {
                check_data_dir(dir)?;
                Settings::of_data_dir(dir)?
            }
            None => Settings::of_profile(self.profile.as_deref())?,
        })
    }

    fn endpoint(&self, settings: &Settings) -> Result<String> {
        self.endpoint_url.clone().or_else(|| settings.endpoint()).with_context(|| {
            let Some(dir) = &self.data_dir else { return no_server_named() };
            let dir = dir.display();
            format!("{dir}/config names no server: `gangplank serve --data-dir {dir}` writes it; or give --endpoint-url")
        })
    }

    fn client_as(
        &self,
        identity: Option<Identity>,
        endpoint: &str,
        settings: &Settings,
        options: ClientOptions,
    ) -> Result<ApiClient> {
        let dir = self.data_dir.as_deref();
        let region =
            self.region.clone().or_else(|| settings.region()).unwrap_or_else(|| "us-east-1".to_owned());
        let hint = dir.filter(|_| self.endpoint_url.is_none()).map(|dir| {
            let dir = dir.display();
            format!("no server seems to run on {dir}; `gangplank serve --data-dir {dir}` starts one")
        });
        let options = ClientOptions { ca_bundle: settings.ca_bundle(), ..options };
        Ok(ApiClient::new(endpoint, region, identity, &options)?.with_hint(hint))
    }
}

fn no_server_named() -> String {
    // The usual directory is not taken unasked: it may have come with somebody else's files.
    let here = usual_data_dir().map_or_else(String::new, |dir| {
        format!("; there is a {0} here, which --data-dir {0} names", dir.display())
    });
    format!(
        "no server is named: give --data-dir of a server on this machine, --endpoint-url, or the --profile that \
         `gangplank configure` wrote{here}"
    )
}

/// The directory in which `gangplank serve` keeps everything unless it is told otherwise, if it is here.
pub(crate) fn usual_data_dir() -> Option<PathBuf> {
    #[cfg(unix)]
    let usual = Some(PathBuf::from(crate::serving::options::DEFAULT_DATA_DIR));
    #[cfg(not(unix))]
    let usual: Option<PathBuf> = None;
    usual.filter(|dir| dir.is_dir())
}

/// Refuses a directory that no server has ever used.
pub(crate) fn check_data_dir(dir: &Path) -> Result<()> {
    // Any error is told by whoever opens a file in it.
    #[cfg(unix)]
    let is_none = matches!(gangplank_server::data_dir::is_one(dir), Ok(false));
    #[cfg(not(unix))]
    let is_none = !dir.join("config").exists();
    if is_none {
        let dir = dir.display();
        bail!("{dir} is no data directory of gangplank's; `gangplank serve --data-dir {dir}` makes it one");
    }
    Ok(())
}

/// What helps where no key in a data directory's `credentials` opens its server: after a restore, for backups have no
/// such file, and after the root key was lost.
fn key_advice(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        "write an enabled root key there, or stop the server and run `gangplank access-key create --root --data-dir \
         {dir}`, which makes one and writes it there"
    )
}
