//! Registry logins on a person's machine: making one, keeping it between calls, and the files in which container
//! tools look for it.

mod auth_file;
pub(crate) mod auth_files;
pub(crate) mod kept;
pub(crate) mod make;
pub(crate) mod named_registry;
pub(crate) mod registries;
