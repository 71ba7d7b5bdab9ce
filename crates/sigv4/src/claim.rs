//! Verification of a claim: first the rules that need no secret, then the signature.

use std::fmt;

use subtle::ConstantTimeEq;

use crate::authorization::{Authorization, Credential, only_value, signed_headers};
use crate::canonical::{Paths, Unfinished, hex_digits, signature};
use crate::refusal::shown;
use crate::{Policy, Refusal, Request, timestamp};

/// A secret of the length of AWS's, so that the check of an unknown key takes as long as that of a known one.
const DUMMY_SECRET: &[u8; 40] = &[b'x'; 40];

/// The claims of an `Authorization` header. Every rule that needs no secret has been checked.
///
/// Nothing of it is proven before [`verify`](Claim::verify) succeeds.
pub struct Claim {
    credential: Credential,
    time: String,
    signature: [u8; 32],
    session_token: Option<String>,
    /// The hash of the body, as the request claims it. The signature covers this hash, but nobody has compared the body
    /// with it yet.
    content_sha256: Option<[u8; 32]>,
    canonical: Unfinished,
}

impl Claim {
    /// Reads the claim of a request.
    ///
    /// # Errors
    ///
    /// Any [`Refusal`] except the three of [`verify`](Claim::verify): a missing or malformed signature, or one in the
    /// query; a scope that the policy does not accept; a clock too far off; a header that has to be signed and is
    /// not.
    pub fn parse(request: &Request<'_>, policy: &Policy<'_>) -> Result<Claim, Refusal> {
        let authorization = Authorization::of(request)?;
        let (time, signed_at) = signing_time(request)?;
        let credential = Credential::parse(authorization.credential, policy, time)?;
        check_clock(signed_at, policy)?;
        let signed_headers = signed_headers(authorization.signed_headers, request)?;
        Ok(Claim {
            credential,
            time: time.to_owned(),
            signature: sha256(authorization.signature.as_bytes()).ok_or(Refusal::SignatureForm)?,
            session_token: session_token(request)?,
            content_sha256: content_sha256(request)?,
            canonical: Unfinished::new(request, &signed_headers, Paths::Normalised),
        })
    }

    /// The id of the access key that is claimed to have signed.
    pub fn access_key_id(&self) -> &str {
        self.credential.access_key_id()
    }

    /// The Region that the request was signed for.
    pub fn region(&self) -> &str {
        self.credential.region()
    }

    /// The session token of temporary keys. The caller has to check that it belongs to the access key.
    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_deref()
    }

    /// Verifies the claim with the access key's secret and the SHA-256 of the received body. The secret is `None` if
    /// the key does not exist. The work is the same for every outcome, and the comparison takes constant time.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownKey`] without a secret; [`Refusal::PayloadMismatch`] if the body does not match
    /// `X-Amz-Content-Sha256`; else [`Refusal::SignatureMismatch`].
    pub fn verify(&self, secret: Option<&[u8]>, payload_sha256: &[u8; 32]) -> Result<(), Refusal> {
        let scope = self.credential.scope();
        let string_to_sign = self.canonical.string_to_sign(&self.time, scope, &hex_digits(payload_sha256));
        let signature = signature(secret.unwrap_or(DUMMY_SECRET), scope, &string_to_sign);
        let matches = bool::from(signature.ct_eq(&self.signature));
        if secret.is_none() {
            return Err(Refusal::UnknownKey);
        }
        if self.content_sha256.is_some_and(|claimed| claimed != *payload_sha256) {
            return Err(Refusal::PayloadMismatch);
        }
        if matches { Ok(()) } else { Err(Refusal::SignatureMismatch) }
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("access_key_id", &self.access_key_id())
            .field("scope", &self.credential.scope())
            .field("time", &self.time)
            .field("session_token", &self.session_token.as_ref().map(|_| "***"))
            .finish_non_exhaustive()
    }
}

/// The text of `X-Amz-Date`, and its Unix seconds.
fn signing_time<'a>(request: &Request<'a>) -> Result<(&'a str, i64), Refusal> {
    let bytes = only_value(request, "x-amz-date")?.unwrap_or_default();
    let text = str::from_utf8(bytes).unwrap_or("...");
    match timestamp::parse(text.as_bytes()) {
        Some(seconds) => Ok((text, seconds)),
        None => Err(Refusal::DateFormat(shown(text))),
    }
}

fn check_clock(signed: i64, policy: &Policy<'_>) -> Result<(), Refusal> {
    let Policy { now, max_skew, .. } = *policy;
    if signed < now.saturating_sub(max_skew) {
        return Err(Refusal::Expired { signed, now, max_skew });
    }
    if signed > now.saturating_add(max_skew) {
        return Err(Refusal::NotYetCurrent { signed, now, max_skew });
    }
    Ok(())
}

fn session_token(request: &Request<'_>) -> Result<Option<String>, Refusal> {
    let Some(value) = only_value(request, "x-amz-security-token")? else { return Ok(None) };
    match str::from_utf8(value) {
        // Older SDKs send the header without a token.
        Ok("") => Ok(None),
        Ok(token) if token.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Some(token.to_owned())),
        _ => Err(Refusal::SessionTokenForm),
    }
}

fn content_sha256(request: &Request<'_>) -> Result<Option<[u8; 32]>, Refusal> {
    let Some(value) = only_value(request, "x-amz-content-sha256")? else { return Ok(None) };
    if value == b"UNSIGNED-PAYLOAD" || value.starts_with(b"STREAMING-") {
        return Err(Refusal::UnsignedPayload);
    }
    sha256(value).map(Some).ok_or(Refusal::PayloadHashForm)
}

/// The 32 bytes of 64 lower-case digits. One value has one spelling, so upper case is refused.
fn sha256(text: &[u8]) -> Option<[u8; 32]> {
    if text.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}
