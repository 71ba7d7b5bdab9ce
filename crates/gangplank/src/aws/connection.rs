//! The server that a command calls, and the identity that it calls with.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use gangplank_core::SecretAccessKey;

use super::api_client::{ApiClient, ClientOptions};
use super::credentials::Identity;
use super::settings::{self, Settings};

/// Finds the server and the access key: in the files of a data directory, or in the AWS CLI's environment variables
/// and files.
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
    /// Profile of the AWS CLI's files, if no data directory is named [default: `AWS_PROFILE`]
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

    /// Makes a client from the address, the region and the access key.
    pub(crate) fn client(&self) -> Result<ApiClient> {
        self.client_with(ClientOptions::default())
    }

    /// Makes a client for calls whose answer may take long.
    pub(crate) fn patient_client(&self) -> Result<ApiClient> {
        self.client_with(ClientOptions::for_long_calls())
    }

    /// Makes a client whose calls are not signed, because a token in them says who calls.
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
            None => format!(
                "no access key: give --data-dir, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or \
                 AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE{}",
                settings.unfollowed()
            ),
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
            // A data directory has everything. The AWS variables of the environment are for other servers.
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
        ensure!(settings::may_be_region(&region), "{region:?} is no name of a region, such as us-east-1");
        let hint = dir.filter(|_| self.endpoint_url.is_none()).map(|dir| {
            let dir = dir.display();
            format!("no server seems to run on {dir}; `gangplank serve --data-dir {dir}` starts one")
        });
        let options = ClientOptions { ca_bundle: settings.ca_bundle(), ..options };
        Ok(ApiClient::new(endpoint, region, identity, &options)?.with_hint(hint))
    }
}

fn no_server_named() -> String {
    // The default directory is not used unless it is named: it may have been copied here with somebody else's files.
    let here = usual_data_dir().map_or_else(String::new, |dir| {
        format!("; there is a {0} here, which --data-dir {0} names", dir.display())
    });
    format!(
        "no server is named: give --data-dir of a server on this machine, --endpoint-url, or the --profile that \
         `gangplank configure` wrote{here}"
    )
}

/// The default data directory of `gangplank serve`, if it is in the current directory.
pub(crate) fn usual_data_dir() -> Option<PathBuf> {
    #[cfg(unix)]
    let usual = Some(PathBuf::from(crate::serving::options::DEFAULT_DATA_DIR));
    #[cfg(not(unix))]
    let usual: Option<PathBuf> = None;
    usual.filter(|dir| dir.is_dir())
}

/// Refuses a directory that is no data directory.
pub(crate) fn check_data_dir(dir: &Path) -> Result<()> {
    // An error here shows up again, and better explained, when a file is opened.
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

/// Advice if the server does not accept the key in its data directory's `credentials`. That happens after a
/// restore, because backups do not have that file, and after the root key was lost.
fn key_advice(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        "write an enabled root key there, or stop the server and run `gangplank access-key create --root --data-dir \
         {dir}`, which makes one and writes it there"
    )
}
