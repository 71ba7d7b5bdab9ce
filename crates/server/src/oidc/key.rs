//! One key of an issuer.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

/// The allowed sizes of an RSA key, in bits. Smaller keys can be broken, and larger ones cost too much time.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=8_192;

const RSA: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

/// A public key, and the algorithms that it may verify. The key decides the algorithm, and not the token.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) id: Option<String>,
    algorithms: &'static [Algorithm],
    verifier: DecodingKey,
}

impl Key {
    /// Reads a key of a JWK set. `None` if it cannot verify a token here.
    pub(super) fn read(jwk: &Value) -> Option<Self> {
        let Jwk { common, algorithm } = serde_json::from_value(jwk.clone()).ok()?;
        if !is_for_signatures(&common) {
            return None;
        }
        let (algorithms, verifier) = match &algorithm {
            AlgorithmParameters::RSA(key) => (RSA, rsa(&key.n, &key.e)?),
            AlgorithmParameters::EllipticCurve(key) => {
                let (algorithms, bytes): (&[_], _) = match key.curve {
                    EllipticCurve::P256 => (&[Algorithm::ES256], 32),
                    EllipticCurve::P384 => (&[Algorithm::ES384], 48),
                    _ => return None,
                };
                let is_whole = |text| decoded(text).is_some_and(|number| number.len() == bytes);
                let verifier = DecodingKey::from_ec_components(&key.x, &key.y).ok()?;
                (algorithms, Some(verifier).filter(|_| is_whole(&key.x) && is_whole(&key.y))?)
            }
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
                decoded(&key.x).filter(|point| point.len() == 32)?;
                (&[Algorithm::EdDSA][..], DecodingKey::from_ed_components(&key.x).ok()?)
            }
            _ => return None,
        };
        let algorithms = match common.key_algorithm {
            None => algorithms,
            Some(only) => {
                let only = Algorithm::try_from(only).ok()?;
                let at = algorithms.iter().position(|algorithm| *algorithm == only)?;
                &algorithms[at..=at]
            }
        };
        Some(Self { id: common.key_id, algorithms, verifier })
    }

    /// Whether this key may verify signatures of this algorithm.
    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// Whether this key signed the message. Always false if the key does not fit the algorithm. The signature
    /// is in base64url.
    pub(super) fn has_signed(&self, message: &[u8], signature: &str, algorithm: Algorithm) -> bool {
        self.fits(algorithm)
            && jsonwebtoken::crypto::verify(signature, message, &self.verifier, algorithm).unwrap_or(false)
    }
}

fn is_for_signatures(common: &CommonParameters) -> bool {
    common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature)
        && common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify))
}

fn rsa(modulus: &str, exponent: &str) -> Option<DecodingKey> {
    let (modulus, exponent) = (decoded(modulus)?, decoded(exponent)?);
    let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
    let modulus = &modulus[zeros..];
    let bits = modulus.len() * 8 - modulus.first()?.leading_zeros() as usize;
    RSA_BITS.contains(&bits).then(|| DecodingKey::from_rsa_raw_components(modulus, &exponent))
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rsa_of(modulus: &[u8]) -> Option<Key> {
        let modulus = BASE64_URL_SAFE_NO_PAD.encode(modulus);
        Key::read(&json!({"kty": "RSA", "kid": "a", "n": modulus, "e": "AQAB"}))
    }

    #[test]
    fn rsa_keys_have_2048_to_8192_bits() {
        for (bytes, first, is_usable) in [
            (128, 0xFF, false),
            (255, 0xFF, false),
            (256, 0x7F, false),
            (256, 0x80, true),
            (257, 0x00, true),
            (257, 0x01, true),
            (1_024, 0xFF, true),
            (1_025, 0x01, false),
            (100_000, 0xFF, false),
        ] {
            let mut modulus = vec![0xFF; bytes];
            modulus[0] = first;
            assert_eq!(rsa_of(&modulus).is_some(), is_usable, "{bytes} bytes from {first}");
        }
        assert!(rsa_of(&[]).is_none() && rsa_of(&[0; 300]).is_none());
    }

    #[test]
    fn points_of_curves_are_whole() {
        let ec = |curve: &str, x: usize, y: usize| {
            let number = |bytes: usize| BASE64_URL_SAFE_NO_PAD.encode(vec![1; bytes]);
            Key::read(&json!({"kty": "EC", "crv": curve, "x": number(x), "y": number(y)})).is_some()
        };
        assert!(ec("P-256", 32, 32) && ec("P-384", 48, 48));
        assert!(
            !ec("P-256", 31, 33) && !ec("P-256", 48, 48) && !ec("P-521", 66, 66) && !ec("P-256K", 32, 32)
        );
        let ed = |curve: &str, x: &str| Key::read(&json!({"kty": "OKP", "crv": curve, "x": x})).is_some();
        let x = BASE64_URL_SAFE_NO_PAD.encode([1; 32]);
        assert!(ed("Ed25519", &x) && !ed("Ed25519", &x[2..]) && !ed("P-256", &x) && !ed("X25519", &x));
    }
}
