//! Operations of our own: access keys, roles, the audit trail, garbage collection, and the registry logins that
//! Lightsail does not have.
//!
//! The protocol is the same as for Lightsail, with a separate target prefix. So the service `lightsail` only
//! has Lightsail's own operations.

mod access_keys;
mod audit;
mod collection;
mod console_links;
mod health;
mod identity_tokens;
mod image_indexes;
mod image_origins;
mod operations;
mod page;
mod permissions;
mod registry_logins;
mod repositories;
mod roles;

pub use access_keys::*;
pub use audit::*;
pub use collection::*;
pub use console_links::*;
pub use health::*;
pub use identity_tokens::*;
pub use image_indexes::*;
pub use image_origins::*;
pub use operations::Operation;
pub use permissions::PermissionPreset;
pub use registry_logins::*;
pub use repositories::*;
pub use roles::*;
