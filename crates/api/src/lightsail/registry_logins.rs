//! The temporary logins that only push.

use crate::macros::structure;
use crate::{Secret, Timestamp};

structure! {
    /// Nothing: the login is for the caller.
    pub struct CreateContainerServiceRegistryLoginRequest: Default {}
}

structure! {
    /// The login that was made.
    pub struct CreateContainerServiceRegistryLoginResult: Default {
        /// The login; its password is shown only once.
        "registryLogin" registry_login: Option<ContainerServiceRegistryLogin>,
    }
}

structure! {
    /// A temporary login with which images are pushed.
    pub struct ContainerServiceRegistryLogin: Default {
        /// The user name for `docker login`.
        "username" username: Option<String>,
        /// The password for `docker login`.
        "password" password: Option<Secret>,
        /// When the login ends.
        "expiresAt" expires_at: Option<Timestamp>,
        /// The address of the registry to push to, without a scheme.
        "registry" registry: Option<String>,
    }
}
