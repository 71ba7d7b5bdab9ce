//! The columns `held`, kept in the transaction that makes or ends an edge.
//!
//! They are counted after the locks that [`crate::metadata::rules`] tells of: whoever counts before them may miss an
//! edge that somebody else has made and not yet committed.

use std::collections::BTreeSet;

use gangplank_core::Time;

use super::Texts;
use crate::Result;
use crate::metadata::tx::{Tx, values};

/// What some manifests hold.
#[derive(Debug, Default)]
pub(crate) struct Below {
    manifests: BTreeSet<i64>,
    /// Blobs, each with its repository.
    links: BTreeSet<(i64, i64)>,
}

/// A manifest is new, and so are the rows of its edges: what it holds is held, and it may be held itself.
pub(crate) fn manifest_added(tx: &dyn Tx, manifest: i64) -> Result<()> {
    for text in &Texts::get().hold {
        tx.run(text, values![manifest])?;
    }
    Ok(())
}

/// These manifests are about to go: the rows of their edges end. Returns what they held, for [`let_go`].
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
        tx.each(text, manifests.iter().map(|manifest| values![*manifest]))?;
    }
    Ok(below)
}

/// What held this is gone: marks what nothing else holds.
pub(crate) fn let_go(tx: &dyn Tx, below: &Below) -> Result<()> {
    let manifests: Vec<i64> = below.manifests.iter().copied().collect();
    refresh_each(tx, &manifests)?;
    refresh_links(tx, below.links.iter().copied())
}

/// Marks manifests as held or not: edges from roots to them were made or have ended.
pub(crate) fn refresh_each(tx: &dyn Tx, manifests: &[i64]) -> Result<()> {
    let text = &Texts::get().refresh_manifest;
    tx.each(text, manifests.iter().map(|manifest| values![*manifest])).map(drop)
}

/// Marks blobs of repositories as held or not.
pub(crate) fn refresh_links(tx: &dyn Tx, links: impl IntoIterator<Item = (i64, i64)>) -> Result<()> {
    let links = links.into_iter().map(|(repository, blob)| values![repository, blob]);
    tx.each(&Texts::get().refresh_link, links).map(drop)
}

/// Lets a repository have a blob, leased at `leased_at` or later.
pub(crate) fn put_link(tx: &dyn Tx, repository: i64, blob: i64, leased_at: Time) -> Result<()> {
    tx.run(&Texts::get().put_link, values![repository, blob, leased_at]).map(drop)
}
