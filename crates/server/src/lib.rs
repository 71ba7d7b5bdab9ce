//! The services of Gangplank. The control API and the registry share one listener.
//!
//! Start with [`Server::start`]; follow a request from [`http::listener`] through [`http::dispatch`]
//! into [`control`] (AWS JSON, signed) or [`registry`] (the OCI Distribution API, logins).

mod app;
pub mod backup;
mod certificates;
mod clock;
mod collection;
pub mod config;
mod console;
mod container_logs;
mod control;
mod coordination;
pub mod data_dir;
mod deployments;
mod discarded;
mod endpoint;
pub mod fsck;
mod hashing;
mod home;
mod http;
mod jobs;
mod joining;
mod last_use;
mod listening;
mod metrics;
pub mod migration;
mod offline_collection;
pub mod oidc;
mod opening;
mod private;
mod processor_shares;
mod publishing;
mod pulls;
mod refusals;
mod registry;
mod relay;
mod removals;
mod root_key;
mod sealing;
mod server;
mod tenure;
mod terms;

pub use config::{
    AuditKept, Collection, Config, Deployments, EarlierTables, EngineChoice, Issuer, IssuerKeys, Limits,
    Network, RESTORE_WINDOW, Redirects, TlsFiles,
};
pub use control::audit_events;
pub use deployments::pace::Pace;
pub use joining::create_in_cluster;
pub use metrics::of_each as each_metric;
pub use offline_collection::{collect_in, collect_shared};
pub use root_key::{
    NewKey, Rights, all_access_keys, create_access_key, create_first_key, local_endpoint, provide_credentials,
};
pub use sealing::MasterKey;
pub use server::{Server, Waiting};
pub use terms::Terms;
