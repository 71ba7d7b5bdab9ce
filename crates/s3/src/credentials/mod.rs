//! Access keys for a bucket, and the sources that they come from.

mod container;
mod fetch;
mod instance;
mod kept;
mod web_identity;

use std::fmt;

use async_trait::async_trait;

pub use container::{Container, ContainerToken};
pub use instance::Instance;
pub(crate) use kept::Kept;
pub use web_identity::WebIdentity;

/// An access key.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// The id of the key.
    pub access_key_id: String,
    /// The secret that signs requests.
    pub secret_access_key: String,
    /// The session token of a temporary key.
    pub session_token: Option<String>,
    /// When the key expires, in Unix seconds; `None` if it does not.
    pub expires: Option<i64>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("access_key_id", &self.access_key_id)
            .field("secret_access_key", &"***")
            .field("session_token", &self.session_token.as_ref().map(|_| "***"))
            .field("expires", &self.expires)
            .finish()
    }
}

/// A source of access keys.
#[async_trait]
pub trait Source: Send + Sync {
    /// Its name in a sentence, such as `the environment`.
    fn name(&self) -> &'static str;
    /// Gets the present key; `None` if this source is not set up.
    ///
    /// # Errors
    /// If the source is set up and fails. The text says why, and has no secret.
    async fn fetch(&self) -> Result<Option<Keys>, String>;
}
