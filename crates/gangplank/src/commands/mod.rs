//! One file per command.

pub(crate) mod access_key;
pub(crate) mod audit;
#[cfg(unix)]
pub(crate) mod backup;
pub(crate) mod configure;
pub(crate) mod console;
pub(crate) mod credential_provider;
#[cfg(unix)]
pub(crate) mod database;
pub(crate) mod deploy;
pub(crate) mod docker_credential;
#[cfg(unix)]
pub(crate) mod fsck;
pub(crate) mod gc;
#[cfg(unix)]
pub(crate) mod generate;
pub(crate) mod health;
pub(crate) mod image;
pub(crate) mod index;
pub(crate) mod lightsail;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod logs;
#[cfg(unix)]
pub(crate) mod migrate;
mod narrowing;
mod permissions;
#[cfg(unix)]
pub(crate) mod ping;
pub(crate) mod push;
#[cfg(unix)]
pub(crate) mod quickstart;
pub(crate) mod registry_login;
pub(crate) mod repository;
#[cfg(unix)]
pub(crate) mod restore;
pub(crate) mod role;
#[cfg(unix)]
pub(crate) mod s3;
#[cfg(unix)]
pub(crate) mod serve;
pub(crate) mod services;
#[cfg(not(unix))]
pub(crate) mod unserved;

// Commands that run a server or open its data directory.
#[cfg(not(unix))]
pub(crate) use unserved::{
    self as database, self as fsck, self as migrate, self as ping, self as quickstart, self as s3,
    self as serve, at_once as backup, at_once as generate, at_once as restore,
};
