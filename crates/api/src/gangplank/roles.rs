//! Roles, which jobs take on by showing an identity token.

use super::page::{MAX_RESULTS, NEXT_TOKEN};
use super::permissions::{
    DESCRIPTION, LOGIN_SECONDS, NETWORKS, POLICY, PermissionPreset, REPOSITORIES, SERVICES, check_list,
    check_permissions,
};
use crate::describe::Map;
use crate::macros::{enumeration, structure};
use crate::pattern::{IDENTIFIER, NOT_BLANK, ROLE_NAME as ROLE_NAME_FORM};
use crate::{ApiError, Range, Secret, Shape, Timestamp};

pub(super) const ROLE_NAME: Shape =
    Shape::text("RoleName", Range { min: Some(1), max: Some(64) }, &ROLE_NAME_FORM);
const SESSION_SECONDS: Shape = Shape::integer("SessionSeconds", 900, 43_200);
const SESSION_KEY: Shape =
    Shape::text("TemporaryKeyId", Range { min: Some(16), max: Some(128) }, &IDENTIFIER);
const ISSUER: Shape = Shape::text("IssuerUrl", Range { min: Some(1), max: Some(512) }, &NOT_BLANK);
const AUDIENCE: Shape = Shape::text("Audience", Range { min: Some(1), max: Some(512) }, &NOT_BLANK);
/// An identity token. (STS: `WebIdentityToken`.)
pub(super) const IDENTITY_TOKEN: Shape =
    Shape::text("IdentityToken", Range { min: Some(4), max: Some(20_000) }, &NOT_BLANK);

enumeration! {
    /// Whether a role can be assumed.
    pub enum RoleStatus {
        /// The role can be assumed.
        Active,
        /// The role cannot be assumed, and its sessions and logins have ended.
        Disabled,
    }
}

structure! {
    /// The tokens that open a role. The server makes the trust policy from it.
    pub struct RoleTrust: Default {
        /// The issuer of the tokens, one of those that the server is configured with.
        "issuer" issuer: String as &ISSUER,
        /// The audience of the tokens; the only one that is configured for the issuer if not given.
        "audience" audience: Option<String> as &AUDIENCE,
        /// The values that claims of a token must have. A value with * or ? is a pattern.
        "claims" claims: Map<String>,
        /// The values that claims of a token must not have.
        "refusedClaims" refused_claims: Option<Map<Vec<String>>>,
    }
}

structure! {
    /// The role to make: with a trust or a trust policy, and with a preset or a policy.
    pub struct CreateRoleRequest: Default, check check_create {
        /// The name, 1 to 64 letters, digits and + = , . @ _ -.
        "roleName" role_name: String as &ROLE_NAME,
        /// The tokens that open it.
        "trust" trust: Option<RoleTrust>,
        /// The tokens that open it, as a trust policy in IAM's language.
        "trustPolicy" trust_policy: Option<String> as &POLICY,
        /// What it may do, by the name of a preset; push if neither this nor a policy is given.
        "preset" preset: Option<PermissionPreset>,
        /// What it may do, as a policy in IAM's language.
        "policy" policy: Option<String> as &POLICY,
        /// The services that the preset is about: names, in which * matches any characters and ? one.
        "services" services: Option<Vec<String>> as &SERVICES,
        /// The repositories that its logins are for: names, in which * matches within a segment and ** across
        /// segments.
        "repositories" repositories: Option<Vec<String>> as &REPOSITORIES,
        /// The networks that it may be assumed from, and that its sessions and logins are accepted from.
        "sourceNetworks" source_networks: Option<Vec<String>> as &NETWORKS,
        /// The longest life of its sessions, 900 to 43200 seconds; 3600 if not given.
        "maxSessionSeconds" max_session_seconds: Option<i32> as &SESSION_SECONDS,
        /// The longest life of its logins, 60 to 43200 seconds; until the session ends if not given.
        "maxLoginSeconds" max_login_seconds: Option<i32> as &LOGIN_SECONDS,
        /// A description in the maker's own words.
        "description" description: Option<String> as &DESCRIPTION,
    }
}

structure! {
    /// The role that was made.
    pub struct CreateRoleResult {
        /// The role.
        "role" role: Role,
    }
}

structure! {
    /// A role.
    pub struct Role {
        /// Its name.
        "roleName" role_name: String,
        /// Its ARN, with which clients assume it.
        "arn" arn: String,
        /// The account that it belongs to.
        "account" account: String,
        /// Whether it can be assumed.
        "status" status: RoleStatus,
        /// When it was made.
        "createdAt" created_at: Timestamp,
        /// When it was last assumed, to the minute.
        "lastUsedAt" last_used_at: Option<Timestamp>,
        /// The key that made it, if one did.
        "createdBy" created_by: Option<String>,
        /// A description in the maker's own words.
        "description" description: Option<String>,
        /// The tokens that open it, as a trust policy.
        "trustPolicy" trust_policy: String,
        /// What it may do, as a policy.
        "policy" policy: String,
        /// The repositories that its logins are for; without any, all.
        "repositories" repositories: Option<Vec<String>>,
        /// The networks that it is accepted from; without any, all.
        "sourceNetworks" source_networks: Option<Vec<String>>,
        /// The longest life of its sessions, in seconds.
        "maxSessionSeconds" max_session_seconds: i32,
        /// The longest life of its logins, in seconds; until the session ends if not given.
        "maxLoginSeconds" max_login_seconds: Option<i32>,
        /// Claims of its first token that every later token must have too, so that a new owner of a repository's name
        /// cannot open it.
        "rememberedClaims" remembered_claims: Option<Map<String>>,
    }
}

