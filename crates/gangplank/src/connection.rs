//! Which server a command talks to, and as whom.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use gangplank_core::SecretAccessKey;

use crate::api_client::{ApiClient, Manner};
use crate::settings::Settings;

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
        self.client_with(Manner::default())
    }

    /// The same for a call that may take long to be answered.
    pub(crate) fn patient_client(&self) -> Result<ApiClient> {
        self.client_with(Manner { read_timeout: None, ..Manner::default() })
    }

    fn client_with(&self, manner: Manner) -> Result<ApiClient> {
        let settings = match &self.data_dir {
            // With a data directory its files speak, not whatever the environment has of AWS.
            Some(dir) => {
                check_data_dir(dir)?;
                Settings::of_data_dir(dir)?
            }
            None => Settings::of_profile(self.profile.as_deref())?,
        };
        let endpoint =
            self.endpoint_url.clone().or_else(|| settings.endpoint()).context(
                "no server is named: give --data-dir of a server on this machine, --endpoint-url, or the --profile that \
                 `gangplank configure` wrote",
            )?;
        let region =
            self.region.clone().or_else(|| settings.region()).unwrap_or_else(|| "us-east-1".to_owned());
        let credentials = settings
            .credentials()?
            .context("no access key: give --data-dir, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")?;
        SecretAccessKey::parse(credentials.secret_access_key.expose())
            .context("the secret access key cannot be used")?;
        let hint = self.data_dir.as_ref().filter(|_| self.endpoint_url.is_none()).map(|dir| {
            let dir = dir.display();
            format!("no server seems to run on {dir}; `gangplank serve --data-dir {dir}` starts one")
        });
        let manner = Manner { ca_bundle: settings.ca_bundle(), ..manner };
        Ok(ApiClient::new(&endpoint, region, Some(credentials), &manner)?.with_hint(hint))
    }
}

/// Refuses a directory that no server has ever used.
pub(crate) fn check_data_dir(dir: &Path) -> Result<()> {
    match std::fs::metadata(dir.join("config")) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            let dir = dir.display();
            bail!(
                "{dir} is no data directory of gangplank's; `gangplank serve --data-dir {dir}` makes it one"
            )
        }
        // Any other error is told by whoever opens the file.
        _ => Ok(()),
    }
}
