//! The server that a command calls, and the key or role that it calls with. Both come from the environment and the files
//! of the AWS CLI, read in its order, or from a server's data directory.
//!
//! `settings` reads one value from the environment or a file. `ini` and `profile` read and change those files.
//! `credentials` and `identity_token` find out who calls. `connection` puts all of that together for a command and
//! makes an `api_client`. Its calls are signed, and tried again if that may help. `call_failure` has the reasons for
//! which a call fails.

pub(crate) mod api_client;
pub(crate) mod call_failure;
pub(crate) mod connection;
pub(crate) mod credentials;
pub(crate) mod identity_token;
mod ini;
pub(crate) mod pages;
pub(crate) mod profile;
pub(crate) mod settings;
