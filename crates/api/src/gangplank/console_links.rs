//! One-time links to the web console.

use crate::macros::structure;
use crate::{Secret, Timestamp};

structure! {
    /// Nothing: the link is for whoever signs the call.
    pub struct CreateConsoleLinkRequest: Default {}
}

structure! {
    /// The one-time link that was made.
    pub struct CreateConsoleLinkResult {
        /// What follows the address of the server in the link. It signs a browser in, once.
        "path" path: Secret,
        /// When the link ends.
        "expiresAt" expires_at: Timestamp,
    }
}
