//! The rules of the store, each written once over a transaction, a file for each noun.
//!
//! A rule takes its input by reference, so that it can run again, and locks first, in the order of
//! [`Level`](super::tx::Level).

pub(crate) mod access_keys;
pub(crate) mod audit;
pub(crate) mod blobs;
pub(crate) mod catalogue;
pub(crate) mod collection;
pub(crate) mod console_logins;
pub(crate) mod container_images;
pub(crate) mod container_services;
pub(crate) mod content_keys;
pub(crate) mod deployments;
pub(crate) mod garbage;
pub(crate) mod holds;
pub(crate) mod image_names;
pub(crate) mod inspection;
pub(crate) mod leases;
pub(crate) mod live_counts;
pub(crate) mod login_facts;
pub(crate) mod login_limits;
pub(crate) mod manifests;
pub(crate) mod metric_points;
pub(crate) mod progress;
pub(crate) mod provenance;
pub(crate) mod put_manifest;
pub(crate) mod registry_logins;
pub(crate) mod role_sessions;
pub(crate) mod roles;
pub(crate) mod rows;
pub(crate) mod service_domains;
pub(crate) mod sources;
pub(crate) mod tags;
pub(crate) mod uploads;
pub(crate) mod usage;
