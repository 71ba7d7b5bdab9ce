//! The server that a command calls, and the key or role that it calls with. Both come from the environment and the files
//! of the AWS CLI, read in its order, or from a server's data directory.
//!
//! `settings` reads one value of the environment or a file; `ini` and `profile` read and change those files;
//! `credentials` and `identity_token` say who calls. `connection` finds all of that for a command and makes an
//! `api_client`, whose calls are signed and tried again. `call_failure` says why a call has no result.

pub(crate) mod api_client;
pub(crate) mod call_failure;
pub(crate) mod connection;
pub(crate) mod credentials;
pub(crate) mod identity_token;
mod ini;
pub(crate) mod pages;
pub(crate) mod profile;
pub(crate) mod settings;
