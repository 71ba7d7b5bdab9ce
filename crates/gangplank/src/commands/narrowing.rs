//! Limits of a new login in addition to its maker's limits: its life, its repositories, its networks.

use gangplank_api::gangplank::CreateRegistryLoginRequest;

use super::permissions::{Limits, login_life};

/// The limits of a login. They never widen its maker's limits.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Narrowing {
    /// How long the login lives: 1m to 12h [default: as long as the key or the role allows]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = login_life)]
    pub(super) life: Option<i32>,
    #[command(flatten)]
    pub(super) limits: Limits,
}

impl Narrowing {
    /// Whether there are no limits.
    pub(super) fn is_none(&self) -> bool {
        self.life.is_none() && self.limits.repositories().is_none() && self.limits.networks().is_none()
    }

    /// Adds the limits to a request for a login.
    pub(super) fn of(&self, login: CreateRegistryLoginRequest) -> CreateRegistryLoginRequest {
        CreateRegistryLoginRequest {
            life_seconds: self.life,
            repositories: self.limits.repositories(),
            source_networks: self.limits.networks(),
            ..login
        }
    }
}
