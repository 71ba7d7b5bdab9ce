//! Leases of manifests and of what they are made of. What holds what is in [`super::holds`].

use gangplank_core::Renewal;
use rusqlite::{Connection, params};

use super::holds::Texts;
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
    for text in &Texts::get().renew_below {
        connection.prepare_cached(text)?.execute(params![manifest, renewal.now.0, renewal.stale.0])?;
    }
    Ok(())
}
