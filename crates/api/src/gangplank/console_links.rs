//! One-time links to the web console.

use crate::macros::structure;
use crate::{Secret, Timestamp};

structure! {
    /// Nothing: the link is for the caller who signs this call.
    pub struct CreateConsoleLinkRequest: Default {}
}

structure! {
    /// The one-time link that was made.
    pub struct CreateConsoleLinkResult {
        /// The path of the link, to follow the server's address. It signs a browser in, once.
        "path" path: Secret,
        /// When the link ends.
        "expiresAt" expires_at: Timestamp,
    }
}
