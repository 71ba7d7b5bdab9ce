//! The operation it all starts from: a temporary login that can do nothing but push.

use gangplank_api::lightsail::{
    ContainerServiceRegistryLogin, CreateContainerServiceRegistryLoginRequest,
    CreateContainerServiceRegistryLoginResult,
};
use gangplank_api::{ApiError, Timestamp};
use gangplank_core::registry_login::{USERNAME, expires_at};
use gangplank_core::{Password, Scope};
use gangplank_store::metadata::registry_logins::{LoginCreated, NewLogin};

use super::container_service::unknown;
use super::{Context, Result};
use crate::random;

pub(super) async fn create(
    context: &Context<'_>,
    _: CreateContainerServiceRegistryLoginRequest,
) -> Result<CreateContainerServiceRegistryLoginResult> {
    let login = issue(context, Scope::PUSH, None, true).await?;
    Ok(CreateContainerServiceRegistryLoginResult { registry_login: Some(login) })
}

/// Makes a login and hands it over, this once. With `requires_service`, refuses a tenant without
/// any container service, as Lightsail does.
pub(super) async fn issue(
    context: &Context<'_>,
    scope: Scope,
    service: Option<String>,
    requires_service: bool,
) -> Result<ContainerServiceRegistryLogin> {
    let Context { app, tenant, .. } = context;
    let password = Password::generate(random::bytes()?);
    let now = app.clock.now();
    let login = NewLogin {
        tenant: tenant.clone(),
        access_key: context.access_key.clone(),
        scope,
        service: service.clone(),
        password: password.hash(),
        created_at: now,
        expires_at: expires_at(now),
    };
    let expires_at = login.expires_at;
    match context.noting().insert_login(login, requires_service).await? {
        LoginCreated::Created(id) => {
            let (access_key, peer) = (&context.access_key, context.peer);
            tracing::info!(%tenant, login = id.0, scope = ?scope.words(), %access_key, %peer, "issued a registry login");
        }
        LoginCreated::NoSuchService => {
            return Err(unknown(service.as_deref().unwrap_or_default(), tenant).into());
        }
        LoginCreated::NoServiceYet => {
            let message =
                "You must create a container service before retrieving container registry login credentials";
            return Err(ApiError::invalid_input(message)
                .with_tip("Make one with create-container-service, in the same region.")
                .into());
        }
    }
    Ok(ContainerServiceRegistryLogin {
        username: Some(USERNAME.to_owned()),
        password: Some(password.expose().to_owned().into()),
        expires_at: Some(Timestamp(expires_at.0)),
        registry: Some(context.registry()),
    })
}
