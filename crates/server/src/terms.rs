//! On which terms an access key or a role is made: what it may do, and what its logins are narrowed to.

use std::time::Duration;

use gangplank_api::ApiError;
use gangplank_api::gangplank::{CreateAccessKeyRequest, PermissionPreset};
use gangplank_core::policy::{Limits, Preset, RepositoryPattern};
use gangplank_core::{LoginLimits, Network, Permission, Reach, Time};

/// The terms of an access key. The default is none: everything in its account, for ever.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// What it may do; everything in its account if `None`.
    pub permission: Option<Permission>,
    /// What its logins are narrowed to.
    pub limits: LoginLimits,
    /// When it ends, if it does.
    pub expires_at: Option<Time>,
    /// What people say of it.
    pub description: String,
}

impl Terms {
    /// The terms of the access key that is asked for.
    ///
    /// # Errors
    /// `InvalidInputException` if they cannot be read, are a root key's, or end in the past.
    pub fn of(asked: &CreateAccessKeyRequest, now: Time) -> Result<Self, ApiError> {
        let given = Given {
            preset: asked.preset,
            policy: asked.policy.as_deref(),
            services: asked.services.as_deref().unwrap_or_default(),
            repositories: asked.repositories.as_deref().unwrap_or_default(),
        };
        let networks = asked.source_networks.as_deref().unwrap_or_default();
        let expires_at = asked.expires_at.map(|end| Time(end.0));
        let is_limited = given.is_anything() || !networks.is_empty() || asked.max_login_seconds.is_some();
        if asked.root == Some(true) && (is_limited || expires_at.is_some()) {
            let message = "A root key is limited by nothing: leave out root, or whatever limits the key.";
            return Err(ApiError::invalid_input(message));
        }
        if expires_at.is_some_and(|end| end <= now) {
            return Err(ApiError::invalid_input("expiresAt is in the past."));
        }
        Ok(Self {
            permission: given.permission(None)?,
            limits: given.login_limits(None, asked.max_login_seconds, networks)?,
            expires_at,
            description: asked.description.clone().unwrap_or_default(),
        })
    }
}

/// What a key or a role is given to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given<'a> {
    pub(crate) preset: Option<PermissionPreset>,
    pub(crate) policy: Option<&'a str>,
    pub(crate) services: &'a [String],
    pub(crate) repositories: &'a [String],
}

impl Given<'_> {
    fn is_anything(&self) -> bool {
        let is_narrowed = !self.services.is_empty() || !self.repositories.is_empty();
        self.preset.is_some() || self.policy.is_some() || is_narrowed
    }

    /// The preset, if no policy is in its place. Whoever names services or repositories and no preset means all that can
    /// be done with them.
    fn preset(&self, default: Option<Preset>) -> Option<Preset> {
        let named = self.preset.and_then(|preset| Preset::parse(preset.as_str()));
        let narrowed = (self.is_anything() && self.policy.is_none()).then_some(Preset::All);
        named.or(default.filter(|_| self.policy.is_none())).or(narrowed)
    }

    /// What it may do; `None` if nothing was said and there is no `default`.
    ///
    /// # Errors
    /// `InvalidInputException` if the policy cannot be read, or a limit is no pattern.
    pub(crate) fn permission(&self, default: Option<Preset>) -> Result<Option<Permission>, ApiError> {
        let read = match (self.policy, self.preset(default)) {
            (Some(policy), _) => Permission::of_policy(policy),
            (None, Some(preset)) => {
                let (services, repositories) = (self.services.to_vec(), self.repositories.to_vec());
                Permission::of_preset(preset, Limits { services, repositories })
            }
            (None, None) => return Ok(None),
        };
        read.map(Some)
            .map_err(|error| ApiError::invalid_input(format!("The policy cannot be used: {error}.")))
    }

    /// What its logins are narrowed to. Those of a pushing preset are for Lightsail's own repository where none is named.
    ///
    /// # Errors
    /// `InvalidInputException` if a repository or network could not be meant.
    pub(crate) fn login_limits(
        &self,
        default: Option<Preset>,
        max_login_seconds: Option<i32>,
        networks: &[String],
    ) -> Result<LoginLimits, ApiError> {
        let own: Vec<String> = match self.preset(default) {
            Some(preset) if self.repositories.is_empty() => {
                preset.repositories().iter().map(|name| (*name).to_owned()).collect()
            }
            _ => self.repositories.to_vec(),
        };
        Ok(LoginLimits {
            max_life: max_login_seconds.map(seconds),
            reach: Reach::of(patterns(&own)?, self::networks(networks)?),
        })
    }
}

/// A length of time of a request.
pub(crate) fn seconds(seconds: i32) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

/// Reads patterns of repositories.
///
/// # Errors
/// `InvalidInputException` if one could match nothing.
pub(crate) fn patterns(texts: &[String]) -> Result<Vec<RepositoryPattern>, ApiError> {
    let read = |text: &String| {
        let refused = |error| ApiError::invalid_input(format!("repositories: {text:?} is none: {error}."));
        RepositoryPattern::parse(text).map_err(refused)
    };
    texts.iter().map(read).collect()
}

/// Reads networks.
///
/// # Errors
/// `InvalidInputException` if one is none.
pub(crate) fn networks(texts: &[String]) -> Result<Vec<Network>, ApiError> {
    let read = |text: &String| {
        text.parse()
            .map_err(|error| ApiError::invalid_input(format!("sourceNetworks: {text:?} is none: {error}.")))
    };
    texts.iter().map(read).collect()
}
