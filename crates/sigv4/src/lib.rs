//! AWS Signature Version 4 in the `Authorization` header: sign and verify.
//!
//! Pure: no IO, no clock (`now` is given), no key store (the secret is given). A server reads the claims of a request
//! with [`Claim::parse`], looks up the secret of [`Claim::access_key_id`], and calls [`Claim::verify`]. A client
//! calls [`sign`]. Both build the same canonical request, so they cannot differ. A client of S3 calls [`sign_s3`], or
//! makes a URL for somebody else with [`presign_s3`].
//!
//! Left out on purpose: the verification of signatures in the query (presigned URLs), chunked payloads, the asymmetric
//! variant, and the verification of requests to S3. This verifier has only one code path. In other programs,
//! signatures went unchecked on a second one (`MinIO` CVE-2025-31489, CVE-2026-40344, CVE-2026-41145).

mod authorization;
mod canonical;
mod claim;
mod claimed_service;
mod refusal;
mod request;
mod sign;
mod timestamp;

#[doc(hidden)]
pub use canonical::canonical_request;
pub use canonical::{encode, encode_path};
pub use claim::Claim;
pub use claimed_service::claimed_service;
pub use refusal::Refusal;
pub use request::{Policy, Request};
pub use sign::{Credentials, Payload, presign_s3, sign, sign_s3};

/// The only algorithm here: HMAC-SHA256 over a canonical request.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The last part of every credential scope.
const TERMINATOR: &str = "aws4_request";
