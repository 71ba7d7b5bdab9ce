//! The list of all actions, and the patterns with which policies name them.
//!
//! Amazon's service authorization reference says which of Lightsail's actions have a resource. Our own actions are
//! named after the operations of our API.

use std::fmt;

use super::pattern::{Grammar, Pattern};
use crate::json::Quoted;
use crate::tenant::Tenant;

/// The resource of an action's request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceType {
    /// No single resource, but all of an account: `arn:aws:SERVICE:REGION:ACCOUNT:*`.
    Tenant,
    /// A container service, by its id.
    ContainerService,
}

#[derive(Clone, Copy)]
struct Entry {
    name: &'static str,
    resource: ResourceType,
    names_service: bool,
    names_repository: bool,
}

macro_rules! actions {
    ($($(#[doc = $doc:literal])+ $variant:ident = $service:literal, $resource:ident $(, $fact:ident)*;)+) => {
        /// An action of the API, as policies name it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Action {
            /// All actions.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            const fn entry(self) -> Entry {
                match self {
                    $(Self::$variant => Entry {
                        name: concat!($service, ":", stringify!($variant)),
                        resource: ResourceType::$resource,
                        names_service: false $(|| actions!(@ $fact) == actions!(@ service))*,
                        names_repository: false $(|| actions!(@ $fact) == actions!(@ repository))*,
                    },)+
                }
            }
        }
    };
    (@ service) => { 1 };
    (@ repository) => { 2 };
}

actions! {
    /// Asks for a certificate.
    CreateCertificate = "lightsail", Tenant;
    /// Makes a container service.
    CreateContainerService = "lightsail", Tenant, service;
    /// Runs images on a service.
    CreateContainerServiceDeployment = "lightsail", ContainerService, service;
    /// Makes a push login.
    CreateContainerServiceRegistryLogin = "lightsail", Tenant;
    /// Deletes a certificate.
    DeleteCertificate = "lightsail", Tenant;
    /// Removes a registered image from its service.
    DeleteContainerImage = "lightsail", ContainerService, service;
    /// Deletes a service.
    DeleteContainerService = "lightsail", ContainerService, service;
    /// Shows certificates.
    GetCertificates = "lightsail", Tenant;
    /// Shows facts about the API.
    GetContainerAPIMetadata = "lightsail", Tenant;
    /// Shows registered images.
    GetContainerImages = "lightsail", Tenant, service;
    /// Shows the output of a container.
    GetContainerLog = "lightsail", Tenant, service;
    /// Shows deployments.
    GetContainerServiceDeployments = "lightsail", Tenant, service;
    /// Shows the resources that a service has used.
    GetContainerServiceMetricData = "lightsail", Tenant, service;
    /// Shows the powers that services can have.
    GetContainerServicePowers = "lightsail", Tenant;
    /// Shows one service, or all.
    GetContainerServices = "lightsail", Tenant, service;
    /// Registers an image on a service.
    RegisterContainerImage = "lightsail", ContainerService, service, repository;
    /// Adds tags to a service.
    TagResource = "lightsail", ContainerService, service;
    /// Removes tags from a service.
    UntagResource = "lightsail", ContainerService, service;
    /// Changes a service.
    UpdateContainerService = "lightsail", ContainerService, service;
    /// Collects garbage on the whole server.
    CollectGarbage = "gangplank", Tenant;
    /// Makes an access key.
    CreateAccessKey = "gangplank", Tenant;
    /// Makes an image index in a repository.
    CreateImageIndex = "gangplank", Tenant, repository;
    /// Makes a registry login for an operator (`CreateRegistryLogin` without a service).
    CreateOperatorLogin = "gangplank", Tenant;
    /// Makes a login that pulls a service's images (`CreateRegistryLogin` with a service).
    CreatePullLogin = "gangplank", ContainerService, service;
    /// Makes a role.
    CreateRole = "gangplank", Tenant;
    /// Deletes an access key.
    DeleteAccessKey = "gangplank", Tenant;
    /// Deletes a role.
    DeleteRole = "gangplank", Tenant;
    /// Shows where an image came from.
    GetImageOrigin = "gangplank", Tenant, service;
    /// Shows a manifest.
    GetManifest = "gangplank", Tenant, repository;
    /// Shows a role.
    GetRole = "gangplank", Tenant;
    /// Shows the state of the server.
    GetServerHealth = "gangplank", Tenant;
    /// Shows access keys.
    ListAccessKeys = "gangplank", Tenant;
    /// Shows the audit trail.
    ListAuditEvents = "gangplank", Tenant;
    /// Shows the manifests of a repository.
    ListManifests = "gangplank", Tenant, repository;
    /// Shows registry logins.
    ListRegistryLogins = "gangplank", Tenant;
    /// Shows repositories.
    ListRepositories = "gangplank", Tenant;
    /// Shows roles.
    ListRoles = "gangplank", Tenant;
    /// Shows the sessions of a role.
    ListRoleSessions = "gangplank", Tenant;
    /// Ends a registry login.
    RevokeRegistryLogin = "gangplank", Tenant;
    /// Ends a session of a role.
    RevokeRoleSession = "gangplank", Tenant;
    /// Changes an access key.
    UpdateAccessKey = "gangplank", Tenant;
    /// Changes a role.
    UpdateRole = "gangplank", Tenant;
}

