//! Splits a token into its parts.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gangplank_api::strict_json;
use serde_json::{Map, Value};

use super::refused::Refused;

/// The length of a token in bytes, with the limits of STS.
const LENGTH: std::ops::RangeInclusive<usize> = 4..=20_000;

/// The parts of a token. None may be trusted before the signature is verified.
pub(super) struct Token<'t> {
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    /// The bytes that are signed.
    pub(super) message: &'t [u8],
    /// The signature, in base64url.
    pub(super) signature: &'t str,
}

impl<'t> Token<'t> {
    /// Splits a token. White space at its end is ignored, because a file may have some.
    ///
    /// # Errors
    /// If the token is too short or too long, or is no JWT.
    pub(super) fn read(text: &'t str) -> Result<Self, Refused> {
        if !LENGTH.contains(&text.len()) {
            return Err(Refused::ValidationError(format!(
                "The identity token has {} bytes; it must have {} to {}.",
                text.len(),
                LENGTH.start(),
                LENGTH.end()
            )));
        }
        let text = text.trim_ascii_end();
        let parts: Vec<&str> = text.split('.').collect();
        let [header, claims, signature] = parts[..] else {
            return Err(Refused::invalid("The identity token is no JWT: it has not three parts."));
        };
        if signature.is_empty() || BASE64_URL_SAFE_NO_PAD.decode(signature).is_err() {
            return Err(Refused::invalid("The identity token is no JWT: its signature is not in base64url."));
        }
        Ok(Self {
            message: &text.as_bytes()[..header.len() + 1 + claims.len()],
            header: object("header", header)?,
            claims: object("claims", claims)?,
            signature,
        })
    }
}

/// Reads a part that must be a JSON object. A member that is given twice, at any depth, is refused, because
/// readers differ in which of the two they take.
fn object(part: &str, text: &str) -> Result<Map<String, Value>, Refused> {
    let refused = |words: &str| Refused::invalid(format!("The identity token's {part} {words}."));
    let json = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| refused("cannot be read: no base64url"))?;
    match strict_json(&json) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(refused("cannot be read: no JSON object")),
        // The parser's own message could repeat parts of the token.
        Err(_) => Err(refused("cannot be read: no JSON object, or one in which a member is given twice")),
    }
}
