//! The operation of a request, and its service.

use crate::{ErrorCode, Structure, gangplank, lightsail};

/// An operation of one of the two services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// An operation of Lightsail's.
    Lightsail(lightsail::Operation),
    /// An operation of our own.
    Gangplank(gangplank::Operation),
}

impl Target {
    /// The operation that an `X-Amz-Target` header names.
    pub fn parse(target: &str) -> Option<Self> {
        lightsail::Operation::from_target(target)
            .map(Self::Lightsail)
            .or_else(|| gangplank::Operation::from_target(target).map(Self::Gangplank))
    }

    /// The name of the operation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lightsail(operation) => operation.name(),
            Self::Gangplank(operation) => operation.name(),
        }
    }

    /// Whether it changes nothing. The name decides, as it does in policies.
    pub fn only_reads(self) -> bool {
        ["Get", "List", "Try"].iter().any(|verb| self.name().starts_with(verb))
    }

    /// The `X-Amz-Target` header of the operation.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lightsail(operation) => operation.target(),
            Self::Gangplank(operation) => operation.target(),
        }
    }

    /// What it takes.
    pub const fn input(self) -> &'static Structure {
        match self {
            Self::Lightsail(operation) => operation.input(),
            Self::Gangplank(operation) => operation.input(),
        }
    }

    /// What it answers.
    pub const fn output(self) -> &'static Structure {
        match self {
            Self::Lightsail(operation) => operation.output(),
            Self::Gangplank(operation) => operation.output(),
        }
    }

    /// The errors that it is documented to have.
    pub const fn errors(self) -> &'static [ErrorCode] {
        match self {
            Self::Lightsail(operation) => operation.errors(),
            Self::Gangplank(operation) => operation.errors(),
        }
    }

    /// What it does.
    pub const fn documentation(self) -> &'static str {
        match self {
            Self::Lightsail(operation) => operation.documentation(),
            Self::Gangplank(operation) => operation.documentation(),
        }
    }
}

#[cfg(test)]
mod tests {
    use gangplank_core::policy::Action;

    use super::*;

    #[test]
    fn every_operation_has_an_action_that_policies_can_name() {
        let lightsail = lightsail::Operation::ALL.iter().map(|one| ("lightsail", one.name()));
        let gangplank = gangplank::Operation::ALL.iter().map(|one| ("gangplank", one.name()));
        for (service, operation) in lightsail.chain(gangplank) {
            // The first is CreatePullLogin or CreateOperatorLogin in policies, depending on its scope. The second has
            // the same permission as GetRole. The third needs the permissions of the role. The fourth is for holders
            // of the password. A link to the console needs no permission of its own, since it opens nothing that its
            // maker's policies do not allow.
            let without = [
                "CreateRegistryLogin",
                "TryRole",
                "ExchangeIdentityToken",
                "RevokeOwnRegistryLogin",
                "CreateConsoleLink",
            ];
            if !without.contains(&operation) {
                let action = Action::of_operation(operation).map(Action::as_str);
                assert_eq!(action, Some(format!("{service}:{operation}").as_str()));
            }
        }
    }
}
