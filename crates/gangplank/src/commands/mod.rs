//! One file per command.

pub(crate) mod access_key;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod configure;
pub(crate) mod credential_provider;
pub(crate) mod deploy;
pub(crate) mod docker_credential;
pub(crate) mod fsck;
pub(crate) mod gc;
pub(crate) mod generate;
pub(crate) mod image;
pub(crate) mod index;
pub(crate) mod lightsail;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod logs;
mod narrowing;
mod permissions;
pub(crate) mod ping;
pub(crate) mod push;
pub(crate) mod quickstart;
pub(crate) mod registry_login;
pub(crate) mod restore;
pub(crate) mod role;
pub(crate) mod serve;
pub(crate) mod services;
