//! Tokens and issuers, good and bad. The issuers are on loopback or in files.

mod bad_tokens;
mod fetching;
mod good_tokens;
mod key_files;
mod opening;

use gangplank_core::Time;
use serde_json::{Value, json};

use super::{Issuers, Refused};
use crate::config::Issuer;
use gangplank_testkit::identity::{FakeIssuer, TestKey, jwks, tls_file};

/// When the tests take place, in seconds since 1970.
const NOW: i64 = 1_795_743_306;

/// A moment, so many seconds from [`NOW`].
fn at(seconds: i64) -> Time {
    Time((NOW + seconds) * 1_000)
}

/// What a token of an issuer usually claims.
fn claims(issuer: &str) -> Value {
    json!({
        "iss": issuer,
        "aud": "https://registry.example",
        "sub": "repo:acme/web:ref:refs/heads/main",
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 300,
    })
}

/// What the operator would configure for an issuer.
fn configured(fake: &FakeIssuer) -> Issuer {
    let mut issuer = Issuer::new(&fake.url, ["https://registry.example"]);
    if fake.url.starts_with("https:") {
        issuer.ca_file = Some(tls_file("ca.pem"));
    }
    issuer
}

/// An issuer with one key, what the server knows of it, and that key.
async fn one_issuer() -> (FakeIssuer, Issuers, TestKey) {
    let key = TestKey::p256("ec");
    let fake = FakeIssuer::start(jwks(&[key.jwk()])).await;
    let issuers = Issuers::open(&[configured(&fake)]).unwrap();
    (fake, issuers, key)
}

/// The kind of a refusal.
fn kind(refused: &Refused) -> &'static str {
    match refused {
        Refused::InvalidIdentityToken(_) => "invalid",
        Refused::ExpiredToken(_) => "expired",
        Refused::IdpCommunicationError(_) => "unreachable",
        Refused::ValidationError(_) => "validation",
    }
}
