//! As whom a bucket is asked, and who knows that.

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
    /// The public half.
    pub access_key_id: String,
    /// The half that signs.
    pub secret_access_key: String,
    /// What comes with temporary keys.
    pub session_token: Option<String>,
    /// When it ends, in Unix seconds.
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

/// One place that may know an access key.
#[async_trait]
pub trait Source: Send + Sync {
    /// Its name in a sentence, such as `the environment`.
    fn name(&self) -> &'static str;
    /// Asks it; `None` if it is not set up to know any.
    ///
    /// # Errors
    /// Why it cannot say, in words, without a secret.
    async fn fetch(&self) -> Result<Option<Keys>, String>;
}
