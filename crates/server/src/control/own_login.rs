//! The end of a registry login, for whoever has its password: a job hands its login back when it is done, and whoever finds
//! one in a log ends it, without a right to anything else. Nothing is told of a login but that it is over.

use gangplank_api::gangplank::{RevokeOwnRegistryLoginRequest, RevokeOwnRegistryLoginResult};
use gangplank_api::{ApiError, ErrorCode};
use gangplank_core::{EventKind, Grant, Origin, Password};
use gangplank_store::metadata::registry_logins::LoginLookup;

use super::{Client, Result};
use crate::app::App;
use crate::http::record::Record;
use crate::refusals::Refusal;

/// Ends the login of a password.
///
/// # Errors
/// `NotFoundException` if no login has it.
pub(super) async fn revoke(
    app: &App,
    record: &Record,
    client: &Client,
    asked: RevokeOwnRegistryLoginRequest,
    request_id: &str,
) -> Result<RevokeOwnRegistryLoginResult> {
    let Client { address: peer, user_agent, .. } = client;
    // What no login can have is not looked up.
    let found = match Password::parse(asked.password.expose()) {
        Some(password) => app.metadata.login(&password.hash()).await?,
        None => LoginLookup::Unknown,
    };
    match found {
        LoginLookup::Live(Grant { login, tenant, owner, session, .. }) => {
            let origin = app.origin_of(*peer, user_agent.as_deref(), Some(owner.clone()), Some(login));
            let origin = Origin { session, request: Some(request_id.to_owned()), ..origin };
            app.metadata.revoke_login(&origin, &tenant, login, app.clock.now()).await?;
            // What it had begun to upload goes with it.
            app.discarded.notify_one();
            record.has_changed(None);
            tracing::info!(%tenant, login = login.0, %owner, %peer, "a registry login was revoked by its password");
            Ok(RevokeOwnRegistryLoginResult {})
        }
        // It is over already.
        LoginLookup::Revoked(_) => Ok(RevokeOwnRegistryLoginResult {}),
        LoginLookup::Unknown => Err(unknown(app, client).into()),
    }
}

/// A password that is nobody's may be a guess, and counts as one.
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
