//! Makes registry logins of every kind.

use std::time::Duration;

use gangplank_api::lightsail::{
    ContainerServiceRegistryLogin, CreateContainerServiceRegistryLoginRequest,
    CreateContainerServiceRegistryLoginResult,
};
use gangplank_api::{ApiError, Timestamp};
use gangplank_core::login_limits::Wider;
use gangplank_core::policy::RepositoryPattern;
use gangplank_core::registry_login::USERNAME;
use gangplank_core::{LoginLimits, Network, Password, Scope, Time};
use gangplank_store::metadata::container_services::ContainerService;
use gangplank_store::metadata::registry_logins::{LoginCreated, NewLogin, Requires};

use super::failure::sentence;
use super::service_refusals::unknown;
use super::{Context, Result};
use crate::sealing::random_bytes;
use crate::terms;

/// Lightsail's own operation: makes a temporary login that can only push.
pub(super) async fn to_push(
    context: &Context<'_>,
    _: CreateContainerServiceRegistryLoginRequest,
) -> Result<CreateContainerServiceRegistryLoginResult> {
    let issued = issue(context, Scope::PUSH, None, Requires::AnyService, Narrower::default()).await?;
    Ok(CreateContainerServiceRegistryLoginResult { registry_login: Some(issued.into()) })
}

/// A new login. Its password is in plain text only here.
pub(super) struct Issued {
    password: Password,
    expires_at: Time,
    /// The address of the registry, as clients have to name it.
    registry: String,
}

/// Limits of a login, in addition to its maker's limits.
#[derive(Default)]
pub(super) struct Narrower {
    life: Option<Duration>,
    repositories: Vec<RepositoryPattern>,
    networks: Vec<Network>,
}

impl Narrower {
    /// Reads the requested limits.
    ///
    /// # Errors
    /// `InvalidInputException` if a repository or network is malformed.
    pub(super) fn read(
        life_seconds: Option<i32>,
        repositories: Option<Vec<String>>,
        networks: Option<Vec<String>>,
    ) -> Result<Self> {
        Ok(Self {
            life: life_seconds.map(terms::seconds),
            repositories: terms::patterns(&repositories.unwrap_or_default())?,
            networks: terms::networks(&networks.unwrap_or_default())?,
        })
    }
}

/// Makes a login for the tenant, or for one `service` of it. It gets the limits of its maker and the requested
/// ones.
///
/// # Errors
/// If a requested limit is wider than the limit of the maker, if the service does not exist, if `requires`
/// demands a service and the tenant has none, or if the maker's session has ended.
pub(super) async fn issue(
    context: &Context<'_>,
    scope: Scope,
    service: Option<&ContainerService>,
    requires: Requires,
    narrower: Narrower,
) -> Result<Issued> {
    let Context { app, tenant, .. } = context;
    let password = Password::generate(random_bytes()?);
    let now = app.clock.now();
    let caller = &context.call.caller;
    let wider = |wider: Wider| ApiError::invalid_input(sentence(&wider.to_string()));
    let Narrower { life, repositories, networks } = narrower;
    let unlimited = LoginLimits::default();
    let limits = caller.limits().unwrap_or(&unlimited);
    let expires_at = now.plus(limits.life(life).map_err(wider)?);
    let expires_at = caller.logins_end_at().map_or(expires_at, |end| end.min(expires_at));
    let reach = limits.reach.narrowed(repositories, networks).map_err(wider)?;
    let login = NewLogin {
        tenant: (*tenant).clone(),
        owner: context.owner(),
        scope,
        service: service.map(|service| service.id),
        reach,
        session: caller.principal.session().cloned(),
        password: password.hash(),
        created_at: now,
        expires_at,
    };
    match app.metadata.insert_login(&context.origin(), login, requires, app.quotas.registry_logins).await? {
        LoginCreated::Created(id) => {
            app.metrics.issued(scope);
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

/// Both APIs answer with this shape.
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
