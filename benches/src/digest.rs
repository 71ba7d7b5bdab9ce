//! Digests of pushed content.

use sha2::{Digest as _, Sha256};

/// `sha256:...` of some bytes.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}
