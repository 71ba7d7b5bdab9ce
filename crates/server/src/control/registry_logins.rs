//! Registry logins that Lightsail lacks: logins that pull and logins for operators. They can also be listed and
//! revoked.

use gangplank_api::gangplank::{
    CreateRegistryLoginRequest, CreateRegistryLoginResult, ListRegistryLoginsRequest,
    ListRegistryLoginsResult, RegistryLoginScope, RegistryLoginStatus, RegistryLoginSummary,
    RevokeRegistryLoginRequest, RevokeRegistryLoginResult,
};
use gangplank_api::{ApiError, Timestamp};
use gangplank_core::{LoginId, Scope};
use gangplank_store::metadata::registry_logins::{LoginSummary, Requires};

use super::authorize::Named;
use super::container_service::require;
use super::issue_login::{Narrower, issue};
use super::page::{limit, number};
use super::{Context, Result, limits_wire};
use crate::jobs;
use crate::refusals::Taken;

/// The thing that policies are asked about for a new login.
pub(super) fn named(input: &CreateRegistryLoginRequest) -> Named<'_> {
    match (&input.service_name, input.scope.as_deref()) {
        (Some(name), _) => Named::Service(name),
        (None, Some([RegistryLoginScope::Push])) => Named::PushLogin,
        _ => Named::Tenant,
    }
}

pub(super) async fn create(
    context: &Context<'_>,
    input: CreateRegistryLoginRequest,
) -> Result<CreateRegistryLoginResult> {
    let service = input.service_name.as_deref().map(|name| require(context, name)).transpose()?;
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
    let narrower = Narrower::read(input.life_seconds, input.repositories, input.source_networks)?;
    let issued = issue(context, scope, service, Requires::Nothing, narrower).await?;
    Ok(CreateRegistryLoginResult { registry_login: issued.into() })
}

pub(super) async fn list(
    context: &Context<'_>,
    input: ListRegistryLoginsRequest,
) -> Result<ListRegistryLoginsResult> {
    let Context { app, tenant, .. } = context;
    let before = input.next_token.as_deref().map(|token| number(token, "nextToken")).transpose()?;
    // The list has to show even the latest uses.
    jobs::audit::note_use(app, Taken::All).await;
    let (now, limit) = (app.clock.now(), limit(input.max_results));
    let page = app.metadata.logins(tenant, now, before.map(LoginId), limit).await?;
    Ok(ListRegistryLoginsResult {
        registry_logins: page.logins.into_iter().map(shown).collect(),
        next_token: page.more.map(|login| login.0.to_string()),
    })
}

pub(super) async fn revoke(
    context: &Context<'_>,
    input: RevokeRegistryLoginRequest,
) -> Result<RevokeRegistryLoginResult> {
    let Context { app, tenant, .. } = context;
    let revoked = match input.id.parse() {
        Ok(id) => app.metadata.revoke_login(&context.origin(), tenant, LoginId(id), app.clock.now()).await?,
        Err(_) => false,
    };
    if !revoked {
        return Err(ApiError::not_found(format!("There is no registry login {}.", input.id)).into());
    }
    // The unfinished uploads of the login are garbage now.
    app.discarded.notify_one();
    tracing::info!(%tenant, login = input.id, access_key = %context.owner(), peer = %context.peer(), "revoked a registry login");
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

fn shown(login: LoginSummary) -> RegistryLoginSummary {
    let words = login.scope.words();
    let source = login.session.and_then(|(_, source)| source);
    let (session, claims) = source.map(|source| (source.name, source.claims)).unzip();
    RegistryLoginSummary {
        id: login.id.0.to_string(),
        scope: words.into_iter().filter_map(RegistryLoginScope::parse).collect(),
        service_name: login.service,
        access_key_id: login.owner.access_key().map(|key| key.as_str().to_owned()),
        role_name: login.owner.as_role().map(|(name, _)| name.as_str().to_owned()),
        session_name: session.map(|name| name.as_str().to_owned()),
        claims: claims.filter(|claims| !claims.is_empty()),
        repositories: limits_wire::repositories(&login.reach),
        source_networks: limits_wire::networks(&login.reach),
        created_at: Timestamp(login.created_at.0),
        expires_at: Timestamp(login.expires_at.0),
        status: match login.revoked_at {
            Some(_) => RegistryLoginStatus::Revoked,
            None => RegistryLoginStatus::Active,
        },
        last_used_at: login.last_used_at.map(|at| Timestamp(at.0)),
        last_push_at: login.last_push.map(|push| Timestamp(push.at.0)),
        last_push_address: login.last_push.map(|push| push.address.to_string()),
    }
}
