//! The settings that `gangplank configure` writes into the AWS CLI's files, and those that it removes from a profile
//! because they would override them.

use anyhow::Result;

use super::Profile;
use crate::aws::profile::{self, Kind, Section};

/// Settings that name another caller. The AWS CLI prefers them to an access key.
const OTHER_CALLERS: [&str; 13] = [
    "aws_session_token",
    "aws_security_token",
    "credential_process",
    "credential_source",
    "duration_seconds",
    "external_id",
    "login_session",
    "mfa_serial",
    "role_arn",
    "role_session_name",
    "source_profile",
    "web_identity_token_file",
    "ignore_configured_endpoint_urls",
];

/// Settings that belong into `config`. In `credentials` they would override those of `config`.
const OF_CONFIG: [&str; 4] = ["region", "endpoint_url", "ca_bundle", "services"];

/// Settings that belong into `credentials`. If `config` has them, they belong to an earlier key.
const OF_CREDENTIALS: [&str; 2] = ["aws_access_key_id", "aws_secret_access_key"];

fn is_of_another_caller(key: &str) -> bool {
    OTHER_CALLERS.contains(&key) || key.starts_with("sso_")
}

/// Writes a profile. Returns a sentence about each file.
pub(super) fn write(profile: &Profile) -> Result<Vec<String>> {
    let Profile { name, endpoint, region, credentials, .. } = profile;
    let (config, keys) = (Kind::Config.path()?, Kind::Credentials.path()?);
    let sections = profile::sections(&config)?;
    // Read both files before either is written: if one is unusable, the other stays as it is.
    profile::sections(&keys)?;
    let mut values = vec![("region", region.as_str()), ("endpoint_url", endpoint.as_str())];
    let bundle = profile.ca_bundle.as_ref().filter(|_| endpoint.starts_with("https://"));
    let bundle = bundle.map(std::path::absolute).transpose()?;
    let bundle = bundle.as_ref().map(|bundle| bundle.to_string_lossy());
    if let Some(bundle) = &bundle {
        values.push(("ca_bundle", bundle));
    }
    let leads_elsewhere = leads_elsewhere(&sections, name, endpoint);
    let unwanted = |key: &str| {
        is_of_another_caller(key) || OF_CREDENTIALS.contains(&key) || key == "services" && leads_elsewhere
    };
    let mut removed = profile::set(&config, Kind::Config, name, &values, unwanted)?;
    let id = credentials.access_key_id.as_str();
    let secret = credentials.secret_access_key.expose();
    let values = [("aws_access_key_id", id), ("aws_secret_access_key", secret)];
    let unwanted = |key: &str| is_of_another_caller(key) || OF_CONFIG.contains(&key);
    removed.extend(profile::set(&keys, Kind::Credentials, name, &values, unwanted)?);
    let mut told = vec![format!("Profile {name}: {} and {}.", config.display(), keys.display())];
    if !removed.is_empty() {
        removed.sort_unstable();
        removed.dedup();
        told.push(format!(
            "Removed from it, since the access key or the address would not be used beside them: {}.",
            removed.join(", ")
        ));
    }
    Ok(told)
}

/// Whether the profile names a section `services` with another address for Lightsail. That address wins over the
/// profile's own.
fn leads_elsewhere(sections: &[(String, Section)], name: &str, endpoint: &str) -> bool {
    let section = sections.iter().rfind(|(section, _)| Kind::Config.is_of(section, name));
    let services = section.and_then(|(_, section)| section.get("services"));
    let Some(services) = services else { return false };
    let section = sections.iter().rfind(|(section, _)| profile::is_named(section, "services", services));
    let address = section.and_then(|(_, section)| section.get("lightsail.endpoint_url"));
    address.is_some_and(|address| !address.is_empty() && address != endpoint)
}
