//! The registry's side of a push: its login, one blob's upload, and how often something is tried.

pub(crate) mod blob;
pub(crate) mod login;
pub(crate) mod registry;
mod tries;
