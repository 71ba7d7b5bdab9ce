//! Roles, which jobs with an identity token can assume. Each account manages its own.

use gangplank_api::gangplank::{
    CreateRoleRequest, CreateRoleResult, DeleteRoleRequest, DeleteRoleResult, GetRoleRequest, GetRoleResult,
    ListRolesRequest, ListRolesResult, Role, RoleStatus, RoleTrust, UpdateRoleRequest, UpdateRoleResult,
};
use gangplank_api::{ApiError, Timestamp};
use gangplank_core::policy::{Issuer, PolicyError, Preset, TrustPolicy, Trusted};
use gangplank_core::role::DEFAULT_SESSION;
use gangplank_core::{AccountId, Permission, RoleId, RoleName};
use gangplank_store::metadata::roles::{self as store, NewRole, RoleChange, RoleMade};

use super::{Context, Result, limits_wire, page};
use crate::oidc::Issuers;
use crate::sealing::random_bytes;
use crate::terms::{self, Given};

/// The permissions of a role if the request names none.
const DEFAULT: Preset = Preset::Push;

pub(super) async fn create(context: &Context<'_>, input: CreateRoleRequest) -> Result<CreateRoleResult> {
    let Context { app, tenant, .. } = context;
    let account = &tenant.account;
    let trust = match (&input.trust, &input.trust_policy) {
        (Some(trust), _) => policy_of(trust, account, &app.issuers)?,
        (None, text) => {
            TrustPolicy::parse(text.as_deref().unwrap_or_default()).map_err(|error| unfit(&error))?
        }
    };
    check(&trust, account, &app.issuers)?;
    let given = Given {
        preset: input.preset,
        policy: input.policy.as_deref(),
        services: input.services.as_deref().unwrap_or_default(),
        repositories: input.repositories.as_deref().unwrap_or_default(),
    };
    let networks = input.source_networks.as_deref().unwrap_or_default();
    let permission = match given.permission(Some(DEFAULT))? {
        Some(permission) => permission,
        None => Permission::of_preset(DEFAULT, gangplank_core::policy::Limits::default())
            .map_err(|error| unfit(&error))?,
    };
    let role = NewRole {
        id: RoleId::generate(random_bytes()?),
        account: account.clone(),
        name: name(&input.role_name)?,
        trust,
        permission,
        max_session: input.max_session_seconds.map_or(DEFAULT_SESSION, terms::seconds),
        limits: given.login_limits(Some(DEFAULT), input.max_login_seconds, networks)?,
        description: input.description.unwrap_or_default(),
        created_at: app.clock.now(),
    };
    match app.metadata.insert_role(&context.origin(), role, app.quotas.roles).await? {
        RoleMade::Made(role) => {
            tracing::info!(%account, role = %role.name, access_key = %context.owner(), peer = %context.peer(), "made a role");
            Ok(CreateRoleResult { role: shown(*role) })
        }
        RoleMade::NameTaken => {
            let message = format!("There is a role {} already.", input.role_name);
            Err(ApiError::invalid_input(message).with_tip("Delete it first, or choose another name.").into())
        }
        RoleMade::IdTaken => Err(anyhow::anyhow!("a new role's id is taken").into()),
    }
}

/// The trust policy for the short form of a request.
fn policy_of(trust: &RoleTrust, account: &AccountId, issuers: &Issuers) -> Result<TrustPolicy> {
    let issuer = &trust.issuer;
    let Some(audiences) = issuers.audiences(issuer) else {
        let known: Vec<&str> = issuers.configured().map(|(url, _)| url).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let message = format!("The issuer {issuer:?} is not configured on this server; configured: {known}.");
        return Err(ApiError::invalid_input(message)
            .with_tip("The operator adds it to the server's configuration, as [[issuer]].")
            .into());
    };
    let audience = match (&trust.audience, audiences) {
        (Some(audience), _) if audiences.contains(audience) => audience,
        (None, [only]) => only,
        (given, _) => {
            let problem = match given {
                Some(given) => format!("The audience {given:?} is not configured for {issuer}"),
                None => format!("The issuer {issuer} has several audiences; say which one is meant"),
            };
            let message = format!("{problem}; configured: {}.", audiences.join(", "));
            return Err(ApiError::invalid_input(message).into());
        }
    };
    let trusted = Trusted {
        issuer: issuer.clone(),
        claims: trust.claims.clone(),
        refused: trust.refused_claims.clone().unwrap_or_default(),
    };
    Ok(trusted.policy(account, audience).map_err(|error| unfit(&error))?)
}

