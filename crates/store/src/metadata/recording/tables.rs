//! Which lock guards the rows of which table.

use crate::metadata::tx::Level;

/// A table of the database.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// The level of its rows. Tables of one level are locked in the order of [`TABLES`].
    pub(super) level: Level,
    /// Tables whose rows, locked with `Update`, guard the rows of this one too.
    pub(super) guards: &'static [&'static str],
    /// A rule that has locked a row of one of these tables with `Share` may add rows to this table, or renew
    /// rows.
    pub(super) adds_under: &'static [&'static str],
}

/// All tables, in the order of their locks.
pub(super) const TABLES: &[Table] = &[
    table("progress", Level::Server, &[]),
    table("access_keys", Level::Principal, &[]),
    table("deleted_access_keys", Level::Principal, &["access_keys"]),
    table("roles", Level::Principal, &[]),
    table("deleted_roles", Level::Principal, &["roles"]),
    table("role_sessions", Level::Principal, &["roles"]),
    table("tenants", Level::Tenant, &[]),
    table("services", Level::Service, &[]),
    table("service_domains", Level::Service, &["services"]),
    table("deployments", Level::Service, &["services"]),
    table("deployment_images", Level::Service, &["services"]),
    table("deployment_manifests", Level::Service, &["services"]),
    table("rollouts", Level::Service, &["services"]),
    table("container_images", Level::Service, &["services"]),
    table("image_manifests", Level::Service, &["services"]),
    table("image_blobs", Level::Service, &["services"]),
    table("metric_points", Level::Service, &["services"]),
    table("registry_logins", Level::Login, &[]),
    table("console_logins", Level::Login, &[]),
    table("console_links", Level::Login, &[]),
    table("uploads", Level::Session, &[]),
    table("upload_keys", Level::Session, &["uploads"]),
    table("repositories", Level::Repository, &[]),
    table("tags", Level::Repository, &["repositories"]),
    table("tag_puts", Level::Repository, &["repositories", "registry_logins"]),
    table("manifests", Level::Manifest, &["repositories"]),
    table("manifest_blobs", Level::Manifest, &["repositories"]),
    table("manifest_children", Level::Manifest, &["repositories"]),
    table("manifest_puts", Level::Manifest, &["repositories", "registry_logins"]),
    table("blobs", Level::Blob, &[]),
    Table { adds_under: &["repositories"], ..table("blob_links", Level::Link, &["repositories"]) },
    table("blob_puts", Level::Link, &["repositories", "registry_logins"]),
    table("discarded", Level::Last, &[]),
    table("sources", Level::Last, &[]),
    table("accounts", Level::Last, &[]),
    table("audit", Level::Last, &[]),
    // SQLite's own: the last keys of tables.
    table("sqlite_sequence", Level::Last, &[]),
];

const fn table(name: &'static str, level: Level, guards: &'static [&'static str]) -> Table {
    Table { name, level, guards, adds_under: &[] }
}

/// The position of a table in [`TABLES`], and the table.
pub(super) fn find(name: &str) -> Option<(usize, &'static Table)> {
    TABLES.iter().enumerate().find(|(_, table)| table.name == name)
}
