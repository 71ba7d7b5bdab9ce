//! Settings from the environment and the AWS CLI's files: endpoint, region, access key and others, in the order that
//! the AWS CLI documents. Every command that calls a server uses them.

use std::path::{Path, PathBuf};

use super::credentials::{Credentials, Identity, WebIdentity};
use super::profile::{Kind, Section};
use super::{credentials, profile};

/// The reason for which settings cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unresolved {
    /// Neither file has the profile that was named.
    #[error("The config profile ({0}) could not be found")]
    NoProfile(String),
    /// One half of an access key is there, and the other is missing.
    #[error("Partial credentials found in {0}, missing: {1}")]
    Partial(&'static str, &'static str),
    /// There is an identity token, but no role is named for it.
    #[error(
        "there is an identity token (AWS_WEB_IDENTITY_TOKEN_FILE, or web_identity_token_file in the profile), but no \
         role: set AWS_ROLE_ARN, or role_arn in the profile"
    )]
    NoRole,
    /// The program that prints the access key failed.
    #[error("{0}")]
    Process(String),
    /// A file cannot be read, or its path is not known.
    #[error("{0:#}")]
    File(anyhow::Error),
}

/// The settings of one profile.
pub(crate) struct Settings {
    /// The settings of both files. If both files have a setting, the one in `credentials` counts.
    profile: Section,
    credentials: Section,
    services: Section,
    reads_environment: bool,
    profile_wins: bool,
}

impl Settings {
    /// Reads the settings of the profile that the command line names, else of the one that the environment names.
    pub(crate) fn of_profile(asked: Option<&str>) -> Result<Self, Unresolved> {
        let environment = || variable("AWS_PROFILE").or_else(|| variable("AWS_DEFAULT_PROFILE"));
        let named = asked.map(str::to_owned).or_else(environment);
        let mut settings = match (Kind::Config.path(), Kind::Credentials.path()) {
            (Ok(config), Ok(credentials)) => Self::read(&config, &credentials, named.as_deref())?,
            // Without a home folder there are no files. The environment may be enough.
            _ if named.is_none() && variable("AWS_ACCESS_KEY_ID").is_some() => Self::of_environment(),
            (Err(error), _) | (_, Err(error)) => return Err(Unresolved::File(error)),
        };
        settings.profile_wins = asked.is_some();
        Ok(settings)
    }

    /// The settings of the environment, without any file.
    pub(crate) fn of_environment() -> Self {
        let (profile, credentials, services) = Default::default();
        Self { profile, credentials, services, reads_environment: true, profile_wins: false }
    }

    /// Reads the settings of a profile, which need not exist: then only the environment counts.
    pub(crate) fn of_profile_to_be(name: &str) -> Result<Self, Unresolved> {
        match Self::of_profile(Some(name)) {
            Err(Unresolved::NoProfile(_)) => Ok(Self::of_environment()),
            settings => settings,
        }
    }

    /// Reads the settings that a server has written into its data directory. They have one profile, and the
    /// environment is ignored.
    pub(crate) fn of_data_dir(dir: &Path) -> Result<Self, Unresolved> {
        let mut settings = Self::read(&dir.join("config"), &dir.join("credentials"), None)?;
        settings.reads_environment = false;
        Ok(settings)
    }

    fn read(config_file: &Path, credentials_file: &Path, named: Option<&str>) -> Result<Self, Unresolved> {
        let name = named.unwrap_or("default");
        let sections = |file: &Path| profile::sections(file).map_err(Unresolved::File);
        let (config, credentials) = (sections(config_file)?, sections(credentials_file)?);
        // If there are two sections of one name, the last one counts.
        let of_profile = |sections: &[(String, Section)], kind: Kind| {
            let found = sections.iter().rfind(|(section, _)| kind.is_of(section, name));
            found.map(|(_, section)| section.clone())
        };
        let in_config = of_profile(&config, Kind::Config);
        let credentials = of_profile(&credentials, Kind::Credentials);
        if let (Some(named), None, None) = (named, &in_config, &credentials)
            && named != "default"
        {
            return Err(Unresolved::NoProfile(named.to_owned()));
        }
        let credentials = credentials.unwrap_or_default();
        let mut profile = in_config.unwrap_or_default();
        profile.extend(credentials.clone());
        let services = profile.get("services").and_then(|services| {
            config.iter().rfind(|(section, _)| profile::is_named(section, "services", services))
        });
        let services = services.map(|(_, section)| section.clone()).unwrap_or_default();
        Ok(Self { profile, credentials, services, reads_environment: true, profile_wins: false })
    }

