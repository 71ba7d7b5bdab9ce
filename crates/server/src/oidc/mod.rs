//! Identity tokens of issuers that the operator configured (OIDC), and their verification.
//!
//! Start with [`Issuers::open`], then follow a token through [`Issuers::verify`]: its parts ([`token`],
//! [`header`]), its issuer, the issuer's key ([`key_set`], kept by [`kept_keys`], fetched by [`discovery`] or
//! read from a [`key_file`]), the signature ([`key`]), its [`times`], its audience, its [`claims`].
//!
//! The server only connects to a configured issuer, or to the `jwks_uri` in the issuer's discovery document. A
//! token cannot make it connect anywhere else.

mod claims;
mod discovery;
mod fetch;
mod header;
mod issuer;
mod issuer_url;
mod issuers;
mod kept_keys;
mod key;
mod key_file;
mod key_set;
mod provider;
mod refused;
mod renames;
mod schedule;
#[cfg(test)]
mod tests;
mod times;
mod token;

pub use claims::{Claim, Claims};
pub use issuers::{Issuers, Verified};
pub use refused::Refused;
pub use renames::remembered;
