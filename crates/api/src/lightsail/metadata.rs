//! What the API tells of itself.

use crate::Map;
use crate::macros::structure;

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
