//! What a server is told of issuers of identity tokens.

use std::path::PathBuf;
use std::time::Duration;

/// Somebody whose word on who a job is counts: the OIDC issuer of a CI, of a cluster. Only the operator names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// What its tokens say in `iss`, letter by letter: `https://...`, or `http://...` on loopback.
    pub url: String,
    /// What its tokens may say in `aud`: at least one of these.
    pub audiences: Vec<String>,
    /// Where its keys come from.
    pub keys: IssuerKeys,
    /// A PEM file of the certificates that it is known by, in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// How long its tokens may live, from `iat` to `exp`.
    pub max_token_life: Duration,
}

/// Where the keys of an issuer come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IssuerKeys {
    /// From the address that its discovery document names.
    #[default]
    Discovery,
    /// From a file that holds a JWK set, read anew when it changes. No connection is made.
    File(PathBuf),
}

impl Issuer {
    /// How long a token may live if the operator says nothing.
    pub const MAX_TOKEN_LIFE: Duration = Duration::from_hours(24);

    /// An issuer whose keys are discovered, with the system's certificates.
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
