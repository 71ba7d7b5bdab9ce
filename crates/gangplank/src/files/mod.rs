//! A person's own files: the folders that they are in, who owns them, and how one is replaced whole.

pub(crate) mod home_folders;
#[cfg_attr(not(unix), path = "owner_elsewhere.rs")]
pub(crate) mod owner;
pub(crate) mod private_file;
