//! The permissions of a role or an access key, and the limits of its logins: options that both have.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use gangplank_api::gangplank::PermissionPreset;
use gangplank_core::Network;
use gangplank_core::policy::RepositoryPattern;

use crate::values::duration::{self, LengthOfTime};

/// The shortest and the longest life of a login, in seconds.
const LOGIN: (u64, u64) = (60, 43_200);
/// The shortest and the longest life of a session, in seconds.
const SESSION: (u64, u64) = (900, 43_200);

/// The permissions.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Permissions {
    /// Permissions: push and register images; deploy them, too; read; or everything that a key may do
    #[arg(long, value_name = "NAME", conflicts_with = "policy", value_parser = presets())]
    pub(super) preset: Option<PermissionPreset>,
    /// A file with a policy in the language of AWS's IAM, in place of a preset
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Only on this container service, or on those that match a pattern such as web-*; may be given several times
    #[arg(long = "service", value_name = "NAME", conflicts_with = "policy")]
    services: Vec<String>,
    #[command(flatten)]
    limits: Limits,
    /// The longest life of its logins: 1m to 12h
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = login_life)]
    pub(super) max_login: Option<i32>,
    /// A description in a few words, which lists show
    #[arg(long, value_name = "WORDS")]
    pub(super) description: Option<String>,
}

/// The repositories and networks that something is limited to.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Limits {
    /// Only for this repository, or for those that match a pattern: * matches within a segment of the path, ** across
    /// segments; may be given several times
    #[arg(long = "repository", value_name = "NAME", value_parser = repository)]
    repositories: Vec<String>,
    /// Only from these addresses, such as 10.0.0.0/8; may be given several times
    #[arg(long = "from", value_name = "CIDR", value_parser = network)]
    networks: Vec<String>,
}

impl Limits {
    /// The repositories, for a request. `None` if the option was not given.
    pub(super) fn repositories(&self) -> Option<Vec<String>> {
        list(&self.repositories)
    }

    /// The networks, for a request. `None` if the option was not given.
    pub(super) fn networks(&self) -> Option<Vec<String>> {
        list(&self.networks)
    }
}

impl Permissions {
    /// Whether any of the options was given.
    pub(super) fn are_given(&self) -> bool {
        self.preset.is_some()
            || self.policy.is_some()
            || self.max_login.is_some()
            || self.description.is_some()
            || !(self.services.is_empty()
                && self.limits.repositories.is_empty()
                && self.limits.networks.is_empty())
    }

    /// The services, for a request. `None` if the option was not given.
    pub(super) fn services(&self) -> Option<Vec<String>> {
        list(&self.services)
    }

    /// The limits of repositories and networks.
    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Reads the policy.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn policy(&self) -> Result<Option<String>> {
        self.policy.as_deref().map(read_policy).transpose()
    }
}

/// Reads a policy from a file. The server checks its content.
pub(super) fn read_policy(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read the policy in {}", path.display()))
}

/// Reads the life of a login, in seconds.
pub(super) fn login_life(text: &str) -> Result<i32, String> {
    seconds(text, LOGIN)
}

/// Reads the life of a session, in seconds.
pub(super) fn session_life(text: &str) -> Result<i32, String> {
    seconds(text, SESSION)
}

fn seconds(text: &str, (least, most): (u64, u64)) -> Result<i32, String> {
    let LengthOfTime(length) = text.parse()?;
    let seconds = Some(length.as_secs()).filter(|seconds| (least..=most).contains(seconds));
    seconds
        .and_then(|seconds| i32::try_from(seconds).ok())
        .ok_or_else(|| format!("it is from {} to {}", duration::shown(least), duration::shown(most)))
}

fn presets() -> impl TypedValueParser<Value = PermissionPreset> {
    PossibleValuesParser::new(PermissionPreset::VALUES)
        .try_map(|word| PermissionPreset::parse(&word).ok_or("no preset has this name"))
}

fn repository(text: &str) -> Result<String, String> {
    RepositoryPattern::parse(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

fn network(text: &str) -> Result<String, String> {
    let parsed: Result<Network, _> = text.parse();
    parsed.map(|_| text.to_owned()).map_err(|_| "it is an address, or a range such as 10.0.0.0/8".to_owned())
}

fn list(given: &[String]) -> Option<Vec<String>> {
    (!given.is_empty()).then(|| given.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lives_are_within_their_bounds() {
        assert_eq!((login_life("30m"), login_life("12h"), login_life("60")), (Ok(1_800), Ok(43_200), Ok(60)));
        assert_eq!((session_life("15m"), session_life("1h")), (Ok(900), Ok(3_600)));
        assert_eq!(login_life("59s"), Err("it is from 60s to 12h".to_owned()));
        assert_eq!(session_life("13h"), Err("it is from 15m to 12h".to_owned()));
        assert!(login_life("soon").is_err());
    }

    #[test]
    fn patterns_and_networks_are_looked_at_before_a_call() {
        assert!(repository("team/**").is_ok() && repository("Team").is_err());
        assert!(network("10.0.0.0/8").is_ok() && network("2001:db8::1").is_ok());
        assert!(network("10.0.0.0/33").is_err() && network("here").is_err());
    }
}
