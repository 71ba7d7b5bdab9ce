//! One file per page.

pub(crate) mod access_keys;
pub(crate) mod confirm;
pub(crate) mod logins;
pub(crate) mod manifest;
pub(crate) mod message;
pub(crate) mod repositories;
pub(crate) mod rights;
pub(crate) mod roles;
pub(crate) mod service;
pub(crate) mod services;
pub(crate) mod sign_in;
