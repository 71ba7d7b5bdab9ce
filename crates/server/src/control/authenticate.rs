//! Who calls: the signature is verified against the key's secret, and the key must be enabled.

use std::fmt::Write as _;

use gangplank_api::{ApiError, ErrorCode};
use gangplank_core::{AccessKeyId, Owner, Principal, Region, Tenant};
use gangplank_sigv4::{Claim, Policy, Refusal};
use gangplank_store::metadata::access_keys::AccessKey;
use hyper::HeaderMap;
use hyper::header::HOST;
use hyper::http::request::Parts;
use sha2::{Digest as _, Sha256};

use super::Result;
use super::spoken::Service;
use crate::app::App;

/// A verified caller.
pub(super) struct Caller {
    /// Where it acts: in its account, in the region that it signed for.
    pub(super) tenant: Tenant,
    pub(super) principal: Principal,
}

/// A caller that could not be verified.
pub(super) struct Stranger {
    pub(super) error: ApiError,
    /// Whose key was named, if it is anybody's.
    pub(super) owner: Option<Owner>,
    pub(super) tenant: Option<Tenant>,
}

impl From<ApiError> for Stranger {
    fn from(error: ApiError) -> Self {
        Self { error, owner: None, tenant: None }
    }
}

/// Checks all that can be checked without the secret and the body: also that the call is signed for this service.
pub(super) fn claim(app: &App, service: Service, head: &Parts) -> std::result::Result<Claim, ApiError> {
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

/// What is known of a call before its body is read.
pub(super) enum Named {
    /// A key that may be used.
    Usable,
    /// One that is disabled: what its holder is told.
    Disabled(Stranger),
    /// None that there is.
    Unknown(Stranger),
}

/// Looks up the key that a call names.
///
/// # Errors
/// If the store fails.
pub(super) async fn look_up(app: &App, claim: &Claim) -> Result<Named> {
    Ok(match key(app, claim).await? {
        None => Named::Unknown(refused(Refusal::UnknownKey).into()),
        Some(key) if !key.enabled => Named::Disabled(disabled(&key, claim)),
        Some(_) => Named::Usable,
    })
}

/// Verifies the signature, and that the key may be used: it may have been disabled since it was looked up.
///
/// # Errors
/// If the store fails.
pub(super) async fn verify(
    app: &App,
    claim: &Claim,
    body: &[u8],
    headers: &HeaderMap,
) -> Result<std::result::Result<Caller, Stranger>> {
    let hash: [u8; 32] = Sha256::digest(body).into();
    let key = key(app, claim).await?;
    let secret = key.as_ref().map(|key| app.master.open_secret(&key.id, &key.sealed_secret)).transpose()?;
    let verified = claim.verify(secret.as_ref().map(|secret| secret.expose().as_bytes()), &hash);
    let (Some(key), Some(region)) = (key, Region::parse(claim.region())) else {
        return Ok(Err(refused(verified.err().unwrap_or(Refusal::UnknownKey)).into()));
    };
    let refusal = if let Err(refusal) = verified {
        mismatched(refusal, headers)
    } else if claim.session_token().is_some() {
        // We hand out no session tokens, so nobody can have one of ours.
        let message = "The security token included in the request is invalid";
        ApiError::new(ErrorCode::UnrecognizedClientException, message)
    } else if !key.enabled {
        return Ok(Err(disabled(&key, claim)));
    } else {
        let principal = key.principal();
        return Ok(Ok(Caller { tenant: Tenant { account: key.account, region }, principal }));
    };
    Ok(Err(stranger(&key, claim, refusal)))
}

async fn key(app: &App, claim: &Claim) -> Result<Option<AccessKey>> {
    match AccessKeyId::parse(claim.access_key_id()) {
        Ok(id) => Ok(app.metadata.access_key(&id).await?),
        Err(_) => Ok(None),
    }
}

fn disabled(key: &AccessKey, claim: &Claim) -> Stranger {
    let refusal = ApiError::unauthenticated(format!("The access key {} is disabled.", key.id));
    stranger(key, claim, refusal)
}

/// A caller that named this key.
fn stranger(key: &AccessKey, claim: &Claim, error: ApiError) -> Stranger {
    let tenant = Region::parse(claim.region()).map(|region| Tenant { account: key.account.clone(), region });
    Stranger { error, owner: Some(key.principal().owner()), tenant }
}

/// The Host is part of what is signed, and the part that is changed most often on the way.
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
