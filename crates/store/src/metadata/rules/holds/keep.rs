//! The columns `held`, written by each transaction that adds or ends an edge.
//!
//! The values are computed only after the locks that [`crate::metadata::rules`] lists. Otherwise a new edge of
//! another transaction could be missed, because it is not yet committed.

use std::collections::BTreeSet;

use gangplank_core::Time;

use super::Texts;
use crate::Result;
use crate::metadata::tx::{Tx, values};

/// The manifests and links that some manifests hold.
#[derive(Debug, Default)]
pub(crate) struct Below {
    manifests: BTreeSet<i64>,
    /// Links, as repository and blob.
    links: BTreeSet<(i64, i64)>,
}

/// Marks rows as held after a manifest and its edges were inserted: the rows that the manifest holds, and the
/// manifest itself if something holds it.
pub(crate) fn manifest_added(tx: &dyn Tx, manifest: i64) -> Result<()> {
    tx.execute_all(&Texts::get().hold.each_ref().map(String::as_str), &values![manifest])
}

/// Deletes the edges of manifests that are about to be deleted. Returns what the manifests held, for
/// [`let_go`].
pub(crate) fn end_edges(tx: &dyn Tx, manifests: &[i64]) -> Result<Below> {
    let (texts, mut below) = (Texts::get(), Below::default());
    let keys: Vec<_> = manifests.iter().copied().map(Into::into).collect();
    for text in &texts.manifests_below {
        tx.query_each(text, 1, &keys, &mut |_, row| {
            below.manifests.insert(row.get(0)?);
            Ok(())
        })?;
    }
    for text in &texts.links_below {
        tx.query_each(text, 1, &keys, &mut |_, row| {
            below.links.insert((row.get(0)?, row.get(1)?));
            Ok(())
        })?;
    }
    for text in &texts.end {
        tx.post_each(text, manifests.iter().map(|manifest| values![*manifest]))?;
    }
    Ok(below)
}

/// Computes `held` again for the rows that deleted manifests held.
pub(crate) fn let_go(tx: &dyn Tx, below: &Below) -> Result<()> {
    let manifests: Vec<i64> = below.manifests.iter().copied().collect();
    refresh_each(tx, &manifests)?;
    refresh_links(tx, below.links.iter().copied())
}

/// Sets `held` of manifests, after edges to them were added or deleted.
pub(crate) fn refresh_each(tx: &dyn Tx, manifests: &[i64]) -> Result<()> {
    let text = &Texts::get().refresh_manifest;
    tx.post_each(text, manifests.iter().map(|manifest| values![*manifest]))
}

/// Sets `held` of links.
pub(crate) fn refresh_links(tx: &dyn Tx, links: impl IntoIterator<Item = (i64, i64)>) -> Result<()> {
    let links = links.into_iter().map(|(repository, blob)| values![repository, blob]);
    tx.post_each(&Texts::get().refresh_link, links)
}

/// Adds a blob to a repository, leased at `leased_at`. An existing link keeps a later lease.
pub(crate) fn put_link(tx: &dyn Tx, repository: i64, blob: i64, leased_at: Time) -> Result<()> {
    tx.post(&Texts::get().put_link, values![repository, blob, leased_at])
}
