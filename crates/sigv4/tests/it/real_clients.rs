//! Requests that real clients signed: the AWS CLI in three versions, the JS and Rust SDKs, lightsailctl.

use std::hint::black_box;
use std::time::{Duration, Instant};

use gangplank_sigv4::{Claim, Credentials, Policy, Refusal, canonical_request, sign};
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

#[test]
#[ignore = "a measurement: cargo test --release -p gangplank-sigv4 -- --ignored --nocapture"]
fn parse_and_verify_take_less_than_ten_microseconds() {
    let vector = &vectors()[3];
    let wire = vector.wire();
    let now = unix(wire.header("x-amz-date").unwrap());
    let (request, payload) = (wire.request(), sha256(&wire.body));
    let serves_region = |region: &str| region == "us-west-2";
    let policy = Policy { service: "lightsail", now, max_skew: 900, serves_region: &serves_region };
    let parse = || Claim::parse(black_box(&request), &policy).unwrap();
    let claim = parse();
    let verify = || claim.verify(black_box(Some(vector.secret.as_bytes())), &payload).unwrap();
    let parsing = time_of(parse);
    let verifying = time_of(verify);
    println!("parse: {parsing:?}, verify: {verifying:?}");
    assert!(parsing + verifying < Duration::from_micros(10));
}

/// The time that one of many runs takes.
fn time_of<T>(run: impl Fn() -> T) -> Duration {
    const ROUNDS: u32 = 200_000;
    let start = Instant::now();
    for _ in 0..ROUNDS {
        black_box(run());
    }
    start.elapsed() / ROUNDS
}
