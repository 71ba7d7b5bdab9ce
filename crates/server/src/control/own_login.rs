//! Revokes a registry login by its password. A job returns its login when it is done, and the finder of a
//! leaked password can revoke it without any other right. The answer says nothing about the login.

use gangplank_api::gangplank::{RevokeOwnRegistryLoginRequest, RevokeOwnRegistryLoginResult};
use gangplank_api::{ApiError, ErrorCode};
use gangplank_core::{EventKind, Grant, Origin, Password};
use gangplank_store::metadata::registry_logins::LoginLookup;

use super::{Client, Result};
use crate::app::App;
use crate::http::record::Record;
use crate::refusals::Refusal;

/// Revokes the login with a password.
///
/// # Errors
/// `NotFoundException` if no login has the password, or `ThrottlingException` after too many such calls from
/// the address.
pub(super) async fn revoke(
    app: &App,
    record: &Record,
    client: &Client,
    asked: RevokeOwnRegistryLoginRequest,
    request_id: &str,
) -> Result<RevokeOwnRegistryLoginResult> {
    let Client { address: peer, user_agent, .. } = client;
    // A malformed password is not looked up.
    let found = match Password::parse(asked.password.expose()) {
        Some(password) => app.metadata.login(&password.hash()).await?,
        None => LoginLookup::Unknown,
    };
    match found {
        LoginLookup::Live(Grant { login, tenant, owner, session, .. }) => {
            let origin = app.origin_of(*peer, user_agent.as_deref(), Some(owner.clone()), Some(login));
            let origin = Origin { session, request: Some(request_id.to_owned()), ..origin };
            app.metadata.revoke_login(&origin, &tenant, login, app.clock.now()).await?;
            // The unfinished uploads of the login are garbage now.
            app.discarded.notify_one();
            record.has_changed(None);
            tracing::info!(%tenant, login = login.0, %owner, %peer, "a registry login was revoked by its password");
            Ok(RevokeOwnRegistryLoginResult {})
        }
        // The login has already ended.
        LoginLookup::Revoked(_) => Ok(RevokeOwnRegistryLoginResult {}),
        LoginLookup::Unknown => Err(unknown(app, client).into()),
    }
}

/// The error for an unknown password, which may be a guess and is counted as one.
fn unknown(app: &App, client: &Client) -> ApiError {
    let refused = Refusal { kind: EventKind::LoginRefused, action: None, reason: "unknown" };
    let origin = app.origin_of(client.address, client.user_agent.as_deref(), None, None);
    app.count_refusal(refused, origin, None);
    if app.failed_logins.count(client.address) {
        ApiError::not_found("There is no registry login with this password.")
    } else {
        let message = "Too many passwords from this address were refused; wait a minute.";
        ApiError::new(ErrorCode::ThrottlingException, message)
    }
}
