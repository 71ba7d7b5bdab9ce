//! Derived keys (IAM User Guide, "Create a signed AWS API request", steps 2 and 4).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The signature of a string. Its key is derived from a secret for a scope `yyyymmdd/region/service/aws4_request`: a
/// chain of HMACs over the scope's parts.
pub(crate) fn signature(secret: &[u8], scope: &str, string_to_sign: &[u8]) -> [u8; 32] {
    let root = [b"AWS4", secret].concat();
    let mut parts = scope.split('/');
    let first = hmac(&root, parts.next().unwrap_or_default().as_bytes());
    let key = parts.fold(first, |key, part| hmac(&key, part.as_bytes()));
    hmac(&key, string_to_sign)
}

fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}
