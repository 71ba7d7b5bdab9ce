//! Facts about the API.

use crate::Map;
use crate::macros::structure;

/// The version of Amazon's `lightsailctl` that this project was tested against and that its own plugin is equal to.
pub const LIGHTSAILCTL_VERSION: &str = "1.0.8";

structure! {
    /// Nothing: there is one set of metadata.
    pub struct GetContainerAPIMetadataRequest: Default {}
}

structure! {
    /// Facts about the API for its clients.
    pub struct GetContainerAPIMetadataResult: Default {
        /// Entries of a `name` and a `value`, such as the newest version of the `lightsailctl` plugin.
        "metadata" metadata: Option<Vec<Map<String>>>,
    }
}
