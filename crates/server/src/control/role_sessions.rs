//! Sessions of a role: lists them, and revokes one. Deleting the role ends all of them.

use gangplank_api::gangplank::{
    ListRoleSessionsRequest, ListRoleSessionsResult, RevokeRoleSessionRequest, RevokeRoleSessionResult,
    RoleSession,
};
use gangplank_api::{ApiError, Timestamp};
use gangplank_core::AccessKeyId;
use gangplank_store::metadata::role_sessions as store;

use super::page::{limit, number};
use super::{Context, Result, roles};

pub(super) async fn list(
    context: &Context<'_>,
    input: ListRoleSessionsRequest,
) -> Result<ListRoleSessionsResult> {
    let role = roles::require(context, &input.role_name).await?;
    let before = input.next_token.as_deref().map(|token| number(token, "nextToken")).transpose()?;
    let (app, now, limit) = (context.app, context.app.clock.now(), limit(input.max_results));
    let page = app.metadata.sessions(&role.account, &role.name, now, before, limit).await?;
    Ok(ListRoleSessionsResult {
        role_sessions: page.sessions.into_iter().map(shown).collect(),
        next_token: page.more.map(|number| number.to_string()),
    })
}

pub(super) async fn revoke(
    context: &Context<'_>,
    input: RevokeRoleSessionRequest,
) -> Result<RevokeRoleSessionResult> {
    let role = roles::require(context, &input.role_name).await?;
    let (app, account, now) = (context.app, &role.account, context.app.clock.now());
    let revoked = match AccessKeyId::parse(&input.access_key_id) {
        Ok(key) => app.metadata.revoke_session(&context.origin(), account, &role.name, &key, now).await?,
        Err(_) => false,
    };
    if !revoked {
        let message = format!("The role {} has no session {}.", role.name, input.access_key_id);
        return Err(ApiError::not_found(message).into());
    }
    // The unfinished uploads of the session's logins are garbage now.
    app.discarded.notify_one();
    tracing::info!(%account, role = %role.name, session = input.access_key_id, access_key = %context.owner(), peer = %context.peer(), "revoked a session of a role");
    Ok(RevokeRoleSessionResult {})
}

fn shown(session: store::RoleSession) -> RoleSession {
    RoleSession {
        access_key_id: session.key.as_str().to_owned(),
        session_name: session.name.as_str().to_owned(),
        created_at: Timestamp(session.created_at.0),
        expires_at: Timestamp(session.expires_at.0),
        claims: session.claims,
    }
}
