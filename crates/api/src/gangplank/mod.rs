//! What is ours and not Amazon's: access keys, the audit trail, garbage collection, and the registry
//! logins that Lightsail does not have.
//!
//! The protocol is the same, the target prefix our own, so that the Lightsail surface stays exactly
//! Lightsail's.

mod access_keys;
mod audit;
mod collection;
mod image_indexes;
mod operations;
mod page;
mod registry_logins;

pub use access_keys::*;
pub use audit::*;
pub use collection::*;
pub use image_indexes::*;
pub use operations::Operation;
pub use registry_logins::*;
