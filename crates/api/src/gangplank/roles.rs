//! Roles: what jobs become that show an identity token.

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
        /// It can.
        Active,
        /// It cannot; its sessions and logins have ended.
        Disabled,
    }
}

structure! {
    /// Whose tokens open a role. The server writes the trust policy from it.
    pub struct RoleTrust: Default {
        /// The issuer of the tokens, one of those that the server is configured with.
        "issuer" issuer: String as &ISSUER,
        /// The audience of the tokens; the only one that is configured for the issuer if not given.
        "audience" audience: Option<String> as &AUDIENCE,
        /// What claims of a token must be. A value with * or ? is a pattern.
        "claims" claims: Map<String>,
        /// What claims of a token must not be.
        "refusedClaims" refused_claims: Option<Map<Vec<String>>>,
    }
}

structure! {
    /// The role to make: with a trust or a trust policy, and with a preset or a policy.
    pub struct CreateRoleRequest: Default, check check_create {
        /// The name, 1 to 64 letters, digits and + = , . @ _ -.
        "roleName" role_name: String as &ROLE_NAME,
        /// Whose tokens open it.
        "trust" trust: Option<RoleTrust>,
        /// Whose tokens open it, as a trust policy in IAM's language.
        "trustPolicy" trust_policy: Option<String> as &POLICY,
        /// What it may do, by name; push if neither this nor a policy is given.
        "preset" preset: Option<PermissionPreset>,
        /// What it may do, as a policy in IAM's language.
        "policy" policy: Option<String> as &POLICY,
        /// The services that the preset is about: names, in which * stands for any characters and ? for one.
        "services" services: Option<Vec<String>> as &SERVICES,
        /// The repositories that its logins are for: names, in which * stays within a segment and ** crosses.
        "repositories" repositories: Option<Vec<String>> as &REPOSITORIES,
        /// The networks that it is assumed from, and that its sessions and logins are accepted from.
        "sourceNetworks" source_networks: Option<Vec<String>> as &NETWORKS,
        /// How many seconds its sessions live at the most, 900 to 43200; 3600 if not given.
        "maxSessionSeconds" max_session_seconds: Option<i32> as &SESSION_SECONDS,
        /// How many seconds its logins live at the most, 60 to 43200; until the session ends if not given.
        "maxLoginSeconds" max_login_seconds: Option<i32> as &LOGIN_SECONDS,
        /// What it is for, in the words of who makes it.
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
        /// Its ARN, which clients assume it by.
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
        /// What it is for, in the words of who made it.
        "description" description: Option<String>,
        /// Whose tokens open it, as a trust policy.
        "trustPolicy" trust_policy: String,
        /// What it may do, as a policy.
        "policy" policy: String,
        /// The repositories that its logins are for; without any, all.
        "repositories" repositories: Option<Vec<String>>,
        /// The networks that it is accepted from; without any, all.
        "sourceNetworks" source_networks: Option<Vec<String>>,
        /// How many seconds its sessions live at the most.
        "maxSessionSeconds" max_session_seconds: i32,
        /// How many seconds its logins live at the most; until the session ends if not given.
        "maxLoginSeconds" max_login_seconds: Option<i32>,
        /// The claims of its first token that every later one must have too, so that a name that is taken anew does not
        /// open it.
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
    /// Which page of the roles of the account to show.
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
        /// What to ask for the next page with, if there is one.
        "nextToken" next_token: Option<String>,
    }
}

structure! {
    /// What to change on a role.
    pub struct UpdateRoleRequest {
        /// The name of the role.
        "roleName" role_name: String as &ROLE_NAME,
        /// Whether it can be assumed from now on. What ended with it stays ended.
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
    /// Which page of the sessions of a role to show.
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
        /// The sessions, the newest first; there may be none on a page that is followed by another.
        "roleSessions" role_sessions: Vec<RoleSession>,
        /// What to ask for the next page with, if there is one.
        "nextToken" next_token: Option<String>,
    }
}

structure! {
    /// A session of a role, without its secrets.
    pub struct RoleSession {
        /// The id of its temporary key, by which it is revoked.
        "accessKeyId" access_key_id: String as &SESSION_KEY,
        /// What its maker called it.
        "sessionName" session_name: String,
        /// When it began.
        "createdAt" created_at: Timestamp,
        /// When it ends.
        "expiresAt" expires_at: Timestamp,
        /// The claims of its token that are kept.
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
    /// The token to try on a role. Nothing is issued, and nothing is remembered.
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
        /// Whether it does.
        "trusted" trusted: bool,
        /// What kept it from opening the role, if anything did.
        "reason" reason: Option<String>,
        /// What was asked of the claims, in the order of the trust policy. None if the token itself is no good.
        "checks" checks: Vec<RoleCheck>,
        /// The claims of the token, if it is a good one.
        "claims" claims: Option<Map<String>>,
    }
}

structure! {
    /// One condition of a trust policy, held against a token.
    pub struct RoleCheck: Default {
        /// What the statement does if all its conditions hold: Allow or Deny.
        "effect" effect: String,
        /// The number of the statement in the policy, from 1.
        "statement" statement: i32,
        /// What was looked at, such as the key of a claim.
        "subject" subject: String,
        /// How it was compared.
        "operator" operator: String,
        /// What the policy names.
        "wanted" wanted: Vec<String>,
        /// What the token has; nothing if it has no such claim.
        "found" found: Option<String>,
        /// Whether it holds.
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
