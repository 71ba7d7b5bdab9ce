//! Policies with a name, so that nobody has to write one.

use std::fmt;

use serde_json::{Value, json};

use super::action::Action;
use super::fault::PolicyError;
use super::permission::PermissionPolicy;

/// A policy with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Preset {
    /// Log in, push, register.
    Push,
    /// The actions of `Push`, and deploying registered images.
    Deploy,
    /// See everything, and pull registered images.
    Read,
    /// Everything that an access key may do in its account.
    All,
}

/// The limits of a preset, as patterns. For services `*` and `?` match any characters. For repositories they match
/// within a segment of the path, and `**` across segments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The services. If empty, all.
    pub services: Vec<String>,
    /// The repositories. If empty, the preset decides.
    pub repositories: Vec<String>,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 4] = [Self::Push, Self::Deploy, Self::Read, Self::All];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Deploy => "deploy",
            Self::Read => "read",
            Self::All => "all",
        }
    }

    /// The preset with a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.as_str() == name)
    }

    /// Whether it allows the action, before its limits are considered.
    pub fn allows(self, action: Action) -> bool {
        use Action::{
            CreateContainerServiceDeployment, CreateContainerServiceRegistryLogin, CreatePullLogin,
            GetContainerAPIMetadata, GetContainerImages, GetContainerLog, GetContainerServiceDeployments,
            GetContainerServices, GetImageOrigin, RegisterContainerImage,
        };
        match self {
            Self::Push => matches!(
                action,
                CreateContainerServiceRegistryLogin
                    | RegisterContainerImage
                    | GetContainerImages
                    | GetContainerServices
                    | GetContainerAPIMetadata
            ),
            Self::Deploy => {
                Self::Push.allows(action)
                    || matches!(
                        action,
                        CreateContainerServiceDeployment | GetContainerServiceDeployments | GetContainerLog
                    )
            }
            Self::Read => {
                matches!(action, CreatePullLogin | GetImageOrigin)
                    || action.as_str().starts_with("lightsail:Get")
            }
            Self::All => true,
        }
    }

    /// The repositories of the preset if none are given. A job that pushes names its repositories, or uses the one of
    /// Lightsail's own plugin.
    pub const fn repositories(self) -> &'static [&'static str] {
        match self {
            Self::Push | Self::Deploy => &["sr"],
            Self::Read | Self::All => &[],
        }
    }

    /// Makes the policy.
    ///
    /// With services, a request that can name a service must name one of them. With repositories, an image can only
    /// be registered if one of these repositories has it. With services or repositories, access keys and roles
    /// cannot be changed, as for every caller with limits.
    ///
    /// # Errors
    /// If a limit is no pattern, or if there are too many.
    pub fn policy(self, limits: &Limits) -> Result<PermissionPolicy, PolicyError> {
        let own: Vec<String> = self.repositories().iter().map(|name| (*name).to_owned()).collect();
        let repositories = if limits.repositories.is_empty() { &own } else { &limits.repositories };
        let limited = !limits.services.is_empty() || !repositories.is_empty();
        if self == Self::All && !limited {
            let all = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
            return read(vec![all]);
        }
        let mut statements = Vec::new();
        for by_service in [false, true] {
            for by_repository in [false, true] {
                let actions: Vec<&str> = Action::ALL
                    .iter()
                    .filter(|action| self.allows(**action) && !action.changes_principals())
                    .filter(|action| by_service == (action.names_service() && !limits.services.is_empty()))
                    .filter(|action| by_repository == (action.names_repository() && !repositories.is_empty()))
                    .map(|action| action.as_str())
                    .collect();
                if actions.is_empty() {
                    continue;
                }
                let mut statement = json!({ "Effect": "Allow", "Action": actions, "Resource": "*" });
                if by_service {
                    statement["Condition"]["StringLike"]["gangplank:ServiceName"] = json!(limits.services);
                }
                if by_repository {
                    statement["Condition"]["ForAnyValue:StringLike"]["gangplank:Repository"] =
                        json!(repositories);
                }
                statements.push(statement);
            }
        }
        read(statements)
    }
}

fn read(statements: Vec<Value>) -> Result<PermissionPolicy, PolicyError> {
    PermissionPolicy::parse(&json!({ "Version": "2012-10-17", "Statement": statements }).to_string())
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
