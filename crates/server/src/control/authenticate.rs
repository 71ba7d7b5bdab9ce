//! Who calls: the signature is verified against the key's secret, and the key must be enabled.

use gangplank_api::{ApiError, ErrorCode};
use gangplank_core::{AccessKeyId, Owner, Principal, Region, Tenant};
use gangplank_sigv4::{Claim, Policy, Refusal};
use hyper::http::request::Parts;
use sha2::{Digest as _, Sha256};

use super::Result;
use crate::app::App;

/// The service that requests are signed for. Our own operations are signed for it too, so that one
/// profile serves both.
const SERVICE: &str = "lightsail";

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

/// Checks all that can be checked without the secret and the body.
pub(super) fn claim(app: &App, head: &Parts) -> std::result::Result<Claim, ApiError> {
    let request = gangplank_sigv4::Request {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query(),
        headers: head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect(),
    };
    let policy = Policy {
        service: SERVICE,
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

/// Verifies the signature, and that the key may be used.
///
/// # Errors
/// If the store fails.
pub(super) async fn verify(
    app: &App,
    claim: &Claim,
    body: &[u8],
) -> Result<std::result::Result<Caller, Stranger>> {
    let hash: [u8; 32] = Sha256::digest(body).into();
    let key = match AccessKeyId::parse(claim.access_key_id()) {
        Ok(id) => app.metadata.access_key(&id).await?,
        Err(_) => None,
    };
    let secret = key.as_ref().map(|key| app.master.open(&key.id, &key.sealed_secret)).transpose()?;
    let verified = claim.verify(secret.as_ref().map(|secret| secret.expose().as_bytes()), &hash);
    let (Some(key), Some(region)) = (key, Region::parse(claim.region())) else {
        return Ok(Err(refused(verified.err().unwrap_or(Refusal::UnknownKey)).into()));
    };
    let principal = key.principal();
    let caller = Caller { tenant: Tenant { account: key.account, region }, principal };
    let refusal = if let Err(refusal) = verified {
        refused(refusal)
    } else if claim.session_token().is_some() {
        // We hand out no session tokens, so nobody can have one of ours.
        let message = "The security token included in the request is invalid";
        ApiError::new(ErrorCode::UnrecognizedClientException, message)
    } else if !key.enabled {
        ApiError::unauthenticated(format!("The access key {} is disabled.", key.id))
    } else {
        return Ok(Ok(caller));
    };
    let Caller { tenant, principal } = caller;
    Ok(Err(Stranger { error: refusal, owner: Some(principal.owner()), tenant: Some(tenant) }))
}

fn refused(refusal: Refusal) -> ApiError {
    let code = ErrorCode::parse(refusal.code()).unwrap_or(ErrorCode::InvalidSignatureException);
    ApiError::new(code, refusal.to_string())
}
