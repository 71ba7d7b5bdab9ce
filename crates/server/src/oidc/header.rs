//! The header of a token.

use jsonwebtoken::{Algorithm, AlgorithmFamily};
use serde_json::{Map, Value};

use super::refused::Refused;

/// The parts of a header that count. Keys and addresses of keys (`jwk`, `jku`, `x5c`, `x5u`) are ignored,
/// because a forger could name their own.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The algorithm that the token claims. The issuer's key decides whether it may be used.
    pub(super) algorithm: Algorithm,
    /// The id of the issuer's key that signed the token.
    pub(super) key_id: Option<String>,
}

impl Header {
    pub(super) fn read(members: &Map<String, Value>) -> Result<Self, Refused> {
        if members.contains_key("crit") {
            return Err(Refused::invalid(
                "The identity token demands extensions (crit) that are not known here.",
            ));
        }
        if members.get("typ").is_some_and(|kind| kind != "JWT") {
            return Err(Refused::invalid("The identity token is of another type than JWT (typ)."));
        }
        let key_id = match members.get("kid") {
            None => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(_) => return Err(Refused::invalid("The identity token's key id (kid) is not a text.")),
        };
        let named = members.get("alg").and_then(Value::as_str);
        let algorithm = named.and_then(|name| name.parse().ok()).filter(|algorithm| is_public(*algorithm));
        let Some(algorithm) = algorithm else {
            return Err(Refused::invalid(
                "The identity token's algorithm (alg) is not one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, \
                 ES384 and EdDSA.",
            ));
        };
        Ok(Self { algorithm, key_id })
    }
}

/// Whether a verifier of signatures cannot also make them: the algorithm uses a key pair.
fn is_public(algorithm: Algorithm) -> bool {
    algorithm.family() != AlgorithmFamily::Hmac
}
