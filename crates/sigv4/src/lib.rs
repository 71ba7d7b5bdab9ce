//! AWS Signature Version 4 in the `Authorization` header: sign and verify.
//!
//! Pure: no IO, no clock (`now` is given), no key store (the secret is given). A server reads what a request claims
//! with [`Claim::parse`], looks up the secret of [`Claim::access_key_id`], and settles it with [`Claim::verify`].
//! A client calls [`sign`]. Both build the same canonical request, so neither can drift from the other.
//! A client of S3 calls [`sign_s3`], which nothing here verifies.
//!
//! Not here, on purpose: signatures in the query (presigned URLs), chunked payloads, the verification of unsigned
//! payloads and of S3's paths, and the asymmetric variant. A verifier has one path: a second one is where signatures went unchecked (`MinIO`
//! CVE-2025-31489, CVE-2026-40344, CVE-2026-41145).

mod authorization;
mod canonical;
mod claim;
mod claimed_service;
mod credential;
mod hex_digest;
mod key;
mod refusal;
mod request;
mod shown;
mod sign;
mod signed_headers;
mod timestamp;
mod uri;

#[doc(hidden)]
pub use canonical::canonical_request;
pub use claim::Claim;
pub use claimed_service::claimed_service;
pub use refusal::Refusal;
pub use request::{Policy, Request};
pub use sign::{Credentials, Payload, sign, sign_s3};
pub use uri::{encode, encode_path};

/// The only algorithm there is here: HMAC-SHA256 over a canonical request.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The last part of every credential scope.
const TERMINATOR: &str = "aws4_request";
