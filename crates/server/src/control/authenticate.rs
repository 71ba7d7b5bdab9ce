//! Identifies the caller. The signature is verified with the secret of an access key, or with the secret and
//! the token of a role's session. The key or session must not have ended.

use std::fmt::Write as _;
use std::net::IpAddr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use gangplank_api::{ApiError, ErrorCode};
use gangplank_core::role::TokenHash;
use gangplank_core::{AccessKeyId, EventKind, Owner, Region, SecretAccessKey, Tenant};
use gangplank_sigv4::{Claim, Policy, Refusal};
use gangplank_store::metadata::role_sessions::Credential;
use hyper::HeaderMap;
use hyper::body::Incoming;
use hyper::header::HOST;
use hyper::http::request::Parts;
use sha2::{Digest as _, Sha256};

use super::Result;
use super::caller::Caller;
use super::spoken::Service;
use crate::app::App;
use crate::http::small_body::{SmallBody, check_length};
use crate::refusals::Refusal as Counted;

/// A caller whose signature was not accepted.
struct Stranger {
    error: ApiError,
    /// The owner of the named key, if the key exists.
    owner: Option<Owner>,
    tenant: Option<Tenant>,
}

impl From<ApiError> for Stranger {
    fn from(error: ApiError) -> Self {
        Self { error, owner: None, tenant: None }
    }
}

/// How fresh the answer about a caller must be.
#[derive(Clone, Copy)]
pub(super) enum Look {
    /// The answer may be a few seconds old if several processes share the store.
    Cached,
    /// The answer is the present state, for a call that changes something.
    Now,
}

/// Identifies the caller, which needs the whole body. A call with an unknown key is refused before its body is
/// read.
///
/// # Errors
/// If the signature is wrong, if the key has ended, or if the body cannot be read.
pub(super) async fn identify(
    app: &App,
    peer: IpAddr,
    service: Service,
    look: Look,
    head: &Parts,
    body: Incoming,
) -> Result<(Caller, SmallBody)> {
    let refused = |stranger: Stranger| {
        let origin = app.origin(peer, &head.headers, stranger.owner, None);
        let reason = stranger.error.code.as_str();
        let refused = Counted { kind: EventKind::CallRefused, action: None, reason };
        app.count_refusal(refused, origin, stranger.tenant);
        stranger.error
    };
    let limit = service.body_limit(app);
    check_length(&body, limit)?;
    let claim = claim(app, service, head).map_err(|error| refused(error.into()))?;
    let body = match look_up(app, &claim).await? {
        // A slow client is served, unless it pauses for too long.
        Named::Usable => app.unverified.read(peer, body, limit, app.limits.body_stall).await?,
        Named::Unknown(stranger) => return Err(refused(stranger).into()),
        // Only the holder of the secret is told that the key has ended. A small body that has already arrived
        // is enough to verify the signature.
        Named::Ended(stranger) => {
            app.unverified.read_what_is_there(peer, body).await.ok_or_else(|| refused(stranger))?
        }
    };
    let caller = verify(app, &claim, look, &body, &head.headers).await?.map_err(refused)?;
    Ok((caller, app.small_bodies.take_over(body)?))
}

/// Checks all that needs neither the secret nor the body, including that the call is signed for this service.
fn claim(app: &App, service: Service, head: &Parts) -> std::result::Result<Claim, ApiError> {
    let request = gangplank_sigv4::Request {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query(),
        headers: head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect(),
    };
    let policy = Policy {
        service: service.name(),
        now: app.clock.now().seconds(),
        max_skew: i64::try_from(app.limits.signature_skew.as_secs()).unwrap_or(i64::MAX),
        serves_region: &|region| app.regions.iter().any(|served| served.as_str() == region),
    };
    Claim::parse(&request, &policy).map_err(|refusal| {
        let unserved = refusal.is_of_region();
        let error = refused(refusal);
        if !unserved {
            return error;
        }
        let served: Vec<&str> = app.regions.iter().map(Region::as_str).collect();
        error.with_tip(format!("The regions of this server are {}.", served.join(", ")))
    })
}

/// The state of the key that a call names.
enum Named {
    /// The key may be used.
    Usable,
    /// The key has ended. The error is for its holder.
    Ended(Stranger),
    /// There is no such key.
    Unknown(Stranger),
}

/// Looks up the key that a call names.
///
/// # Errors
/// If the store fails.
async fn look_up(app: &App, claim: &Claim) -> Result<Named> {
    let Some(credential) = credential(app, claim, Look::Cached).await? else {
        return Ok(Named::Unknown(refused(Refusal::UnknownKey).into()));
    };
    Ok(match why_ended(app, &credential) {
        Some(error) => Named::Ended(stranger(&credential, claim, error)),
        None => Named::Usable,
    })
}

