//! A login that is to do less than its maker may: for how long, where, from where.

use gangplank_api::gangplank::CreateRegistryLoginRequest;

use super::permissions::{Limits, login_life};

/// What a login is narrowed to. Wider than its maker it never is.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Narrowing {
    /// How long it lives: 1m to 12h [default: as long as the key or the role allows]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = login_life)]
    pub(super) life: Option<i32>,
    #[command(flatten)]
    pub(super) limits: Limits,
}

impl Narrowing {
    /// Whether there is none.
    pub(super) fn is_none(&self) -> bool {
        self.life.is_none() && self.limits.repositories().is_none() && self.limits.networks().is_none()
    }

    /// The login that is asked for, narrowed.
    pub(super) fn of(&self, login: CreateRegistryLoginRequest) -> CreateRegistryLoginRequest {
        CreateRegistryLoginRequest {
            life_seconds: self.life,
            repositories: self.limits.repositories(),
            source_networks: self.limits.networks(),
            ..login
        }
    }
}