    /// A setting of the profile. An empty value counts as none.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        filled(&self.profile, key)
    }

    /// A setting that an environment variable overrides.
    pub(crate) fn either(&self, name: &str, key: &str) -> Option<String> {
        self.variable(name).or_else(|| self.get(key).map(str::to_owned))
    }

    /// The address of the server. `None` if `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` says to ignore it.
    pub(crate) fn endpoint(&self) -> Option<String> {
        let ignored = self.either("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls");
        if ignored.is_some_and(|ignored| ignored.eq_ignore_ascii_case("true")) {
            return None;
        }
        self.variable("AWS_ENDPOINT_URL_LIGHTSAIL")
            .or_else(|| self.variable("AWS_ENDPOINT_URL"))
            .or_else(|| filled(&self.services, "lightsail.endpoint_url").map(str::to_owned))
            .or_else(|| self.get("endpoint_url").map(str::to_owned))
    }

    /// The region to act in.
    pub(crate) fn region(&self) -> Option<String> {
        self.variable("AWS_REGION")
            .or_else(|| self.variable("AWS_DEFAULT_REGION"))
            .or_else(|| self.get("region").map(str::to_owned))
            .filter(|region| !region.is_empty())
    }

    /// A file of certificates to trust. The setting names neither a server nor a caller. So the environment's
    /// value also counts if there is a data directory. A server does not record which authority signed its
    /// certificate.
    pub(crate) fn ca_bundle(&self) -> Option<PathBuf> {
        variable("AWS_CA_BUNDLE").or_else(|| self.get("ca_bundle").map(str::to_owned)).map(PathBuf::from)
    }

    /// How often a call is tried, the first time included.
    pub(crate) fn attempts(&self) -> Option<Result<u32, String>> {
        let text = self.either("AWS_MAX_ATTEMPTS", "max_attempts")?;
        Some(text.trim().parse().ok().filter(|attempts| *attempts > 0).ok_or(text))
    }

    /// The identity. The first of these counts: the environment's access key, unless a profile was named on the
    /// command line; a role with an identity token in a file; the profile's access key; the environment's role, with
    /// the token of the CI.
    pub(crate) fn identity(&self) -> Result<Option<Identity>, Unresolved> {
        if let Some(key) = self.key_of_environment()? {
            return Ok(Some(Identity::Key(key)));
        }
        if let Some(role) = self.role_by_file()? {
            return Ok(Some(Identity::Role(role)));
        }
        if let Some(key) = self.key_of_files()? {
            return Ok(Some(Identity::Key(key)));
        }
        let role_arn = self.variable("AWS_ROLE_ARN").filter(|_| !self.profile_wins);
        Ok(role_arn.map(|role_arn| Identity::Role(self.role(role_arn, None))))
    }

    /// The setting that the profile has in place of an access key, if this program does not support it. The
    /// text follows the error that there is no access key.
    pub(crate) fn unfollowed(&self) -> String {
        let names = ["source_profile", "credential_source", "sso_session", "sso_start_url", "login_session"];
        names.into_iter().find(|name| self.get(name).is_some()).map_or_else(String::new, |name| {
            format!(
                " (the profile has {name}, which is not followed here: give it aws_access_key_id and \
                 aws_secret_access_key, or credential_process)"
            )
        })
    }

    /// The access key: from the environment, unless the command line names a profile; then from the profile.
    pub(crate) fn credentials(&self) -> Result<Option<Credentials>, Unresolved> {
        Ok(match self.key_of_environment()? {
            Some(key) => Some(key),
            None => self.key_of_files()?,
        })
    }

    fn key_of_environment(&self) -> Result<Option<Credentials>, Unresolved> {
        if self.profile_wins {
            return Ok(None);
        }
        let Some(id) = self.variable("AWS_ACCESS_KEY_ID") else { return Ok(None) };
        let secret = self
            .variable("AWS_SECRET_ACCESS_KEY")
            .ok_or(Unresolved::Partial("env", "AWS_SECRET_ACCESS_KEY"))?;
        let token = self.variable("AWS_SESSION_TOKEN").or_else(|| self.variable("AWS_SECURITY_TOKEN"));
        Ok(Some(credentials(id, secret, token)))
    }

    fn key_of_files(&self) -> Result<Option<Credentials>, Unresolved> {
        if let Some(found) = of_section(&self.credentials, "shared-credentials-file")? {
            return Ok(Some(found));
        }
        if let Some(command) = self.get("credential_process") {
            return credentials::from_process(command).map(Some);
        }
        of_section(&self.profile, "config-file")
    }

    fn role_by_file(&self) -> Result<Option<WebIdentity>, Unresolved> {
        let Some(file) = self.of_role("AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file") else {
            return Ok(None);
        };
        let role_arn = self.of_role("AWS_ROLE_ARN", "role_arn").ok_or(Unresolved::NoRole)?;
        Ok(Some(self.role(role_arn, Some(file.into()))))
    }

    fn role(&self, role_arn: String, token_file: Option<PathBuf>) -> WebIdentity {
        let session_name = self.of_role("AWS_ROLE_SESSION_NAME", "role_session_name");
        WebIdentity { role_arn, token_file, session_name }
    }

    /// A setting of a role: from the environment, unless the command line names a profile; then from the
    /// profile.
    fn of_role(&self, name: &str, key: &str) -> Option<String> {
        if self.profile_wins { self.get(key).map(str::to_owned) } else { self.either(name, key) }
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.reads_environment.then(|| variable(name)).flatten()
    }
}

/// Whether a text could be the name of a region. As in the AWS CLI, it may only have characters of a host name,
/// and at least one is no digit.
pub(crate) fn may_be_region(name: &str) -> bool {
    let is_letter = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'-';
    (1..=63).contains(&name.len())
        && name.bytes().all(is_letter)
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.bytes().all(|letter| letter.is_ascii_digit())
}

fn of_section(section: &Section, source: &'static str) -> Result<Option<Credentials>, Unresolved> {
    let get = |key: &str| filled(section, key).map(str::to_owned);
    let Some(id) = get("aws_access_key_id") else { return Ok(None) };
    let secret = get("aws_secret_access_key").ok_or(Unresolved::Partial(source, "aws_secret_access_key"))?;
    let token = get("aws_session_token").or_else(|| get("aws_security_token"));
    Ok(Some(credentials(id, secret, token)))
}

/// A setting. An empty value counts as none.
fn filled<'a>(section: &'a Section, key: &str) -> Option<&'a str> {
    section.get(key).map(String::as_str).filter(|value| !value.is_empty())
}

fn credentials(id: String, secret: String, token: Option<String>) -> Credentials {
    Credentials { access_key_id: id, secret_access_key: secret.into(), session_token: token.map(Into::into) }
}

/// A variable of the environment. An empty value counts as none.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
