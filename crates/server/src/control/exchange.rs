//! Exchanges an identity token for a registry login, in one unsigned call. The caller assumes the role, and the
//! session makes the login. Nobody gets the session's keys.

use gangplank_api::gangplank::{ExchangeIdentityTokenRequest, ExchangeIdentityTokenResult, Operation};
use gangplank_api::{ApiError, ErrorCode};
use gangplank_core::{Region, Scope, SessionName};
use gangplank_store::metadata::registry_logins::Requires;

use super::assuming::{Bearer, Refused};
use super::authorize::{Named, authorize};
use super::caller::Caller;
use super::container_service::require;
use super::issue_login::{Narrower, issue};
use super::{Call, Client, Context, Failure, Result};
use crate::app::App;
use crate::http::record::Record;
use crate::oidc;

/// The name of sessions that an exchange begins.
const SESSION: &str = "exchange";

/// Exchanges a token for a login.
///
/// # Errors
/// If the token does not open the role, or if the role may not make such a login.
pub(super) async fn answer(
    app: &App,
    record: &Record,
    client: &Client,
    asked: ExchangeIdentityTokenRequest,
    request_id: &str,
) -> Result<ExchangeIdentityTokenResult> {
    let action = Operation::ExchangeIdentityToken.name();
    // Each event needs its own request id, and there are two events: the session begins, and the login is made.
    let beginning = app.request_ids.next(app.clock.now()).to_string();
    let bearer = Bearer { app, client, request_id: &beginning, action };
    let region = region(app, asked.region.as_deref())?;
    let name = SessionName::parse(SESSION).map_err(anyhow::Error::from)?;
    let trusted =
        bearer.trust(asked.identity_token.expose(), &asked.role_arn, &name).await.map_err(refused)?;
    let longest = Some(trusted.role.max_session);
    let begun = bearer.begin(trusted, name, longest, None).map_err(refused)?;
    let narrower = Narrower::read(asked.life_seconds, asked.repositories, asked.source_networks)?;

    // The session needs the permission of the operation that makes such a login in a signed call.
    let action = match asked.service_name {
        Some(_) => Operation::CreateRegistryLogin.name(),
        None => gangplank_api::lightsail::Operation::CreateContainerServiceRegistryLogin.name(),
    };
    let caller = Caller::of_session(begun.found(), region);
    let call = Call { app, caller, action, client, request_id, by_console: false };
    let named = asked.service_name.as_deref().map_or(Named::Tenant, Named::Service);
    let found = authorize(&call, &[named]).await?;
    bearer.keep(&begun).await.map_err(refused)?;
    record.is_of(&call.caller.principal, &call.caller.tenant);
    let context = Context { app, tenant: &call.caller.tenant, found, call: &call };
    let issued = match asked.service_name.as_deref() {
        Some(name) => {
            let service = require(&context, name)?;
            issue(&context, Scope::PULL, Some(service), Requires::Nothing, narrower).await?
        }
        None => issue(&context, Scope::PUSH, None, Requires::AnyService, narrower).await?,
    };
    record.has_changed(None);
    Ok(ExchangeIdentityTokenResult { registry_login: issued.into() })
}

/// The region of the login.
fn region(app: &App, asked: Option<&str>) -> Result<Region> {
    let Some(asked) = asked else { return Ok(Region::default_region()) };
    app.regions.iter().find(|region| region.as_str() == asked).cloned().ok_or_else(|| {
        let served: Vec<&str> = app.regions.iter().map(Region::as_str).collect();
        let message = format!(
            "The region {asked:?} is not served. The regions of this server are {}.",
            served.join(", ")
        );
        ApiError::invalid_input(message).into()
    })
}

/// The error of our own API for a refused exchange.
fn refused(refused: Refused) -> Failure {
    let error = |code, message: &str| ApiError::new(code, message);
    let error = match refused {
        Refused::Token(token) => {
            let code = match token {
                oidc::Refused::InvalidIdentityToken(_) => ErrorCode::InvalidIdentityTokenException,
                oidc::Refused::ExpiredToken(_) => ErrorCode::ExpiredTokenException,
                oidc::Refused::IdpCommunicationError(_) => ErrorCode::IDPCommunicationErrorException,
                oidc::Refused::ValidationError(_) => ErrorCode::InvalidInputException,
            };
            error(code, token.words())
        }
        Refused::NotTrusted => error(
            ErrorCode::AccessDeniedException,
            "The role does not trust this identity token, or there is no such role.",
        )
        .with_tip("Whoever manages roles can try it with gangplank role try, and finds the reason in the audit trail."),
        Refused::TooLong(most) => ApiError::invalid_input(format!(
            "The sessions of this role live {} s at the most.",
            most.as_secs()
        )),
        Refused::Policy(fault) => ApiError::invalid_input(format!("The policy cannot be used: {fault}.")),
        Refused::TooMany => error(
            ErrorCode::ThrottlingException,
            "Too many identity tokens from this address were refused; wait a minute.",
        ),
        Refused::Failed(failure) => return failure,
    };
    error.into()
}
