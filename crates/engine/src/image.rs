//! Images: how they come to the engine.

use async_trait::async_trait;
use tokio::io::AsyncRead;

/// An image that has to be there before a container of it can start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageWanted {
    /// One of the registry that the engine was told of at its start.
    Ours {
        /// The repository: the service's name.
        repository: String,
        /// The digest of its manifest or index.
        digest: String,
        /// A pull login. An engine keeps it no longer than the pull.
        login: Credentials,
    },
    /// One of a public registry, pulled without any login.
    Public {
        /// The reference as it was given, such as `nginx` or `ghcr.io/x/y:1`.
        reference: String,
        /// The digest that the reference was pinned to, once it was pulled.
        pinned: Option<String>,
    },
}

/// A user name and a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(***)")
    }
}

/// An image that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentImage {
    /// What the engine starts it by.
    pub reference: String,
    /// The digest that pins it. `None` for an image that the engine has and no registry gave it.
    pub digest: Option<String>,
    /// What the caller should tell the user of how it came, such as that the engine's own copy is used.
    pub remark: Option<String>,
}

/// Images as archives, for engines that cannot pull from the registry.
#[async_trait]
pub trait Archives: Send + Sync {
    /// An image that this pull login may pull, as an archive that `docker load` reads, named `name` in it.
    ///
    /// # Errors
    /// If it is not there, cannot be read, or is not the login's to pull.
    async fn archive(
        &self,
        login: &Credentials,
        digest: &str,
        name: &str,
    ) -> std::io::Result<Box<dyn AsyncRead + Send + Unpin>>;
}
