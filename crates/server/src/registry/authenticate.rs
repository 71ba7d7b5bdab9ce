//! From a Basic header to a grant.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gangplank_core::registry_login::USERNAME;
use gangplank_core::{Grant, Password};
use gangplank_oci::OciError;
use gangplank_store::metadata::registry_logins::LoginLookup;
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

use super::Result;
use super::refusal::Refusal;
use crate::app::App;

/// The text that tools look for to know that a new login is needed.
const EXPIRED: &str = "Your authorization token has expired. Reauthenticate and try again.";

/// The same for a login that never was and one that was revoked.
const REFUSED: &str = "the registry login is unknown or was revoked";

/// Finds what the request's login may do.
pub(super) async fn grant(app: &App, peer: SocketAddr, headers: &HeaderMap) -> Result<Grant> {
    let Some(header) = headers.get(AUTHORIZATION) else {
        // The question every client asks first; it costs nobody a failure.
        return Err(OciError::unauthorized("authentication required").into());
    };
    let Some(password) = password(header.as_bytes()) else {
        return Err(refuse(app, peer));
    };
    match app.metadata.login(&password.hash()).await? {
        LoginLookup::Live(grant) if app.clock.now() < grant.expires_at => Ok(grant),
        LoginLookup::Live(_) => Err(OciError::unauthorized(EXPIRED).into()),
        // Whoever holds it was given it once, and guesses nothing.
        LoginLookup::Revoked => Err(OciError::unauthorized(REFUSED).into()),
        LoginLookup::Unknown => Err(refuse(app, peer)),
    }
}

/// The password of a Basic header, if any login can have it.
fn password(header: &[u8]) -> Option<Password> {
    let (scheme, credentials) = header.split_first_chunk::<6>()?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let credentials = STANDARD.decode(credentials.trim_ascii()).ok()?;
    let (username, password) = std::str::from_utf8(&credentials).ok()?.split_once(':')?;
    if username != USERNAME {
        return None;
    }
    Password::parse(password)
}

fn refuse(app: &App, peer: SocketAddr) -> Refusal {
    if app.failed_logins.count(peer.ip()) {
        tracing::info!(%peer, "refused a registry login");
        OciError::unauthorized(REFUSED).into()
    } else {
        Refusal::too_many("too many refused logins from this address", 60)
    }
}

#[cfg(test)]
mod tests {
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
