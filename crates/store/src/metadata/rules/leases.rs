//! Leases of manifests, and of what they hold. [`super::holds`] says which rows hold which other rows.

use gangplank_core::{Renewal, Time};

use crate::Result;
use crate::metadata::rules::holds::{self, Texts};
use crate::metadata::tx::{Tx, values};

const RENEW: &str =
    "UPDATE manifests SET leased_at = ?2 WHERE id = ?1 AND leased_at < ?2 AND leased_at <= ?3";

/// The renewal with the steady time that all processes share, in place of the caller's.
pub(crate) fn of_all(tx: &dyn Tx, Renewal { now, stale }: Renewal) -> Result<Renewal> {
    let steady = tx.steady(now)?;
    Ok(Renewal { now: steady, stale: Time(stale.0.saturating_add(steady.0 - now.0)) })
}

/// Renews the lease on a manifest.
pub(crate) fn renew_manifest(tx: &dyn Tx, manifest: i64, renewal: Renewal) -> Result<()> {
    tx.post(RENEW, values![manifest, renewal.now, renewal.stale])
}

/// Roots have ended their holds on these manifests. Begins the grace period of each manifest that nothing else
/// holds. The manifests must be locked.
pub(crate) fn let_go(tx: &dyn Tx, manifests: &[i64], now: Time) -> Result<()> {
    holds::keep::refresh_each(tx, manifests)?;
    let Renewal { now, stale } = Renewal::at(tx.steady(now)?);
    tx.post_each(RENEW, manifests.iter().map(|manifest| values![*manifest, now, stale]))
}

/// Renews the leases on everything that a manifest holds: its blobs, its children, and the manifests about it.
pub(crate) fn renew_parts(tx: &dyn Tx, manifest: i64, renewal: Renewal) -> Result<()> {
    let texts = Texts::get().renew_below.each_ref().map(String::as_str);
    tx.execute_all(&texts, &values![manifest, renewal.now, renewal.stale])
}