/// Verifies the signature. Also checks again that the key may be used, because it may have ended since its
/// look-up.
///
/// # Errors
/// If the store fails.
async fn verify(
    app: &App,
    claim: &Claim,
    look: Look,
    body: &[u8],
    headers: &HeaderMap,
) -> Result<std::result::Result<Caller, Stranger>> {
    let hash: [u8; 32] = Sha256::digest(body).into();
    let credential = credential(app, claim, look).await?;
    let secret = credential.as_ref().map(|credential| open(app, credential)).transpose()?;
    let verified = claim.verify(secret.as_ref().map(|secret| secret.expose().as_bytes()), &hash);
    let (Some(credential), Some(region)) = (credential, Region::parse(claim.region())) else {
        return Ok(Err(refused(verified.err().unwrap_or(Refusal::UnknownKey)).into()));
    };
    let refusal = match verified {
        Err(refusal) => Some(mismatched(refusal, headers)),
        Ok(()) => wrong_token(&credential, claim).or_else(|| why_ended(app, &credential)),
    };
    Ok(match (refusal, credential) {
        (Some(refusal), credential) => Err(stranger(&credential, claim, refusal)),
        (None, Credential::AccessKey(key)) => {
            app.key_use.used(&key.id, app.clock.now());
            Ok(Caller::of_key(key, region))
        }
        (None, Credential::Session(found)) => Ok(Caller::of_session(found, region)),
    })
}

async fn credential(app: &App, claim: &Claim, look: Look) -> Result<Option<Credential>> {
    let Ok(id) = AccessKeyId::parse(claim.access_key_id()) else { return Ok(None) };
    Ok(match look {
        Look::Cached => app.metadata.credential(&id).await?,
        Look::Now => app.metadata.credential_now(&id).await?,
    })
}

pub(super) fn open(app: &App, credential: &Credential) -> anyhow::Result<SecretAccessKey> {
    match credential {
        Credential::AccessKey(key) => app.master.open_secret(&key.id, &key.sealed_secret),
        Credential::Session(found) => {
            app.master.open_secret(&found.session.key, &found.session.sealed_secret)
        }
    }
}

/// The error for a wrong session token. A temporary key needs the token that was issued with it, and an access
/// key must come without one.
fn wrong_token(credential: &Credential, claim: &Claim) -> Option<ApiError> {
    let is_right = match (credential, claim.session_token()) {
        (Credential::AccessKey(_), token) => token.is_none(),
        (Credential::Session(found), Some(token)) => {
            verify_slices_are_equal(&TokenHash::of(token).0, &found.session.token.0).is_ok()
        }
        (Credential::Session(_), None) => false,
    };
    let message = "The security token included in the request is invalid";
    (!is_right).then(|| ApiError::new(ErrorCode::UnrecognizedClientException, message))
}

/// The reason why a key may not be used any more. `None` if it may be used.
pub(super) fn why_ended(app: &App, credential: &Credential) -> Option<ApiError> {
    let now = app.clock.now();
    match credential {
        Credential::AccessKey(key) if !key.enabled => {
            Some(ApiError::unauthenticated(format!("The access key {} is disabled.", key.id)))
        }
        Credential::AccessKey(key) if key.has_expired(now) => {
            Some(ApiError::unauthenticated(format!("The access key {} has expired.", key.id)))
        }
        Credential::Session(found) if found.session.expires_at <= now => {
            let message = "The security token included in the request is expired";
            Some(ApiError::new(ErrorCode::ExpiredTokenException, message))
        }
        Credential::Session(found) if found.role.is_none() => {
            let role = &found.session.role_name;
            Some(ApiError::unauthenticated(format!("The session of the role {role} was ended.")))
        }
        Credential::AccessKey(_) | Credential::Session(_) => None,
    }
}

/// A refused caller that named this key.
fn stranger(credential: &Credential, claim: &Claim, error: ApiError) -> Stranger {
    let (account, owner) = match credential {
        Credential::AccessKey(key) => (&key.account, key.principal().owner()),
        Credential::Session(found) => (&found.session.account, found.session.owner()),
    };
    let tenant = Region::parse(claim.region()).map(|region| Tenant { account: account.clone(), region });
    Stranger { error, owner: Some(owner), tenant }
}

/// The error for a refused signature. The Host is signed, and proxies often change it.
fn mismatched(refusal: Refusal, headers: &HeaderMap) -> ApiError {
    let mut error = refused(refusal.clone());
    if let (Refusal::SignatureMismatch, Some(host)) = (refusal, headers.get(HOST)) {
        let host = String::from_utf8_lossy(host.as_bytes());
        let _ = write!(
            error.message,
            " The request came with the Host {host}: a proxy in front of this server must keep the one that the \
             client sent."
        );
    }
    error
}

fn refused(refusal: Refusal) -> ApiError {
    let code = ErrorCode::parse(refusal.code()).unwrap_or(ErrorCode::InvalidSignatureException);
    ApiError::new(code, refusal.to_string())
}
