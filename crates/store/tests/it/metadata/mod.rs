//! The contract of stores of rows.

mod access_keys;
mod audit;
mod blobs;
mod catalogue;
mod collection;
pub(crate) mod console_logins;
mod container_images;
mod container_services;
mod crowd;
mod deployments;
mod durability;
mod image_content;
mod isolation;
mod lineage;
mod manifests;
mod metric_points;
mod own;
mod provenance;
mod quotas;
mod referrers;
mod registry_logins;
mod role_sessions;
mod roles;
mod tags;
mod uploads;
