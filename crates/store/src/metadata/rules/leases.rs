//! Leases of manifests and of what they are made of. What holds what is in [`crate::metadata::sqlite::holds`].

use gangplank_core::Renewal;

use crate::Result;
use crate::metadata::sqlite::holds::Texts;
use crate::metadata::tx::{Tx, values};

/// Renews the lease on a manifest.
pub(crate) fn renew_manifest(tx: &dyn Tx, manifest: i64, renewal: Renewal) -> Result<()> {
    tx.run(
        "UPDATE manifests SET leased_at = ?2 WHERE id = ?1 AND leased_at < ?2 AND leased_at <= ?3",
        values![manifest, renewal.now, renewal.stale],
    )?;
    Ok(())
}

/// Renews the leases on what a manifest holds: its blobs, its children, and what is about it.
pub(crate) fn renew_parts(tx: &dyn Tx, manifest: i64, renewal: Renewal) -> Result<()> {
    for text in &Texts::get().renew_below {
        tx.run(text, values![manifest, renewal.now, renewal.stale])?;
    }
    Ok(())
}
