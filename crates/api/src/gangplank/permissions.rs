//! Permissions and limits of access keys, roles and logins.

use crate::macros::enumeration;
use crate::pattern::{NOT_BLANK, SERVICE_PATTERN};
use crate::{ApiError, Range, Shape};

/// A policy. The longest that is kept has 6,144 characters without white space.
pub(super) const POLICY: Shape =
    Shape::text("PolicyDocument", Range { min: Some(1), max: Some(20_480) }, &NOT_BLANK);

const SERVICE: Shape = Shape::text("ServicePattern", Range { min: Some(1), max: Some(63) }, &SERVICE_PATTERN);
pub(super) const SERVICES: Shape = Shape::list(&SERVICE);

const REPOSITORY: Shape =
    Shape::text("RepositoryPattern", Range { min: Some(1), max: Some(255) }, &NOT_BLANK);
pub(super) const REPOSITORIES: Shape = Shape::list(&REPOSITORY);

const NETWORK: Shape = Shape::text("SourceNetwork", Range { min: Some(1), max: Some(64) }, &NOT_BLANK);
pub(super) const NETWORKS: Shape = Shape::list(&NETWORK);

/// The life of a login: a minute to twelve hours.
pub(super) const LOGIN_SECONDS: Shape = Shape::integer("LoginSeconds", 60, 43_200);

pub(super) const DESCRIPTION: Shape =
    Shape::text("Description", Range { min: Some(1), max: Some(256) }, &NOT_BLANK);

/// The most entries of a list of services, repositories or networks.
pub(super) const MOST_ENTRIES: usize = 32;

enumeration! {
    /// Permissions by name.
    pub enum PermissionPreset {
        /// Log in, push, register.
        Push = "push",
        /// The same, and deploy registered images.
        Deploy = "deploy",
        /// See everything, and pull registered images.
        Read = "read",
        /// Everything that an access key may do in its account.
        All = "all",
    }
}

/// Checks rules about several members: either a preset or a policy, and services only with a preset.
pub(super) fn check_permissions(
    preset: Option<PermissionPreset>,
    policy: Option<&str>,
    services: Option<&[String]>,
) -> Result<(), ApiError> {
    if preset.is_some() && policy.is_some() {
        return Err(ApiError::invalid_input("preset and policy are both given; give one of them."));
    }
    if policy.is_some() && services.is_some() {
        let message =
            "services is given with a policy; name the services in the policy, by gangplank:ServiceName.";
        return Err(ApiError::invalid_input(message));
    }
    Ok(())
}

/// Refuses a list that is empty or too long.
pub(super) fn check_list(name: &str, list: Option<&[String]>) -> Result<(), ApiError> {
    match list {
        Some(list) if !(1..=MOST_ENTRIES).contains(&list.len()) => Err(ApiError::invalid_input(format!(
            "{name} has {} entries; give 1 to {MOST_ENTRIES}, or leave it out.",
            list.len()
        ))),
        _ => Ok(()),
    }
}
