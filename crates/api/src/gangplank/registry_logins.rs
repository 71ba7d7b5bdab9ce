//! Registry logins of any scope: making, listing and revoking them.

use super::page::{MAX_RESULTS, NEXT_TOKEN};
use super::permissions::{LOGIN_SECONDS, NETWORKS, REPOSITORIES, check_list};
use crate::lightsail::{CONTAINER_SERVICE_NAME, ContainerServiceRegistryLogin};
use crate::macros::{enumeration, structure};
use crate::path::quote;
use crate::pattern::{IDENTIFIER, NOT_BLANK};
use crate::{ApiError, Map, Range, Secret, Shape, Timestamp};

const LOGIN_ID: Shape = Shape::text("RegistryLoginId", Range::ANY, &IDENTIFIER);
const PASSWORD: Shape =
    Shape::text("RegistryLoginPassword", Range { min: Some(1), max: Some(256) }, &NOT_BLANK);

enumeration! {
    /// An action that a registry login may do.
    pub enum RegistryLoginScope {
        /// The login may push images.
        Push = "push",
        /// The login may pull images.
        Pull = "pull",
        /// The login may delete images.
        Delete = "delete",
    }
}

enumeration! {
    /// Whether a registry login is accepted.
    pub enum RegistryLoginStatus {
        /// The login is accepted.
        Active,
        /// The login has expired.
        Expired,
        /// It was revoked before it expired.
        Revoked,
    }
}

structure! {
    /// The registry login to make: at least one of a scope and a service.
    pub struct CreateRegistryLoginRequest: Default, check check_create {
        /// The actions that the login may do; `pull` if only a service is given.
        "scope" scope: Option<Vec<RegistryLoginScope>>,
        /// The one service whose images the login is for.
        "serviceName" service_name: Option<String> as &CONTAINER_SERVICE_NAME,
        /// How many seconds the login lives, 60 to 43200; as long as the caller's limits allow if not given.
        "lifeSeconds" life_seconds: Option<i32> as &LOGIN_SECONDS,
        /// The repositories that the login is for: names, in which * matches within a segment and ** across segments.
        "repositories" repositories: Option<Vec<String>> as &REPOSITORIES,
        /// The networks that the login is accepted from, such as 10.0.0.0/8.
        "sourceNetworks" source_networks: Option<Vec<String>> as &NETWORKS,
    }
}

structure! {
    /// The registry login that was made.
    pub struct CreateRegistryLoginResult: Default {
        /// The login; its password is shown only once.
        "registryLogin" registry_login: ContainerServiceRegistryLogin,
    }
}

structure! {
    /// The page of the account's registry logins to show.
    pub struct ListRegistryLoginsRequest: Default {
        /// How many logins to show at the most; up to 1000 if not given.
        "maxResults" max_results: Option<i32> as &MAX_RESULTS,
        /// The nextToken of the page before.
        "nextToken" next_token: Option<String> as &NEXT_TOKEN,
    }
}

structure! {
    /// The registry logins of the account.
    pub struct ListRegistryLoginsResult: Default {
        /// The logins, the newest first; a page may be empty although another follows.
        "registryLogins" registry_logins: Vec<RegistryLoginSummary>,
        /// The token for the next page, if there is one.
        "nextToken" next_token: Option<String>,
    }
}

structure! {
    /// A registry login without its password.
    pub struct RegistryLoginSummary {
        /// The identifier of the login.
        "id" id: String as &LOGIN_ID,
        /// What it may do.
        "scope" scope: Vec<RegistryLoginScope>,
        /// The one service whose images it is for.
        "serviceName" service_name: Option<String> as &CONTAINER_SERVICE_NAME,
        /// The access key that made it, if one did.
        "accessKeyId" access_key_id: Option<String>,
        /// The role that made it, if one did.
        "roleName" role_name: Option<String>,
        /// The name of the role's session that made it, while the session is known.
        "sessionName" session_name: Option<String>,
        /// The claims that the issuer of the session's token made about the job, while the session is known.
        "claims" claims: Option<Map<String>>,
        /// The repositories that it is for; without any, all.
        "repositories" repositories: Option<Vec<String>>,
        /// The networks that it is accepted from; without any, all.
        "sourceNetworks" source_networks: Option<Vec<String>>,
        /// When it was made.
        "createdAt" created_at: Timestamp,
        /// When it ends.
        "expiresAt" expires_at: Timestamp,
        /// Whether it is accepted.
        "status" status: RegistryLoginStatus,
        /// When it was last used, to the minute.
        "lastUsedAt" last_used_at: Option<Timestamp>,
        /// When it last pushed, to the minute.
        "lastPushAt" last_push_at: Option<Timestamp>,
        /// The address that it last pushed from.
        "lastPushAddress" last_push_address: Option<String>,
    }
}

structure! {
    /// Which registry login to revoke.
    pub struct RevokeRegistryLoginRequest: Default {
        /// The identifier of the login.
        "id" id: String as &LOGIN_ID,
    }
}

structure! {
    /// Nothing: the registry login is no longer accepted.
    pub struct RevokeRegistryLoginResult: Default {}
}

structure! {
    /// The registry login to end, by its password alone.
    pub struct RevokeOwnRegistryLoginRequest {
        /// The password of the login.
        "password" password: Secret as &PASSWORD,
    }
}

structure! {
    /// Nothing: the registry login is no longer accepted.
    pub struct RevokeOwnRegistryLoginResult: Default {}
}

fn check_create(request: &CreateRegistryLoginRequest) -> Result<(), ApiError> {
    check_list("repositories", request.repositories.as_deref())?;
    check_list("sourceNetworks", request.source_networks.as_deref())?;
    let Some(scope) = &request.scope else {
        return match &request.service_name {
            Some(_) => Ok(()),
            None => Err(ApiError::invalid_input("At least one of scope and serviceName is required.")),
        };
    };
    if scope.is_empty() {
        let allowed = RegistryLoginScope::VALUES.join(", ");
        return Err(ApiError::invalid_input(format!("scope is empty; give at least one of: {allowed}")));
    }
    match scope.iter().enumerate().find(|(index, action)| scope[..*index].contains(action)) {
        Some((_, action)) => {
            Err(ApiError::invalid_input(format!("scope has {} twice.", quote(action.as_str()))))
        }
        None => Ok(()),
    }
}
