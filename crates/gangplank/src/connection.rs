//! Which server a command talks to, and as whom.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use gangplank_core::SecretAccessKey;

use crate::api_client::ApiClient;
use crate::profile::{self, Section};

/// How a command finds its server and its access key: the data directory's own files, or the AWS
/// CLI's environment variables and files.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Connection {
    /// Data directory of a server on this machine, whose files name its address and root key
    #[arg(long, env = "GANGPLANK_DATA_DIR", value_name = "DIR", global = true)]
    pub(crate) data_dir: Option<PathBuf>,
    /// Address of the server [default: `AWS_ENDPOINT_URL_LIGHTSAIL`, `AWS_ENDPOINT_URL`, the profile]
    #[arg(long, value_name = "URL", global = true)]
    endpoint_url: Option<String>,
    /// Region to act in [default: `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile]
    #[arg(long, global = true)]
    region: Option<String>,
    /// Profile of the AWS CLI's files, where no data directory is named
    #[arg(long, env = "AWS_PROFILE", global = true)]
    profile: Option<String>,
}

impl Connection {
    /// The server that uses a data directory.
    pub(crate) fn of(data_dir: PathBuf) -> Self {
        Self { data_dir: Some(data_dir), endpoint_url: None, region: None, profile: None }
    }

    /// Finds address, region and access key.
    pub(crate) fn client(&self) -> Result<ApiClient> {
        let (config, credentials) = self.files()?;
        // With a data directory its files speak, not whatever the environment has of AWS.
        let variable = |name: &str| {
            self.data_dir.is_none().then(|| std::env::var(name).ok()).flatten().filter(|v| !v.is_empty())
        };
        let endpoint = self
            .endpoint_url
            .clone()
            .or_else(|| variable("AWS_ENDPOINT_URL_LIGHTSAIL"))
            .or_else(|| variable("AWS_ENDPOINT_URL"))
            .or_else(|| config.get("endpoint_url").cloned())
            .context("no server is named: give --data-dir of a server on this machine, or --endpoint-url")?;
        let region = self
            .region
            .clone()
            .or_else(|| variable("AWS_REGION"))
            .or_else(|| variable("AWS_DEFAULT_REGION"))
            .or_else(|| config.get("region").cloned())
            .unwrap_or_else(|| "us-east-1".to_owned());
        let setting = |name: &str, key: &str| variable(name).or_else(|| credentials.get(key).cloned());
        let missing = "no access key: give --data-dir, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
        let id = setting("AWS_ACCESS_KEY_ID", "aws_access_key_id").context(missing)?;
        let secret = setting("AWS_SECRET_ACCESS_KEY", "aws_secret_access_key").context(missing)?;
        let secret = SecretAccessKey::parse(&secret).context("the secret access key cannot be used")?;
        let hint = self.data_dir.as_ref().filter(|_| self.endpoint_url.is_none()).map(|dir| {
            let dir = dir.display();
            format!("no server seems to run on {dir}; `gangplank serve --data-dir {dir}` starts one")
        });
        ApiClient::new(&endpoint, region, id, secret, hint)
    }

    fn files(&self) -> Result<(Section, Section)> {
        let Some(dir) = &self.data_dir else {
            let profile = self.profile.as_deref().unwrap_or("default");
            let config = profile::path("AWS_CONFIG_FILE", "config");
            let credentials = profile::path("AWS_SHARED_CREDENTIALS_FILE", "credentials");
            let config = profile::section(&config, &profile::config_section(profile))?;
            return Ok((config, profile::section(&credentials, profile)?));
        };
        check_data_dir(dir)?;
        // They have one profile, whichever AWS_PROFILE names elsewhere.
        let read = |file| profile::section(&dir.join(file), "default");
        Ok((read("config")?, read("credentials")?))
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
