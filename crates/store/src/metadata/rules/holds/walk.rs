//! Finds what is above and below a manifest.

use std::collections::BTreeSet;

use gangplank_core::Time;
use gangplank_oci::Digest;

use super::Texts;
use crate::Result;
use crate::metadata::tx::{Query, Tx, Value, values};

/// The manifests that a manifest holds: its children, and the manifests about it.
pub(crate) fn below(tx: &dyn Tx, manifest: i64) -> Result<Vec<i64>> {
    let mut found = Vec::new();
    for text in &Texts::get().manifests_below {
        found.append(&mut ids(tx, text, values![manifest])?);
    }
    Ok(found)
}

/// The links that a manifest holds, as repository and blob.
pub(crate) fn links_below(tx: &dyn Tx, manifest: i64) -> Result<Vec<(i64, i64)>> {
    let mut found = Vec::new();
    for text in &Texts::get().links_below {
        found
            .append(&mut tx.all(&Query::new(text, values![manifest], |row| Ok((row.get(0)?, row.get(1)?))))?);
    }
    Ok(found)
}

/// The manifests that hold a manifest: the indexes that contain it, and its subject.
pub(crate) fn above(tx: &dyn Tx, manifest: i64) -> Result<Vec<i64>> {
    ids(tx, &Texts::get().manifests_above, values![manifest])
}

/// The manifests that hold the link of a repository to a blob.
pub(crate) fn above_link(tx: &dyn Tx, repository: i64, blob: i64) -> Result<Vec<i64>> {
    ids(tx, &Texts::get().manifests_above_link, values![repository, blob])
}

/// How long a manifest is kept by itself: for good if a root holds it, else by a lease that was taken after
/// `cutoff`.
pub(crate) fn kept_by_itself(tx: &dyn Tx, manifest: i64, cutoff: Time) -> Result<Option<Kept>> {
    let find = Query::new(&Texts::get().kept_by_itself, values![manifest], |row| {
        Ok((row.get::<Time>(0)?, row.get::<bool>(1)?))
    });
    let (leased_at, is_rooted) = tx.one(&find)?;
    Ok(if is_rooted { Some(Kept::ByRoot) } else { (leased_at > cutoff).then_some(Kept::ByLease(leased_at)) })
}

/// Why a manifest is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// A root holds it.
    ByRoot,
    /// It was leased at this time, after the cutoff.
    ByLease(Time),
}

/// Looks for something that keeps a manifest: the manifest itself, or a manifest anywhere above it. Manifests
/// that are `gone` keep nothing. If nothing keeps it, returns all manifests that were looked at.
pub(crate) fn kept(
    tx: &dyn Tx,
    manifest: i64,
    cutoff: Time,
    gone: impl Fn(i64) -> bool,
) -> Result<std::result::Result<Kept, BTreeSet<i64>>> {
    let (mut seen, mut open) = (BTreeSet::from([manifest]), vec![manifest]);
    while let Some(next) = open.pop() {
        if let Some(kept) = kept_by_itself(tx, next, cutoff)? {
            return Ok(Ok(kept));
        }
        open.extend(above(tx, next)?.into_iter().filter(|id| !gone(*id) && seen.insert(*id)));
    }
    Ok(Err(seen))
}

/// For each of these manifests, whether an edge leads to it.
pub(crate) fn are_held(tx: &dyn Tx, manifests: &[i64]) -> Result<Vec<bool>> {
    let each = manifests.iter().map(|manifest| values![*manifest]);
    let found = tx.find_each(&Texts::get().is_manifest_held, each, |row| row.get(0))?;
    Ok(found.into_iter().map(Option::unwrap_or_default).collect())
}

/// For each of these links, whether an edge leads to it.
pub(crate) fn are_links_held(tx: &dyn Tx, links: &[(i64, i64)]) -> Result<Vec<bool>> {
    let each = links.iter().map(|(repository, blob)| values![*repository, *blob]);
    let found = tx.find_each(&Texts::get().is_link_held, each, |row| row.get(0))?;
    Ok(found.into_iter().map(Option::unwrap_or_default).collect())
}

/// The names of the kinds of holders that hold a manifest.
pub(crate) fn explain(tx: &dyn Tx, manifest: i64) -> Result<Vec<&'static str>> {
    let mut found = Vec::new();
    for (name, text) in &Texts::get().names {
        if tx.one(&Query::column(text, values![manifest]))? {
            found.push(*name);
        }
    }
    Ok(found)
}

fn ids<'v>(tx: &dyn Tx, text: &'v str, values: impl Into<Vec<Value<'v>>>) -> Result<Vec<i64>> {
    tx.all(&Query::column(text, values))
}

/// A part that a manifest names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) digest: Digest,
    pub(crate) kind: PartKind,
}

/// The kind of a part, and whether the repository has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartKind {
    /// A manifest, with its id if the repository has it.
    Manifest(Option<i64>),
    /// A blob that the repository has.
    Blob {
        id: i64,
        /// Whether its bytes differ from those that were uploaded.
        is_damaged: bool,
    },
    /// A blob that the repository does not have.
    AbsentBlob,
}

/// The parts that manifests name directly, each with the manifest that names it.
pub(crate) fn parts(tx: &dyn Tx, manifests: &[i64]) -> Result<Vec<(i64, Part)>> {
    let (texts, mut parts) = (Texts::get(), Vec::new());
    let keys: Vec<_> = manifests.iter().copied().map(Into::into).collect();
    let all: Vec<&str> = texts.children.iter().chain(&texts.blobs).map(String::as_str).collect();
    tx.query_all(&all, 1, &keys, &mut |text, at, row| {
        let kind = if text < texts.children.len() {
            PartKind::Manifest(row.get(1)?)
        } else {
            match row.get(1)? {
                None => PartKind::AbsentBlob,
                Some(id) => PartKind::Blob { id, is_damaged: row.get(2)? },
            }
        };
        parts.push((manifests[at], Part { digest: row.get(0)?, kind }));
        Ok(())
    })?;
    Ok(parts)
}
