//! The terms of an access key or a role: its permissions, and the limits of its logins.

use std::time::Duration;

use gangplank_api::ApiError;
use gangplank_api::gangplank::{CreateAccessKeyRequest, PermissionPreset};
use gangplank_core::policy::{Limits, Preset, RepositoryPattern};
use gangplank_core::{LoginLimits, Network, Permission, Reach, Time};

/// The terms of an access key. By default, it may do everything in its account, forever.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// The permissions. `None` means everything in the account.
    pub permission: Option<Permission>,
    /// The limits of its logins.
    pub limits: LoginLimits,
    /// When the key expires. `None` means never.
    pub expires_at: Option<Time>,
    /// A description by its maker.
    pub description: String,
}

impl Terms {
    /// The terms that a request for an access key asks for.
    ///
    /// # Errors
    /// `InvalidInputException` if the terms are malformed, limit a root key, or end in the past.
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

/// The requested permissions of a key or role.
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

    /// The preset, if no policy is given. Without a preset, named services or repositories mean everything that
    /// can be done with them.
    fn preset(&self, default: Option<Preset>) -> Option<Preset> {
        let named = self.preset.and_then(|preset| Preset::parse(preset.as_str()));
        let narrowed = (self.is_anything() && self.policy.is_none()).then_some(Preset::All);
        named.or(default.filter(|_| self.policy.is_none())).or(narrowed)
    }

    /// The permission. `None` if nothing is requested and there is no `default`.
    ///
    /// # Errors
    /// `InvalidInputException` if the policy is malformed, or a limit is no pattern.
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

    /// The limits of the logins. If a preset for pushing names no repository, its logins are for Lightsail's
    /// own repository.
    ///
    /// # Errors
    /// `InvalidInputException` if a repository or network is malformed.
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

/// A duration from a request, in seconds.
pub(crate) fn seconds(seconds: i32) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

/// Reads patterns of repositories.
///
/// # Errors
/// `InvalidInputException` if a text is no pattern.
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
/// `InvalidInputException` if a text is no network.
pub(crate) fn networks(texts: &[String]) -> Result<Vec<Network>, ApiError> {
    let read = |text: &String| {
        text.parse()
            .map_err(|error| ApiError::invalid_input(format!("sourceNetworks: {text:?} is none: {error}.")))
    };
    texts.iter().map(read).collect()
}
