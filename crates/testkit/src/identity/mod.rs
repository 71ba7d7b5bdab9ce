//! Identity tokens as issuers make them, and an issuer on loopback. It uses no code of the program under test.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

pub mod bad_tokens;
mod fake_issuer;
mod signing;
mod token_endpoint;

pub use fake_issuer::{Answer, Decoy, FakeIssuer, document, tls_file};
pub use signing::{TestKey, base64, jwks, message, with_mac};
pub use token_endpoint::TokenEndpoint;
