//! Finds the grant of a request by its Basic header.

use std::net::IpAddr;

use gangplank_core::registry_login::USERNAME;
use gangplank_core::{EventKind, Grant, Password, Scope};
use gangplank_oci::{OciError, basic_credentials};
use gangplank_store::metadata::registry_logins::{LoginLookup, Revoked as Ended};
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

use super::refusal::Refusal;
use crate::app::App;
use crate::refusals;

/// Clients look for this text to learn that they need a new login.
const EXPIRED: &str = "Your authorization token has expired. Reauthenticate and try again.";

/// One text for an unknown login and a revoked one, so that a caller cannot distinguish them.
const REFUSED: &str = "the registry login is unknown or was revoked";

/// Why a request gets no grant.
pub(super) struct Refused {
    pub(super) refusal: Refusal,
    /// The message that says why the login has ended. `None` if the login is unknown, has not ended, or could
    /// do more than push.
    pub(super) ended_push: Option<&'static str>,
}

impl<E: Into<Refusal>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self { refusal: error.into(), ended_push: None }
    }
}

/// Finds the grant of the request's login.
///
/// # Errors
/// If the request has no login, if its login has ended or was never made, or if the store fails.
pub(super) async fn grant(
    app: &App,
    peer: IpAddr,
    headers: &HeaderMap,
) -> std::result::Result<Grant, Refused> {
    let Some(header) = headers.get(AUTHORIZATION) else {
        // Every client sends its first request without a login, so this counts as no failure.
        return Err(OciError::unauthorized("authentication required").into());
    };
    let Some(password) = password(header.as_bytes()) else {
        return Err(refuse(app, peer, headers).into());
    };
    let ended = |it: Ended, why, message: &'static str| {
        let origin = app.origin(peer, headers, Some(it.owner), Some(it.login));
        app.count_refusal(login_refused(why), origin, Some(it.tenant));
        let ended_push = (it.scope == Scope::PUSH).then_some(message);
        Err(Refused { refusal: OciError::unauthorized(message).into(), ended_push })
    };
    let now = app.clock.now();
    match app.metadata.login(&password.hash()).await? {
        LoginLookup::Live(grant) if now < grant.expires_at => {
            app.login_use.used(grant.login, now);
            Ok(grant)
        }
        // The holder of an ended login was once given its password. So this is no guess, and no failed login is
        // counted.
        LoginLookup::Live(Grant { login, tenant, owner, scope, .. }) => {
            ended(Ended { login, tenant, owner, scope }, "expired", EXPIRED)
        }
        LoginLookup::Revoked(it) => ended(it, "revoked", REFUSED),
        LoginLookup::Unknown => Err(refuse(app, peer, headers).into()),
    }
}

fn login_refused(reason: &'static str) -> refusals::Refusal {
    refusals::Refusal { kind: EventKind::LoginRefused, action: None, reason }
}

/// The password of a Basic header. `None` if no login can have that user name or password.
fn password(header: &[u8]) -> Option<Password> {
    let (username, password) = basic_credentials(header)?;
    Password::parse(&password).filter(|_| username == USERNAME)
}

fn refuse(app: &App, peer: IpAddr, headers: &HeaderMap) -> Refusal {
    app.count_refusal(login_refused("unknown"), app.origin(peer, headers, None, None), None);
    if app.failed_logins.count(peer) {
        OciError::unauthorized(REFUSED).into()
    } else {
        Refusal::too_many("too many refused logins from this address", 60)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn basic(text: &str) -> Vec<u8> {
        format!("Basic {}", STANDARD.encode(text)).into_bytes()
    }

    #[test]
    fn only_a_whole_basic_header_yields_a_password() {
        let good = Password::generate([1; 32]);
        let good = good.expose();
        assert!(password(&basic(&format!("AWS:{good}"))).is_some());
        let lower = String::from_utf8(basic(&format!("AWS:{good}"))).unwrap().replace("Basic", "basic");
        assert!(password(lower.as_bytes()).is_some());
        for bad in [
            format!("aws:{good}"),
            format!("AWS{good}"),
            good.to_owned(),
            format!("AWS:{good}x"),
            String::new(),
        ] {
            assert!(password(&basic(&bad)).is_none(), "{bad}");
        }
        for bad in
            [&b"Basic"[..], b"Basic ", b"Basic ???", b"Bearer QVdTOg==", b"\xff\xff\xff\xff\xff\xff\xff", b""]
        {
            assert!(password(bad).is_none());
        }
    }
}
