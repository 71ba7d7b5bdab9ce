//! Images, and how the engine gets them.

use async_trait::async_trait;
use tokio::io::AsyncRead;

/// An image that a container needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageWanted {
    /// An image of our registry, which the engine's options name.
    Ours {
        /// The repository, which has the service's name.
        repository: String,
        /// The digest of its manifest or index.
        digest: String,
        /// A pull login. The engine keeps it only for the pull.
        login: Credentials,
    },
    /// An image of a public registry, pulled without a login.
    Public {
        /// The reference as it was written, such as `nginx` or `ghcr.io/x/y:1`.
        reference: String,
        /// The digest of the first pull, to which the reference is pinned.
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

/// An image that the engine has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentImage {
    /// The reference with which the engine starts it.
    pub reference: String,
    /// The digest that pins it. `None` if the engine has the image and no registry gave it.
    pub digest: Option<String>,
    /// A remark for the user about the origin of the image, such as that the engine's own copy is used.
    pub remark: Option<String>,
}

/// Archives of images, for engines that cannot pull from the registry.
#[async_trait]
pub trait Archives: Send + Sync {
    /// An archive of an image for `docker load`. In it the image is called `name`.
    ///
    /// # Errors
    /// If the image does not exist or cannot be read, or if the login may not pull it.
    async fn archive(
        &self,
        login: &Credentials,
        digest: &str,
        name: &str,
    ) -> std::io::Result<Box<dyn AsyncRead + Send + Unpin>>;
}
