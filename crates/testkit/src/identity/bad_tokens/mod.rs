//! Tokens of attackers, and mistakes. Each has one fault, and has to be refused for it.

mod claims;
mod forged;

use std::net::SocketAddr;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{TestKey, base64, jwks};

/// The audience of valid tokens.
pub const AUDIENCE: &str = "https://registry.example";

const RS256: &str = r#"{"typ":"JWT","alg":"RS256","kid":"a"}"#;

/// The reason for which a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The issuer did not make it for this audience.
    Invalid,
    /// It has expired.
    Expired,
    /// It is too short or too long to be parsed.
    Validation,
}

/// A token that has to be refused.
#[derive(Clone, Debug)]
pub struct BadToken {
    /// Its fault.
    pub name: &'static str,
    /// The token.
    pub token: String,
    /// The reason for which it is refused.
    pub verdict: Verdict,
}

/// Several keys of an issuer, one of its neighbour, and one of somebody else.
#[expect(missing_debug_implementations, reason = "holds private keys")]
pub struct Keys {
    /// A key of the issuer.
    pub rsa: TestKey,
    /// Another key of the issuer.
    pub ec: TestKey,
    /// A key of somebody else with the id of the issuer's key.
    pub impostor: TestKey,
    /// A key of the neighbour.
    pub neighbours: TestKey,
    /// A key in the set that is not for signatures.
    pub encryption: TestKey,
    /// A key in the set that is only for RS512.
    pub pinned: TestKey,
}

/// The keys are made once, because that takes long.
static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys {
    rsa: TestKey::rsa("a"),
    ec: TestKey::p256("ec"),
    impostor: TestKey::rsa("a"),
    neighbours: TestKey::rsa("n"),
    encryption: TestKey::rsa("enc"),
    pinned: TestKey::rsa("pinned"),
});

/// The material for bad tokens.
#[expect(missing_debug_implementations, reason = "holds private keys")]
pub struct BadTokens {
    /// The issuer in the tokens, with its keys from [`Self::key_sets`].
    pub issuer: String,
    /// Another configured issuer, with the second of those sets.
    pub neighbour: String,
    /// An address that nobody may connect to.
    pub decoy: SocketAddr,
    /// The time, in seconds since 1970.
    pub now: i64,
    /// How many seconds are added to each time in the future, for a test whose clock runs.
    pub slack: i64,
    /// The keys.
    pub keys: &'static Keys,
}

impl BadTokens {
    /// The keys.
    pub fn keys() -> &'static Keys {
        &KEYS
    }

    /// The key sets of the issuer and its neighbour.
    pub fn key_sets() -> [String; 2] {
        let keys = &*KEYS;
        let with = |key: &TestKey, name: &str, value: Value| {
            let mut jwk = key.jwk();
            jwk[name] = value;
            jwk
        };
        let mut small = keys.rsa.jwk();
        (small["kid"], small["n"]) = ("small".into(), base64(&[0xC5; 128]).into());
        let set = [
            keys.rsa.jwk(),
            keys.ec.jwk(),
            with(&keys.encryption, "use", "enc".into()),
            with(&keys.pinned, "alg", "RS512".into()),
            with(&TestKey::p256("ops"), "key_ops", json!(["sign"])),
            small,
            json!({"kty": "oct", "kid": "oct", "k": base64(b"secret")}),
            json!({"kty": "EC", "kid": "p521", "crv": "P-521", "x": "AA", "y": "AA"}),
            json!({"kty": "new", "kid": "new"}),
            json!("no key"),
        ];
        [jwks(&set), jwks(&[keys.neighbours.jwk()])]
    }

    /// All groups of bad tokens, each with its name.
    pub fn groups(&self) -> [(&'static str, Vec<BadToken>); 7] {
        [
            ("length and shape", self.by_length_and_shape()),
            ("algorithm", self.by_algorithm()),
            ("key", self.by_key()),
            ("header", self.by_header()),
            ("issuer", self.by_issuer()),
            ("time", self.by_time()),
            ("audience and subject", self.by_audience_and_subject()),
        ]
    }

    /// The claims of a valid token.
    pub fn claims(&self) -> Value {
        self.claims_of(&self.issuer)
    }

    fn claims_of(&self, issuer: &str) -> Value {
        json!({
            "iss": issuer,
            "aud": AUDIENCE,
            "sub": "repo:acme/web:ref:refs/heads/main",
            "iat": self.now,
            "nbf": self.now,
            "exp": self.now + 300,
        })
    }

    /// A token without a fault.
    pub fn good(&self) -> String {
        self.keys.rsa.token("RS256", &self.claims())
    }

    /// A token that is valid except for one claim.
    pub fn with(&self, name: &str, value: impl Into<Value>) -> String {
        let mut claims = self.claims();
        claims[name] = value.into();
        self.keys.rsa.token("RS256", &claims)
    }

    /// A token that is valid except that it lacks a claim.
    fn without(&self, name: &str) -> String {
        let mut claims = self.claims();
        claims.as_object_mut().expect("claims").remove(name);
        self.keys.rsa.token("RS256", &claims)
    }

    /// A token with this header.
    pub fn under(&self, header: &Value) -> String {
        self.keys.rsa.signed("RS256", &header.to_string(), &self.claims().to_string())
    }

    /// A token whose claims begin with this text.
    pub fn beginning(&self, text: &str) -> String {
        let claims = self.claims().to_string();
        self.keys.rsa.signed("RS256", RS256, &format!("{{{text},{}", &claims[1..]))
    }
}

fn of(verdict: Verdict, tokens: Vec<(&'static str, String)>) -> Vec<BadToken> {
    tokens.into_iter().map(|(name, token)| BadToken { name, token, verdict }).collect()
}
