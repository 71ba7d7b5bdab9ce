//! What the header of a token says.

use jsonwebtoken::{Algorithm, AlgorithmFamily};
use serde_json::{Map, Value};

use super::refused::Refused;

/// What counts of a header. Keys and addresses of keys (`jwk`, `jku`, `x5c`, `x5u`) do not: whoever makes a token
/// could name its own.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// How the token says that it is signed. The key decides whether that can be.
    pub(super) algorithm: Algorithm,
    /// Which key of the issuer signed it.
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

/// Whether a signature can be verified by those who cannot make one.
fn is_public(algorithm: Algorithm) -> bool {
    algorithm.family() != AlgorithmFamily::Hmac
}