/// Refuses a policy with issuers or audiences that are not configured.
fn check(trust: &TrustPolicy, account: &AccountId, issuers: &Issuers) -> Result<()> {
    let configured: Vec<_> = issuers.configured().map(|(url, audiences)| Issuer { url, audiences }).collect();
    Ok(trust.check(account, &configured).map_err(|error| unfit(&error))?)
}

fn unfit(error: &PolicyError) -> ApiError {
    ApiError::invalid_input(format!("The trust policy cannot be used: {error}."))
}

pub(super) async fn get(context: &Context<'_>, input: GetRoleRequest) -> Result<GetRoleResult> {
    Ok(GetRoleResult { role: shown(require(context, &input.role_name).await?) })
}

pub(super) async fn list(context: &Context<'_>, input: ListRolesRequest) -> Result<ListRolesResult> {
    let after = match &input.next_token {
        Some(token) => Some(mark(token).ok_or_else(|| page::unknown("nextToken"))?),
        None => None,
    };
    let (account, limit) = (&context.tenant.account, page::limit(input.max_results));
    let page = context.app.metadata.roles(account, after.as_ref(), limit).await?;
    Ok(ListRolesResult {
        roles: page.roles.into_iter().map(shown).collect(),
        next_token: page.more.map(|name| hex::encode(name.as_str())),
    })
}

/// Reads the place in the list that a token stands for. `None` if the token is malformed.
fn mark(token: &str) -> Option<RoleName> {
    let name = String::from_utf8(hex::decode(token).ok()?).ok()?;
    RoleName::parse(&name).ok()
}

pub(super) async fn update(context: &Context<'_>, input: UpdateRoleRequest) -> Result<UpdateRoleResult> {
    let (app, account) = (context.app, &context.tenant.account);
    let change = RoleChange { enabled: Some(input.status == RoleStatus::Active), ..RoleChange::default() };
    let changed =
        app.metadata.change_role(&context.origin(), account, &name(&input.role_name)?, change).await?;
    changed.ok_or_else(|| unknown(&input.role_name))?;
    // The unfinished uploads of the role's logins are garbage now.
    app.discarded.notify_one();
    tracing::info!(%account, role = input.role_name, status = %input.status, access_key = %context.owner(), peer = %context.peer(), "changed a role");
    Ok(UpdateRoleResult {})
}

pub(super) async fn delete(context: &Context<'_>, input: DeleteRoleRequest) -> Result<DeleteRoleResult> {
    let (app, account) = (context.app, &context.tenant.account);
    if !app.metadata.delete_role(&context.origin(), account, &name(&input.role_name)?).await? {
        return Err(unknown(&input.role_name).into());
    }
    app.discarded.notify_one();
    tracing::info!(%account, role = input.role_name, access_key = %context.owner(), peer = %context.peer(), "deleted a role");
    Ok(DeleteRoleResult {})
}

/// The role with this name in the caller's account.
///
/// # Errors
/// `NotFoundException` if there is none.
pub(super) async fn require(context: &Context<'_>, text: &str) -> Result<store::Role> {
    let role = context.app.metadata.role(&context.tenant.account, &name(text)?).await?;
    role.ok_or_else(|| unknown(text).into())
}

fn name(text: &str) -> Result<RoleName> {
    Ok(RoleName::parse(text).map_err(|error| ApiError::invalid_input(error.to_string()))?)
}

fn unknown(name: &str) -> ApiError {
    ApiError::not_found(format!("There is no role {name}."))
}

fn shown(role: store::Role) -> Role {
    Role {
        arn: role.arn(),
        role_name: role.name.as_str().to_owned(),
        account: role.account.as_str().to_owned(),
        status: if role.enabled { RoleStatus::Active } else { RoleStatus::Disabled },
        created_at: Timestamp(role.created_at.0),
        last_used_at: role.last_assumed_at.map(|at| Timestamp(at.0)),
        created_by: role.made_by.map(|owner| owner.as_str().to_owned()),
        description: (!role.description.is_empty()).then_some(role.description),
        trust_policy: role.trust.to_json(),
        policy: role.permission.policy().to_json(),
        repositories: limits_wire::repositories(&role.limits.reach),
        source_networks: limits_wire::networks(&role.limits.reach),
        max_session_seconds: limits_wire::seconds(role.max_session),
        max_login_seconds: role.limits.max_life.map(limits_wire::seconds),
        remembered_claims: (!role.remembered.is_empty()).then_some(role.remembered),
    }
}
