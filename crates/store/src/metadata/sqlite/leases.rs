//! Leases of manifests and of what they are made of. What holds what is in the schema.

use gangplank_core::{Renewal, Time};
use rusqlite::{Connection, params};

use crate::Result;

/// Renews the lease on a manifest.
pub(super) fn renew_manifest(connection: &Connection, manifest: i64, renewal: Renewal) -> Result<()> {
    let mut renew = connection.prepare_cached(
        "UPDATE manifests SET leased_at = ?2 WHERE id = ?1 AND leased_at < ?2 AND leased_at <= ?3",
    )?;
    renew.execute(params![manifest, renewal.now.0, renewal.stale.0])?;
    Ok(())
}

/// Renews the leases on what a manifest holds: its blobs, its children, and what is about it.
pub(super) fn renew_parts(connection: &Connection, manifest: i64, renewal: Renewal) -> Result<()> {
    let parts = [
        "UPDATE blob_links SET leased_at = ?2
         WHERE leased_at < ?2 AND leased_at <= ?3 AND (repository, blob) IN (
             SELECT n.repository, b.id
             FROM manifest_blobs n
             CROSS JOIN repositories r ON r.id = n.repository
             CROSS JOIN blobs b ON b.tenant = r.tenant AND b.digest = n.digest
             WHERE n.manifest = ?1)",
        "UPDATE manifests SET leased_at = ?2
         WHERE leased_at < ?2 AND leased_at <= ?3 AND id IN (
             SELECT m.id
             FROM manifest_children c
             CROSS JOIN manifests m ON m.repository = c.repository AND m.digest = c.digest
             WHERE c.manifest = ?1)",
        "UPDATE manifests SET leased_at = ?2
         WHERE leased_at < ?2 AND leased_at <= ?3 AND id IN (
             SELECT m.id
             FROM manifests s
             CROSS JOIN manifests m ON m.repository = s.repository AND m.subject = s.digest
             WHERE s.id = ?1)",
    ];
    for part in parts {
        connection.prepare_cached(part)?.execute(params![manifest, renewal.now.0, renewal.stale.0])?;
    }
    Ok(())
}

/// Renews the leases on what is registered on a service, which is about to go.
pub(super) fn renew_registered(connection: &Connection, tenant: i64, service: &str, now: Time) -> Result<()> {
    let mut renew = connection.prepare_cached(
        "UPDATE manifests SET leased_at = ?3
         WHERE leased_at < ?3 AND id IN (
             SELECT i.manifest FROM services s CROSS JOIN container_images i ON i.service = s.id
             WHERE s.tenant = ?1 AND s.name = ?2)",
    )?;
    renew.execute(params![tenant, service, now.0])?;
    Ok(())
}
