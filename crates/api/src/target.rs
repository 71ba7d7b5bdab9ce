//! Which operation of which service a request asks for.

use crate::{ErrorCode, Structure, gangplank, lightsail};

/// An operation of one of the two services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// An operation of Lightsail.
    Lightsail(lightsail::Operation),
    /// An operation of our own.
    Gangplank(gangplank::Operation),
}

impl Target {
    /// The operation that an `X-Amz-Target` header asks for.
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

    /// Whether the operation changes nothing. The operation's name shows this, and policies use the same rule.
    pub fn only_reads(self) -> bool {
        ["Get", "List", "Try"].iter().any(|verb| self.name().starts_with(verb))
    }

    /// Whether calls of the operation are signed. Otherwise a token or a password proves who calls.
    pub const fn is_signed(self) -> bool {
        use gangplank::Operation::{ExchangeIdentityToken, RevokeOwnRegistryLogin};
        !matches!(self, Self::Gangplank(ExchangeIdentityToken | RevokeOwnRegistryLogin))
    }

    /// The `X-Amz-Target` header that asks for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lightsail(operation) => operation.target(),
            Self::Gangplank(operation) => operation.target(),
        }
    }

    /// The input of the operation.
    pub const fn input(self) -> &'static Structure {
        match self {
            Self::Lightsail(operation) => operation.input(),
            Self::Gangplank(operation) => operation.input(),
        }
    }

    /// The output of the operation.
    pub const fn output(self) -> &'static Structure {
        match self {
            Self::Lightsail(operation) => operation.output(),
            Self::Gangplank(operation) => operation.output(),
        }
    }

    /// The errors it is documented to answer with.
    pub const fn errors(self) -> &'static [ErrorCode] {
        match self {
            Self::Lightsail(operation) => operation.errors(),
            Self::Gangplank(operation) => operation.errors(),
        }
    }

    /// The description of the operation.
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
            // `CreateRegistryLogin` is two actions in policies, by the login that it makes. `TryRole` shows what
            // `GetRole` shows. `ExchangeIdentityToken` needs the role's permission for the login. The holder of a
            // password may always end its login. A link to the console opens only what its maker's policies open.
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
