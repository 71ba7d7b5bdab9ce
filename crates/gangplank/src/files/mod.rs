//! A person's own files: their folders, their owner, and how one is replaced as a whole.

pub(crate) mod home_folders;
#[cfg_attr(not(unix), path = "owner_elsewhere.rs")]
pub(crate) mod owner;
pub(crate) mod private_file;
