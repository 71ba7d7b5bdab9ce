//! Registry logins that Lightsail does not have: for pulling, for operating; listed and revoked.

use std::collections::HashMap;

use gangplank_api::gangplank::{
    CreateRegistryLoginRequest, CreateRegistryLoginResult, ListRegistryLoginsRequest,
    ListRegistryLoginsResult, RegistryLoginScope, RegistryLoginStatus, RegistryLoginSummary,
    RevokeRegistryLoginRequest, RevokeRegistryLoginResult,
};
use gangplank_api::{ApiError, Timestamp};
use gangplank_core::{EventKind, LoginId, Scope};
use gangplank_store::metadata::audit::{AuditEvent, AuditFilter, LOOKED_AT};
use gangplank_store::metadata::registry_logins::{LoginSummary, Requires};

use super::issue_login::issue;
use super::{Context, Result};

pub(super) async fn create(
    context: &Context<'_>,
    input: CreateRegistryLoginRequest,
) -> Result<CreateRegistryLoginResult> {
    let scope = match (input.scope, &input.service_name) {
        (None, _) => Scope::PULL,
        (Some(words), None) => scope_of(&words),
        (Some(words), Some(_)) if scope_of(&words) == Scope::PULL => Scope::PULL,
        (Some(_), Some(_)) => {
            return Err(ApiError::invalid_input(
                "A login for one service can only pull: leave out the scope.",
            )
            .into());
        }
    };
    let issued = issue(context, scope, input.service_name, Requires::Nothing).await?;
    Ok(CreateRegistryLoginResult { registry_login: issued.into() })
}

pub(super) async fn list(
    context: &Context<'_>,
    _: ListRegistryLoginsRequest,
) -> Result<ListRegistryLoginsResult> {
    let Context { app, tenant, .. } = context;
    let logins = app.metadata.logins(tenant, app.clock.now()).await?;
    let (account, kind) = (Some(tenant.account.clone()), Some(EventKind::ManifestPushed));
    let pushes = AuditFilter { account, kind, ..AuditFilter::default() };
    let mut last_pushes = HashMap::new();
    for push in app.metadata.audit_events(&pushes, None, LOOKED_AT).await?.events {
        if let Some(login) = push.login {
            // They come newest first.
            last_pushes.entry(login).or_insert(push);
        }
    }
    let shown = logins.into_iter().map(|login| {
        let push = last_pushes.get(&login.id);
        shown(login, push)
    });
    Ok(ListRegistryLoginsResult { registry_logins: shown.collect() })
}

pub(super) async fn revoke(
    context: &Context<'_>,
    input: RevokeRegistryLoginRequest,
) -> Result<RevokeRegistryLoginResult> {
    let Context { app, tenant, .. } = context;
    let revoked = match input.id.parse() {
        Ok(id) => context.noting().revoke_login(tenant, LoginId(id), app.clock.now()).await?,
        Err(_) => false,
    };
    if !revoked {
        return Err(ApiError::not_found(format!("There is no registry login {}.", input.id)).into());
    }
    tracing::info!(%tenant, login = input.id, access_key = %context.access_key, peer = %context.peer, "revoked a registry login");
    Ok(RevokeRegistryLoginResult {})
}

fn scope_of(words: &[RegistryLoginScope]) -> Scope {
    let has = |word| words.contains(&word);
    Scope {
        push: has(RegistryLoginScope::Push),
        pull: has(RegistryLoginScope::Pull),
        delete: has(RegistryLoginScope::Delete),
    }
}

fn shown(login: LoginSummary, last_push: Option<&AuditEvent>) -> RegistryLoginSummary {
    let words = login.scope.words();
    RegistryLoginSummary {
        id: login.id.0.to_string(),
        scope: words.into_iter().filter_map(RegistryLoginScope::parse).collect(),
        service_name: login.service,
        access_key_id: login.access_key.as_str().to_owned(),
        created_at: Timestamp(login.created_at.0),
        expires_at: Timestamp(login.expires_at.0),
        status: match login.revoked_at {
            Some(_) => RegistryLoginStatus::Revoked,
            None => RegistryLoginStatus::Active,
        },
        last_push_at: last_push.map(|push| Timestamp(push.at.0)),
        last_push_address: last_push.and_then(|push| push.address.clone()),
    }
}
