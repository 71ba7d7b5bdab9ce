//! Registry logins on a person's machine: how one is made, which are kept between calls, and the files in which container
//! tools look for them.

mod auth_file;
pub(crate) mod auth_files;
pub(crate) mod kept;
pub(crate) mod make;
pub(crate) mod named_registry;
pub(crate) mod registries;
