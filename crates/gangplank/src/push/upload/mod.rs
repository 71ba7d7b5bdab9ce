//! The upload of an image: the registry and its login, the upload of one blob, and the rules for trying again.

pub(crate) mod blob;
pub(crate) mod login;
pub(crate) mod registry;
mod tries;
