//! Identity tokens of issuers that the operator configured (OIDC), and their verification.
//!
//! Start with [`Issuers::open`], then follow a token through [`Issuers::verify`]: its parts ([`token`], [`header`]),
//! its issuer, the issuer's key ([`key_set`], kept by [`kept_keys`], fetched by [`discovery`] or read from a
//! [`key_file`]), the signature ([`key`]), its [`times`], its audience, its [`claims`].
//!
//! A connection goes to a configured issuer, or to the `jwks_uri` that its discovery document names. Nothing that a
//! token says leads to another.

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
