//! The operation of a call.

use super::{Parameters, StsError, StsErrorCode, VERSION};

/// An operation that is served here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Says whose key signed the call.
    GetCallerIdentity,
    /// Makes temporary keys for the holder of an identity token. The call is not signed.
    AssumeRoleWithWebIdentity,
}

impl Operation {
    const ALL: [Self; 2] = [Self::GetCallerIdentity, Self::AssumeRoleWithWebIdentity];

    /// Reads the operation from the parameters.
    ///
    /// # Errors
    /// If they name no operation, or one that is not served here.
    pub fn of(parameters: &Parameters) -> Result<Self, StsError> {
        let refused = |code, message| Err(StsError { code, message });
        let Some(name) = parameters.get("Action") else {
            return refused(StsErrorCode::MissingAction, "The parameter 'Action' is missing.".to_owned());
        };
        let version = parameters.get("Version").unwrap_or("NO_VERSION_SPECIFIED");
        let asked = Self::ALL.into_iter().find(|operation| operation.name() == name);
        match asked {
            Some(operation) if version == VERSION => Ok(operation),
            _ => {
                let [name, version]: [String; 2] =
                    [name, version].map(|text| text.chars().take(64).collect());
                let message = format!(
                    "Could not find operation {name} for version {version}. This server's STS has \
                     GetCallerIdentity and AssumeRoleWithWebIdentity, version {VERSION}."
                );
                refused(StsErrorCode::InvalidAction, message)
            }
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GetCallerIdentity => "GetCallerIdentity",
            Self::AssumeRoleWithWebIdentity => "AssumeRoleWithWebIdentity",
        }
    }
}
