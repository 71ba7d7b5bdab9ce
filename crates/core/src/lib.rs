//! The rules of Gangplank, free of HTTP, SQL and wire shapes.
//!
//! Everything here is a function of its arguments: time comes in as `now`, and randomness as bytes.
//! [`registry_login`] and [`grant`] have the rights of registry logins, and [`login_limits`] their limits.
//! [`login_facts`] decides whether a login is live. [`image_name`] has the names of images. [`principal`] has
//! the actors, and [`role`] the roles. [`tenant`] has accounts and regions. [`policy`] evaluates policies. The
//! database's state comes in as facts, so a rule that needs no query is decided here.

pub mod access_key;
pub mod audit;
pub mod authorization;
pub mod console;
pub mod container_service;
pub mod deployment;
pub mod grant;
pub mod image_name;
pub mod json;
pub mod key_state;
pub mod lease;
pub mod log_filter;
pub mod login_facts;
pub mod login_limits;
pub mod manifest;
pub mod network;
pub mod permission;
pub mod policy;
pub mod power;
pub mod principal;
pub mod quotas;
pub mod registry_login;
pub mod role;
pub mod tenant;
pub mod time;
pub mod upload;

pub use access_key::{AccessKeyId, SecretAccessKey};
pub use audit::{EventKind, Origin};
pub use console::{ConsoleSecret, ConsoleSecretHash};
pub use container_service::{ContainerService, ServiceId};
pub use grant::{Access, Action, Grant};
pub use image_name::{ImageName, ImageReference};
pub use lease::{Leases, Renewal};
pub use log_filter::LogFilter;
pub use login_facts::LoginFacts;
pub use login_limits::{LoginLimits, Reach};
pub use network::Network;
pub use permission::Permission;
pub use power::{Power, Scale};
pub use principal::{Owner, Principal};
pub use quotas::{OverQuota, Quota, Quotas};
pub use registry_login::{LoginId, Password, PasswordHash, Scope};
pub use role::{RoleId, RoleName, SessionName};
pub use tenant::{AccountId, Region, Tenant};
pub use time::Time;