impl Action {
    /// Its name in policies, such as `lightsail:RegisterContainerImage`.
    pub const fn as_str(self) -> &'static str {
        self.entry().name
    }

    /// The service, and the name within the service.
    fn parts(self) -> (&'static str, &'static str) {
        self.as_str().split_once(':').unwrap_or_default()
    }

    /// The action of an operation. `None` for `CreateRegistryLogin`, whose action depends on the kind of login, and
    /// for `TryRole`, which needs the action that shows a role.
    pub fn of_operation(operation: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.parts().1 == operation)
    }

    /// The resource type of its requests.
    pub const fn resource_type(self) -> ResourceType {
        self.entry().resource
    }

    /// Whether its request can name a container service, which then is `gangplank:ServiceName`.
    pub const fn names_service(self) -> bool {
        self.entry().names_service
    }

    /// Whether its request concerns repositories, which then are `gangplank:Repository`.
    pub const fn names_repository(self) -> bool {
        self.entry().names_repository
    }

    /// Whether it makes, changes or deletes access keys or roles, or ends a role's session. A caller with a policy or
    /// limits may never do that.
    pub const fn changes_principals(self) -> bool {
        matches!(
            self,
            Self::CreateAccessKey
                | Self::UpdateAccessKey
                | Self::DeleteAccessKey
                | Self::CreateRole
                | Self::UpdateRole
                | Self::DeleteRole
                | Self::RevokeRoleSession
        )
    }

    /// The ARN of a request's resource in `tenant`. `service` is the id of the container service that it names. If
    /// the service is not known, the ARN is one that no service has.
    pub fn resource(self, tenant: &Tenant, service: Option<&str>) -> String {
        let Tenant { account, region } = tenant;
        match self.resource_type() {
            ResourceType::Tenant => format!("arn:aws:{}:{region}:{account}:*", self.parts().0),
            ResourceType::ContainerService => {
                let id = service.unwrap_or("*none*");
                format!("arn:aws:lightsail:{region}:{account}:ContainerService/{id}")
            }
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The action in trust policies.
pub(super) const ASSUME: &str = "sts:AssumeRoleWithWebIdentity";

/// An action that Amazon's trust policies also name. It is never requested here.
const TAG_SESSION: &str = "sts:TagSession";

/// An action, or a pattern of actions, in a policy. Case does not matter.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ActionPattern {
    pub(super) text: String,
    pattern: Pattern,
}

impl ActionPattern {
    /// Reads an action of a permission policy.
    pub(super) fn of_permission(text: &str) -> Result<Self, String> {
        let read = Self::read(text)?;
        if text == "*" || Action::ALL.iter().any(|action| read.matches(action.as_str())) {
            return Ok(read);
        }
        let known = "Actions are lightsail: or gangplank: and the name of an operation, such as \
                     lightsail:RegisterContainerImage";
        Err(format!("is {}, which is no action of this server. {known}", Quoted(text)))
    }

    /// Reads an action of a trust policy.
    pub(super) fn of_trust(text: &str) -> Result<Self, String> {
        let read = Self::read(text)?;
        if text != "*" && (read.matches(ASSUME) || read.matches(TAG_SESSION)) {
            return Ok(read);
        }
        Err(format!("is {}, but a trust policy is about {ASSUME}", Quoted(text)))
    }

    fn read(text: &str) -> Result<Self, String> {
        let Some((service, _)) = text.split_once(':').or((text == "*").then_some(("", ""))) else {
            return Err(format!("is {}, which has no service before a colon", Quoted(text)));
        };
        if service.contains(['*', '?']) {
            return Err(format!("is {}, but the service before the colon can be no pattern", Quoted(text)));
        }
        if text.contains("${") {
            return Err(format!("is {}, but no variable can stand in an action", Quoted(text)));
        }
        Ok(Self {
            text: text.to_owned(),
            pattern: Pattern::parse(&text.to_ascii_lowercase(), Grammar::Like)?,
        })
    }

    /// Whether it matches an action in lower case.
    pub(super) fn matches_folded(&self, action: &str) -> bool {
        self.pattern.matches_plain(action)
    }

    fn matches(&self, action: &str) -> bool {
        self.matches_folded(&action.to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenant::{AccountId, Region};

    fn names(text: &str) -> usize {
        let pattern = ActionPattern::of_permission(text).unwrap();
        Action::ALL.iter().filter(|action| pattern.matches(action.as_str())).count()
    }

    #[test]
    fn patterns_name_actions_in_any_case() {
        assert_eq!(names("lightsail:RegisterContainerImage"), 1);
        assert_eq!(names("LIGHTSAIL:registercontainerimage"), 1);
        assert_eq!(names("lightsail:Get*"), 8);
        assert_eq!(names("gangplank:?etRole"), 1);
        assert_eq!(names("gangplank:*Role*"), 7);
        assert_eq!(names("lightsail:*"), 19);
        assert_eq!(names("*"), Action::ALL.len());
    }

    #[test]
    fn what_no_operation_is_called_is_refused() {
        for text in [
            "",
            ":",
            "lightsail:",
            "lightsail",
            "RegisterContainerImage",
            "ecr:PutImage",
            "s3:*",
            "light*:Get*",
            "?ightsail:*",
            "**:*",
            "**",
            "light*",
            "lightsail:RegisterContainerImages",
            "lightsail:Get",
            " lightsail:Get*",
            "lightsail:Get*:x",
            "gangplank:CreateRegistryLogin",
            "lightsail:${aws:userid}",
        ] {
            assert!(ActionPattern::of_permission(text).is_err(), "{text}");
        }
        for text in ["*", "sts:AssumeRole", "lightsail:*", "", "sts:"] {
            assert!(ActionPattern::of_trust(text).is_err(), "{text}");
        }
        for text in ["sts:AssumeRoleWithWebIdentity", "sts:*", "STS:AssumeRole*", "sts:TagSession"] {
            assert!(ActionPattern::of_trust(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn operations_have_one_action_each() {
        for action in Action::ALL {
            let (_, operation) = action.parts();
            assert_eq!(Action::of_operation(operation), Some(*action));
        }
        assert_eq!(Action::of_operation("CreateRegistryLogin"), None);
    }

    #[test]
    fn a_request_without_a_resource_of_its_own_names_the_tenant() {
        let tenant = Tenant { account: AccountId::root(), region: Region::default_region() };
        assert_eq!(
            Action::GetContainerImages.resource(&tenant, Some("1-2")),
            "arn:aws:lightsail:us-east-1:000000000000:*"
        );
        assert_eq!(
            Action::RegisterContainerImage.resource(&tenant, Some("1-2")),
            "arn:aws:lightsail:us-east-1:000000000000:ContainerService/1-2"
        );
        assert_eq!(
            Action::RegisterContainerImage.resource(&tenant, None),
            "arn:aws:lightsail:us-east-1:000000000000:ContainerService/*none*"
        );
        assert_eq!(Action::ListRoles.resource(&tenant, None), "arn:aws:gangplank:us-east-1:000000000000:*");
    }
}
