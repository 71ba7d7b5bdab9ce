//! What stands above and below a manifest.

use std::collections::HashSet;

use gangplank_core::Time;
use rusqlite::{Connection, Params};

use super::Texts;
use crate::Result;

/// The manifests that a manifest holds: its children, and what is about it.
pub(crate) fn below(connection: &Connection, manifest: i64) -> Result<Vec<i64>> {
    let mut found = Vec::new();
    for text in &Texts::get().manifests_below {
        found.append(&mut ids(connection, text, [manifest])?);
    }
    Ok(found)
}

/// The repositories' blobs that a manifest holds, as repository and blob.
pub(crate) fn links_below(connection: &Connection, manifest: i64) -> Result<Vec<(i64, i64)>> {
    let mut found = Vec::new();
    for text in &Texts::get().links_below {
        let mut select = connection.prepare_cached(text)?;
        for link in select.query_map([manifest], |row| Ok((row.get(0)?, row.get(1)?)))? {
            found.push(link?);
        }
    }
    Ok(found)
}

/// The manifests that hold a manifest: the indexes that it is in, and its subject.
pub(crate) fn above(connection: &Connection, manifest: i64) -> Result<Vec<i64>> {
    ids(connection, &Texts::get().manifests_above, [manifest])
}

/// The manifests that hold a repository's blob.
pub(crate) fn above_link(connection: &Connection, repository: i64, blob: i64) -> Result<Vec<i64>> {
    ids(connection, &Texts::get().manifests_above_link, [repository, blob])
}

/// Until when a manifest is kept by itself: for good by a root, else by its lease if that was taken after `cutoff`.
pub(crate) fn kept_by_itself(connection: &Connection, manifest: i64, cutoff: Time) -> Result<Option<Kept>> {
    let mut find = connection.prepare_cached(&Texts::get().kept_by_itself)?;
    let (leased_at, is_rooted): (i64, bool) =
        find.query_row([manifest], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(if is_rooted {
        Some(Kept::ByRoot)
    } else {
        (leased_at > cutoff.0).then_some(Kept::ByLease(Time(leased_at)))
    })
}

/// Why something stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// A root holds it.
    ByRoot,
    /// It was leased at this time.
    ByLease(Time),
}

/// Looks for something that keeps a manifest: itself, or a manifest above it, however far up. Those that are
/// `gone` keep nothing.
pub(crate) fn kept(
    connection: &Connection,
    manifest: i64,
    cutoff: Time,
    gone: impl Fn(i64) -> bool,
) -> Result<Option<Kept>> {
    let (mut seen, mut open) = (HashSet::from([manifest]), vec![manifest]);
    while let Some(next) = open.pop() {
        if let Some(kept) = kept_by_itself(connection, next, cutoff)? {
            return Ok(Some(kept));
        }
        open.extend(above(connection, next)?.into_iter().filter(|id| !gone(*id) && seen.insert(*id)));
    }
    Ok(None)
}

/// What holds a manifest, in the words of the list of edges.
pub(crate) fn explain(connection: &Connection, manifest: i64) -> Result<Vec<&'static str>> {
    let mut found = Vec::new();
    for (name, text) in &Texts::get().names {
        if connection.prepare_cached(text)?.query_row([manifest], |row| row.get::<_, bool>(0))? {
            found.push(*name);
        }
    }
    Ok(found)
}

fn ids(connection: &Connection, sql: &str, values: impl Params) -> Result<Vec<i64>> {
    let mut select = connection.prepare_cached(sql)?;
    let ids = select.query_map(values, |row| row.get(0))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

/// A part that a manifest names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) digest: String,
    pub(crate) kind: PartKind,
}

/// What a part is, and whether it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartKind {
    /// A manifest, with its id if it is there.
    Manifest(Option<i64>),
    /// A blob that the repository has.
    Blob {
        id: i64,
        /// Whether its bytes are others than were put.
        is_damaged: bool,
    },
    /// A blob that the repository has not.
    AbsentBlob,
}

/// The parts that a manifest names, one step down.
pub(crate) fn parts(connection: &Connection, manifest: i64) -> Result<Vec<Part>> {
    let (texts, mut parts) = (Texts::get(), Vec::new());
    for text in &texts.children {
        let mut select = connection.prepare_cached(text)?;
        let mut found = select.query([manifest])?;
        while let Some(row) = found.next()? {
            parts.push(Part { digest: row.get(0)?, kind: PartKind::Manifest(row.get(1)?) });
        }
    }
    for text in &texts.blobs {
        let mut select = connection.prepare_cached(text)?;
        let mut found = select.query([manifest])?;
        while let Some(row) = found.next()? {
            let kind = match row.get(1)? {
                None => PartKind::AbsentBlob,
                Some(id) => PartKind::Blob { id, is_damaged: row.get(2)? },
            };
            parts.push(Part { digest: row.get(0)?, kind });
        }
    }
    Ok(parts)
}
