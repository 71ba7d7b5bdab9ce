//! Registry logins of every kind are made here.

use gangplank_api::lightsail::ContainerServiceRegistryLogin;
use gangplank_api::{ApiError, Timestamp};
use gangplank_core::registry_login::{USERNAME, expires_at};
use gangplank_core::{Password, Reach, Scope, Time};
use gangplank_store::metadata::container_services::ContainerService;
use gangplank_store::metadata::registry_logins::{LoginCreated, NewLogin, Requires};

use super::service_refusals::unknown;
use super::{Context, Result};
use crate::random;

/// A login that was just made. Its password is in clear here and nowhere else.
pub(super) struct Issued {
    password: Password,
    expires_at: Time,
    /// The address of the registry, as clients name it.
    registry: String,
}

/// Makes a login for the tenant, or for one `service` of it.
///
/// # Errors
/// If the tenant has no such service, or not what is required.
pub(super) async fn issue(
    context: &Context<'_>,
    scope: Scope,
    service: Option<&ContainerService>,
    requires: Requires,
) -> Result<Issued> {
    let Context { app, tenant, .. } = context;
    let password = Password::generate(random::bytes()?);
    let now = app.clock.now();
    let expires_at = expires_at(now);
    let login = NewLogin {
        tenant: (*tenant).clone(),
        owner: context.owner(),
        scope,
        service: service.map(|service| service.id),
        reach: Reach::default(),
        session: None,
        password: password.hash(),
        created_at: now,
        expires_at,
    };
    match app.metadata.insert_login(&context.origin(), login, requires, app.quotas.registry_logins).await? {
        LoginCreated::Created(id) => {
            let (access_key, peer) = (context.owner(), context.peer());
            tracing::info!(%tenant, login = id.0, scope = ?scope.words(), %access_key, %peer, "issued a registry login");
            Ok(Issued { password, expires_at, registry: context.registry() })
        }
        LoginCreated::NoSuchService => {
            Err(unknown(service.map_or("", |service| service.name.as_str()), tenant).into())
        }
        LoginCreated::SessionEnded => {
            Err(ApiError::unauthenticated("The session that signed this call was ended.").into())
        }
        LoginCreated::NoServiceYet => {
            let message =
                "You must create a container service before retrieving container registry login credentials";
            Err(ApiError::invalid_input(message)
                .with_tip("Make one with create-container-service, in the same region.")
                .into())
        }
    }
}

/// The shape in which both APIs hand it over.
impl From<Issued> for ContainerServiceRegistryLogin {
    fn from(issued: Issued) -> Self {
        Self {
            username: Some(USERNAME.to_owned()),
            password: Some(issued.password.expose().to_owned().into()),
            expires_at: Some(Timestamp(issued.expires_at.0)),
            registry: Some(issued.registry),
        }
    }
}