structure! {
    /// Which role to show.
    pub struct GetRoleRequest: Default {
        /// The name of the role.
        "roleName" role_name: String as &ROLE_NAME,
    }
}

structure! {
    /// The role.
    pub struct GetRoleResult {
        /// The role.
        "role" role: Role,
    }
}

structure! {
    /// The page of the account's roles to show.
    pub struct ListRolesRequest: Default {
        /// How many roles to show at the most; up to 1000 if not given.
        "maxResults" max_results: Option<i32> as &MAX_RESULTS,
        /// The nextToken of the page before.
        "nextToken" next_token: Option<String> as &NEXT_TOKEN,
    }
}

structure! {
    /// The roles of the account.
    pub struct ListRolesResult: Default {
        /// The roles, by name.
        "roles" roles: Vec<Role>,
        /// The token for the next page, if there is one.
        "nextToken" next_token: Option<String>,
    }
}

structure! {
    /// The change to a role.
    pub struct UpdateRoleRequest {
        /// The name of the role.
        "roleName" role_name: String as &ROLE_NAME,
        /// Whether it can be assumed from now on. Sessions and logins that ended stay ended.
        "status" status: RoleStatus,
    }
}

structure! {
    /// Nothing: the role is changed.
    pub struct UpdateRoleResult: Default {}
}

structure! {
    /// Which role to delete.
    pub struct DeleteRoleRequest: Default {
        /// The name of the role.
        "roleName" role_name: String as &ROLE_NAME,
    }
}

structure! {
    /// Nothing: the role is gone, and its sessions and logins have ended.
    pub struct DeleteRoleResult: Default {}
}

structure! {
    /// The page of a role's sessions to show.
    pub struct ListRoleSessionsRequest: Default {
        /// The name of the role.
        "roleName" role_name: String as &ROLE_NAME,
        /// How many sessions to show at the most; up to 1000 if not given.
        "maxResults" max_results: Option<i32> as &MAX_RESULTS,
        /// The nextToken of the page before.
        "nextToken" next_token: Option<String> as &NEXT_TOKEN,
    }
}

structure! {
    /// The sessions of a role that have not ended.
    pub struct ListRoleSessionsResult: Default {
        /// The sessions, the newest first; a page may be empty although another follows.
        "roleSessions" role_sessions: Vec<RoleSession>,
        /// The token for the next page, if there is one.
        "nextToken" next_token: Option<String>,
    }
}

structure! {
    /// A session of a role, without its secrets.
    pub struct RoleSession {
        /// The id of its temporary key, with which it can be revoked.
        "accessKeyId" access_key_id: String as &SESSION_KEY,
        /// The name that its maker gave it.
        "sessionName" session_name: String,
        /// When it began.
        "createdAt" created_at: Timestamp,
        /// When it ends.
        "expiresAt" expires_at: Timestamp,
        /// The claims of its token that are recorded.
        "claims" claims: Map<String>,
    }
}

structure! {
    /// Which session to revoke.
    pub struct RevokeRoleSessionRequest: Default {
        /// The name of the role.
        "roleName" role_name: String as &ROLE_NAME,
        /// The id of the session's temporary key.
        "accessKeyId" access_key_id: String as &SESSION_KEY,
    }
}

structure! {
    /// Nothing: the session and its logins have ended.
    pub struct RevokeRoleSessionResult: Default {}
}

structure! {
    /// The token to test on a role. No key is issued, and no claim is recorded.
    pub struct TryRoleRequest {
        /// The name of the role.
        "roleName" role_name: String as &ROLE_NAME,
        /// The token.
        "identityToken" identity_token: Secret as &IDENTITY_TOKEN,
    }
}

structure! {
    /// Whether the token opens the role, and why.
    pub struct TryRoleResult: Default {
        /// Whether the token opens the role.
        "trusted" trusted: bool,
        /// The reason for which the token does not open the role, if it does not.
        "reason" reason: Option<String>,
        /// The conditions on the claims, in the order of the trust policy. Empty if the token itself is not valid.
        "checks" checks: Vec<RoleCheck>,
        /// The claims of the token, if it is valid.
        "claims" claims: Option<Map<String>>,
    }
}

structure! {
    /// One condition of a trust policy, compared with a token.
    pub struct RoleCheck: Default {
        /// The effect of the statement if all its conditions hold: Allow or Deny.
        "effect" effect: String,
        /// The number of the statement in the policy, from 1.
        "statement" statement: i32,
        /// The key that was looked at, such as that of a claim.
        "subject" subject: String,
        /// The operator of the comparison.
        "operator" operator: String,
        /// The values in the policy.
        "wanted" wanted: Vec<String>,
        /// The value in the token; missing if it has no such claim.
        "found" found: Option<String>,
        /// Whether the condition holds.
        "holds" holds: bool,
    }
}

fn check_create(request: &CreateRoleRequest) -> Result<(), ApiError> {
    if request.trust.is_some() == request.trust_policy.is_some() {
        return Err(ApiError::invalid_input("Exactly one of trust and trustPolicy is required."));
    }
    check_list("services", request.services.as_deref())?;
    check_list("repositories", request.repositories.as_deref())?;
    check_list("sourceNetworks", request.source_networks.as_deref())?;
    check_permissions(request.preset, request.policy.as_deref(), request.services.as_deref())
}
