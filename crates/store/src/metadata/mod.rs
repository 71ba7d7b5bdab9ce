//! Rows: who may do what, which images there are, and which bytes they consist of.
//!
//! There is one small trait per noun. Every method is one transaction: it happens as a whole or not at all. It
//! is durable (survives a power cut) before it returns, unless its comment says otherwise. Every later call
//! sees it. Every lookup takes the [`Tenant`](gangplank_core::Tenant), and for content the repository, too. So
//! an id or a digest alone opens nothing.
//!
//! A change that users see takes the [`Origin`](gangplank_core::Origin) that causes it. The same transaction
//! records it in the audit trail, so there is no change without an event, and no event without its change.
//!
//! # Errors
//! Every method can fail with [`Unavailable`](crate::StoreError::Unavailable),
//! [`Damaged`](crate::StoreError::Damaged) or [`Contended`](crate::StoreError::Contended), and a method that
//! writes also with [`Full`](crate::StoreError::Full) or [`OutcomeUnknown`](crate::StoreError::OutcomeUnknown).
//! The comment of a method names only further errors.

pub mod access_keys;
pub mod accounts;
pub mod acting;
mod answer;
pub mod audit;
pub mod blobs;
mod cache;
pub mod catalogue;
pub mod collection;
pub mod console_logins;
pub mod container_images;
pub mod container_services;
#[cfg(any(test, feature = "testing"))]
mod contending;
pub mod deployments;
mod engine;
mod erased;
pub mod inspection;
pub mod lineage;
pub mod manifests;
pub mod metric_points;
pub mod migration;
pub mod patience;
mod postgres;
pub mod progress;
pub mod provenance;
#[cfg(any(test, feature = "testing"))]
mod recording;
pub mod registry_logins;
pub mod role_sessions;
pub mod roles;
mod rules;
mod settling;
mod sqlite;
mod statistics;
mod store;
pub mod tags;
mod tx;
pub mod uploads;

pub use access_keys::AccessKeys;
pub use accounts::Accounts;
pub use audit::AuditTrail;
pub use blobs::BlobLinks;
pub use catalogue::Catalogue;
pub use collection::Collection;
pub use console_logins::ConsoleLogins;
pub use container_images::ContainerImages;
pub use container_services::ContainerServices;
#[cfg(any(test, feature = "testing"))]
pub use contending::Contending;
pub use deployments::Deployments;
pub use inspection::Inspection;
pub use lineage::Lineage;
pub use manifests::Manifests;
pub use metric_points::MetricPoints;
pub use postgres::{Agreed, Cluster, Idle, Postgres, Target, Trouble, Upgraded};
pub use progress::Progress;
pub use provenance::Provenance;
#[cfg(any(test, feature = "testing"))]
pub use recording::Recorded;
pub use registry_logins::RegistryLogins;
pub use role_sessions::RoleSessions;
pub use roles::Roles;
pub use sqlite::{Embedded, RootKey, Snapshot, Sqlite};
pub use statistics::{Durations, Statistics};
pub use store::Store;
pub use tags::Tags;
pub use uploads::Uploads;

/// Everything that is stored in rows.
pub trait Metadata:
    AccessKeys
    + Accounts
    + AuditTrail
    + ConsoleLogins
    + RegistryLogins
    + Roles
    + RoleSessions
    + Provenance
    + ContainerServices
    + ContainerImages
    + Deployments
    + BlobLinks
    + Catalogue
    + Uploads
    + Manifests
    + Tags
    + Collection
    + MetricPoints
    + Progress
    + Lineage
    + Inspection
{
    /// Whether writes are accepted. With SQLite it is `false` after a failed sync, until a restart; with
    /// PostgreSQL it is `false` after the database has not answered for some seconds.
    fn is_healthy(&self) -> bool;

    /// The figures that the database measures about itself.
    fn statistics(&self) -> std::sync::Arc<Statistics>;
}

/// Identifies the call that made a row. SDKs send the same `amz-sdk-invocation-id` with every attempt of one
/// call. So a retry finds the row and makes no second one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The caller.
    pub owner: gangplank_core::Owner,
    /// The call's `amz-sdk-invocation-id`.
    pub id: String,
}
