//! The configuration of issuers of identity tokens.

use std::path::PathBuf;
use std::time::Duration;

/// An OIDC issuer that the server trusts to say who a job is, such as a CI or a cluster. Only the operator
/// adds issuers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// The exact `iss` of its tokens: `https://...`, or `http://...` on loopback.
    pub url: String,
    /// The audiences: the `aud` of a token names at least one of them.
    pub audiences: Vec<String>,
    /// The source of its keys.
    pub keys: IssuerKeys,
    /// A PEM file of certificates to trust for its address, in place of the certificates of the system.
    pub ca_file: Option<PathBuf>,
    /// The longest time from `iat` to `exp` of its tokens.
    pub max_token_life: Duration,
}

/// The source of an issuer's keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IssuerKeys {
    /// The address in its discovery document.
    #[default]
    Discovery,
    /// A file with a JWK set. It is read again when it changes. No connection is made.
    File(PathBuf),
}

impl Issuer {
    /// The default of `max_token_life`.
    pub const MAX_TOKEN_LIFE: Duration = Duration::from_hours(24);

    /// An issuer with discovered keys and the system's certificates.
    pub fn new(url: impl Into<String>, audiences: impl IntoIterator<Item: Into<String>>) -> Self {
        Self {
            url: url.into(),
            audiences: audiences.into_iter().map(Into::into).collect(),
            keys: IssuerKeys::default(),
            ca_file: None,
            max_token_life: Self::MAX_TOKEN_LIFE,
        }
    }
}
