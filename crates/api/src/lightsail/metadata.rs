//! What the API tells of itself.

use crate::Map;
use crate::macros::structure;

/// The version of Amazon's `lightsailctl` whose work this project was tried against and does itself.
pub const LIGHTSAILCTL_VERSION: &str = "1.0.8";

structure! {
    /// Nothing: there is one set of metadata.
    pub struct GetContainerAPIMetadataRequest: Default {}
}

structure! {
    /// What clients ought to know of the API.
    pub struct GetContainerAPIMetadataResult: Default {
        /// Entries of a `name` and a `value`, such as the newest version of the `lightsailctl` plugin.
        "metadata" metadata: Option<Vec<Map<String>>>,
    }
}
