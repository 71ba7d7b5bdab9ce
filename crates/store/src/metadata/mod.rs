//! Rows: who may do what, which images there are, which bytes they are made of.
//!
//! One small trait per noun. Every method is one transaction: it happens whole or not at all, is
//! durable (survives power loss) before it returns unless it says otherwise, and is seen by every
//! later call. Every lookup takes the [`Tenant`](gangplank_core::Tenant), and where content is
//! concerned the repository: an id or a digest alone opens nothing.
//!
//! A change that users see takes the [`Origin`](gangplank_core::Origin) that makes it and is noted in the audit
//! trail in the same transaction: there is no change without its note, and no note without its change.

pub mod access_keys;
pub mod accounts;
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
pub mod inspection;
pub mod manifests;
pub mod metric_points;
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
pub use manifests::Manifests;
pub use metric_points::MetricPoints;
pub use postgres::{Cluster, Postgres, Target};
pub use progress::Progress;
pub use provenance::Provenance;
#[cfg(any(test, feature = "testing"))]
pub use recording::Recorded;
pub use registry_logins::RegistryLogins;
pub use role_sessions::RoleSessions;
pub use roles::Roles;
pub use sqlite::{Embedded, RootKey, Snapshot, Sqlite};
pub use store::Store;
pub use tags::Tags;
pub use uploads::Uploads;

/// Everything that is kept in rows.
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
    + Inspection
{
    /// Whether writes are still taken: `false` after a failed sync, until a restart.
    fn is_healthy(&self) -> bool;
}

/// Which attempt of which request made a row, so that a retry finds it instead of making another.
/// SDKs repeat `amz-sdk-invocation-id` on every attempt of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// Who called.
    pub owner: gangplank_core::Owner,
    /// The call's `amz-sdk-invocation-id`.
    pub id: String,
}
