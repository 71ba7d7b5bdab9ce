//! Tests with good and bad tokens and issuers. The issuers are on loopback or in files.

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

/// The time of the tests, in seconds since 1970.
const NOW: i64 = 1_795_743_306;

/// The time this many seconds after [`NOW`].
fn at(seconds: i64) -> Time {
    Time((NOW + seconds) * 1_000)
}

/// The usual claims of a token.
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

/// The configuration of an issuer.
fn configured(fake: &FakeIssuer) -> Issuer {
    let mut issuer = Issuer::new(&fake.url, ["https://registry.example"]);
    if fake.url.starts_with("https:") {
        issuer.ca_file = Some(tls_file("ca.pem"));
    }
    issuer
}

/// An issuer with one key, the server's configuration of it, and the key.
async fn one_issuer() -> (FakeIssuer, Issuers, TestKey) {
    let key = TestKey::p256("ec");
    let fake = FakeIssuer::start(jwks(&[key.jwk()])).await;
    let issuers = Issuers::open(&[configured(&fake)]).unwrap();
    (fake, issuers, key)
}

/// The kind of a refusal, in one word.
fn kind(refused: &Refused) -> &'static str {
    match refused {
        Refused::InvalidIdentityToken(_) => "invalid",
        Refused::ExpiredToken(_) => "expired",
        Refused::IdpCommunicationError(_) => "unreachable",
        Refused::ValidationError(_) => "validation",
    }
}
