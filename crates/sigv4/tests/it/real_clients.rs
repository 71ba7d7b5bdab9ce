//! Requests that real clients signed: the AWS CLI in three versions, the JS and Rust SDKs, lightsailctl.

use gangplank_sigv4::{Credentials, Refusal, canonical_request, sign};
use serde::Deserialize;

use crate::wire::{Wire, sha256, unix};

#[derive(Deserialize)]
pub(crate) struct Vector {
    pub(crate) source: String,
    pub(crate) secret: String,
    raw_request: String,
    canonical_request: String,
    signature: String,
}

impl Vector {
    pub(crate) fn wire(&self) -> Wire {
        Wire::parse(&self.raw_request)
    }
}

pub(crate) fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("../vectors/clients.json")).unwrap()
}

#[test]
fn every_request_verifies() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 22);
    for vector in vectors {
        let wire = vector.wire();
        let claim = wire.claim("lightsail", unix(wire.header("x-amz-date").unwrap())).unwrap();
        assert_eq!(claim.access_key_id(), "AKIDEXAMPLE", "{}", vector.source);
        assert_eq!(claim.region(), "us-west-2", "{}", vector.source);
        assert_eq!(claim.session_token(), wire.header("x-amz-security-token"), "{}", vector.source);
        let payload = sha256(&wire.body);
        assert_eq!(claim.verify(Some(vector.secret.as_bytes()), &payload), Ok(()), "{}", vector.source);
        assert_eq!(
            claim.verify(Some(b"another"), &payload),
            Err(Refusal::SignatureMismatch),
            "{}",
            vector.source
        );
        assert_eq!(claim.verify(None, &payload), Err(Refusal::UnknownKey), "{}", vector.source);
        assert!(claim.verify(Some(vector.secret.as_bytes()), &sha256("{ }")).is_err(), "{}", vector.source);
    }
}

#[test]
fn every_canonical_request_and_signature_is_ours_too() {
    for vector in vectors() {
        let mut wire = vector.wire();
        let payload = sha256(&wire.body);
        let signed_headers = wire.parameter("SignedHeaders").to_owned();
        let canonical = canonical_request(&wire.request(), &signed_headers, &payload);
        assert_eq!(String::from_utf8(canonical).unwrap(), vector.canonical_request, "{}", vector.source);

        let token = wire.header("x-amz-security-token").map(str::to_owned);
        let now = unix(wire.header("x-amz-date").unwrap());
        wire.headers
            .retain(|(name, _)| signed_headers.split(';').any(|signed| signed.eq_ignore_ascii_case(name)));
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE",
            secret_access_key: &vector.secret,
            session_token: token.as_deref(),
        };
        let added = sign(&wire.request(), &credentials, "us-west-2", "lightsail", now, &payload);
        let (_, authorization) = added.last().unwrap();
        let expected = format!("SignedHeaders={signed_headers}, Signature={}", vector.signature);
        assert!(authorization.ends_with(&expected), "{}", vector.source);
    }
}
