//! The columns for a list of roles, and for one role.

use gangplank_api::gangplank::{Role, RoleSession};

use crate::terminal::listing::{Cell, Column, Listing};

/// A number of seconds.
fn length(seconds: i32) -> Cell {
    Cell::Length(u64::try_from(seconds).unwrap_or_default())
}

pub(super) const ROLES: Listing<Role> = Listing {
    name: "roles",
    empty: "There are no roles.",
    columns: &[
        Column::new("ROLE", "roleName", |role: &Role| Cell::words(&role.role_name)).bare(),
        Column::new("STATUS", "status", |role| Cell::words(role.status.as_str())),
        Column::new("CREATED", "createdAt", |role| Cell::Time(role.created_at)),
        Column::new("LAST USED", "lastUsedAt", |role| Cell::maybe_time(role.last_used_at)),
        Column::new("SESSION", "maxSessionSeconds", |role| length(role.max_session_seconds)),
        Column::new("LOGIN", "maxLoginSeconds", |role| role.max_login_seconds.map_or(Cell::Nothing, length)),
        Column::new("REPOSITORIES", "repositories", |role| Cell::maybe_several(role.repositories.as_ref())),
        Column::new("FROM", "sourceNetworks", |role| Cell::maybe_several(role.source_networks.as_ref())),
        Column::new("DESCRIPTION", "description", |role| Cell::maybe(role.description.as_deref())),
        Column::not_in_tables("arn", |role| Cell::words(&role.arn)),
    ],
    sentence: None,
};

pub(super) const ROLE: Listing<Role> = Listing {
    name: "role",
    empty: "",
    columns: &[
        Column::new("ROLE", "roleName", |role: &Role| Cell::words(&role.role_name)).bare(),
        Column::new("ARN", "arn", |role| Cell::words(&role.arn)),
        Column::new("ACCOUNT", "account", |role| Cell::words(&role.account)),
        Column::new("STATUS", "status", |role| Cell::words(role.status.as_str())),
        Column::new("CREATED", "createdAt", |role| Cell::Time(role.created_at)),
        Column::new("CREATED BY", "createdBy", |role| Cell::maybe(role.created_by.as_deref())),
        Column::new("LAST USED", "lastUsedAt", |role| Cell::maybe_time(role.last_used_at)),
        Column::new("DESCRIPTION", "description", |role| Cell::maybe(role.description.as_deref())),
        Column::new("MAX SESSION", "maxSessionSeconds", |role| length(role.max_session_seconds)),
        Column::new("MAX LOGIN", "maxLoginSeconds", |role| {
            role.max_login_seconds.map_or(Cell::Nothing, length)
        }),
        Column::new("REPOSITORIES", "repositories", |role| Cell::maybe_several(role.repositories.as_ref())),
        Column::new("FROM", "sourceNetworks", |role| Cell::maybe_several(role.source_networks.as_ref())),
        Column::new("REMEMBERS", "rememberedClaims", |role| {
            role.remembered_claims.as_ref().map_or(Cell::Nothing, |claims| Cell::Named(claims.clone()))
        }),
        Column::new("TRUST POLICY", "trustPolicy", |role| Cell::Document(role.trust_policy.clone())),
        Column::new("POLICY", "policy", |role| Cell::Document(role.policy.clone())),
    ],
    sentence: None,
};

pub(super) const SESSIONS: Listing<RoleSession> = Listing {
    name: "roleSessions",
    empty: "The role has no sessions that have not ended.",
    columns: &[
        Column::new("SESSION", "accessKeyId", |session: &RoleSession| Cell::words(&session.access_key_id))
            .bare(),
        Column::new("NAME", "sessionName", |session| Cell::words(&session.session_name)),
        Column::new("BEGAN", "createdAt", |session| Cell::Time(session.created_at)),
        Column::new("ENDS", "expiresAt", |session| Cell::Time(session.expires_at)),
        Column::new("CLAIMS", "claims", |session| Cell::Named(session.claims.clone())),
    ],
    sentence: None,
};
