//! All that a registered image is made of: its manifest, the manifests below it, and the blobs of them all.
//!
//! It is found once, by the transaction that registers, and kept until the registration ends. Every look-up for
//! a pull login or a deletion is then one step in an index, whatever others have pushed.

use std::collections::HashSet;

use rusqlite::{Connection, params};

use super::walk::{Part, PartKind, parts};
use crate::Result;
use crate::metadata::container_images::MAX_CONTENTS;

/// What a manifest is made of, beside itself.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// The manifests below it, each once, with their digests.
    pub(crate) manifests: Vec<(i64, String)>,
    /// The blobs of all these manifests, each once.
    pub(crate) blobs: Vec<i64>,
    /// The parts that the repository has not, or whose bytes are damaged, each with the manifest that names it.
    pub(crate) missing: Vec<(i64, Part)>,
}

impl Contents {
    /// Whether all of it is there.
    pub(crate) fn is_whole(&self) -> bool {
        self.missing.is_empty()
    }

    /// Whether it is more than an image may be made of, the manifest itself included.
    pub(crate) fn is_too_much(&self) -> bool {
        1 + self.manifests.len() + self.blobs.len() > MAX_CONTENTS
    }
}

/// How far a walk goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// To the end.
    All,
    /// Until it is too much for an image, so that nobody waits for what is refused.
    OneImage,
}

/// Walks down from a manifest.
pub(crate) fn contents(connection: &Connection, manifest: i64, extent: Extent) -> Result<Contents> {
    let mut contents = Contents::default();
    let (mut manifests, mut blobs) = (HashSet::from([manifest]), HashSet::new());
    let mut open = vec![manifest];
    while let Some(next) = open.pop() {
        for part in parts(connection, next)? {
            match part.kind {
                PartKind::Manifest(Some(child)) => {
                    if manifests.insert(child) {
                        open.push(child);
                        contents.manifests.push((child, part.digest));
                    }
                }
                PartKind::Blob { id, is_damaged } => {
                    if blobs.insert(id) {
                        contents.blobs.push(id);
                    }
                    if is_damaged {
                        contents.missing.push((next, part));
                    }
                }
                PartKind::Manifest(None) | PartKind::AbsentBlob => contents.missing.push((next, part)),
            }
        }
        if extent == Extent::OneImage && contents.is_too_much() {
            break;
        }
    }
    Ok(contents)
}

/// Keeps what an image is made of.
pub(crate) fn keep(
    connection: &Connection,
    (service, number): (i64, i64),
    contents: &Contents,
) -> Result<()> {
    let mut manifests = connection.prepare_cached(
        "INSERT INTO image_manifests (manifest, service, number, digest) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for (manifest, digest) in &contents.manifests {
        manifests.execute(params![manifest, service, number, digest])?;
    }
    let mut blobs =
        connection.prepare_cached("INSERT INTO image_blobs (blob, service, number) VALUES (?1, ?2, ?3)")?;
    for blob in &contents.blobs {
        blobs.execute([*blob, service, number])?;
    }
    Ok(())
}

/// Forgets what an image was made of.
pub(crate) fn forget(connection: &Connection, (service, number): (i64, i64)) -> Result<()> {
    for sql in [
        "DELETE FROM image_manifests WHERE service = ?1 AND number = ?2",
        "DELETE FROM image_blobs WHERE service = ?1 AND number = ?2",
    ] {
        connection.prepare_cached(sql)?.execute([service, number])?;
    }
    Ok(())
}

/// Whether a manifest is registered, or part of an image that is.
pub(crate) fn needs_manifest(connection: &Connection, manifest: i64) -> Result<bool> {
    let mut find = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM container_images WHERE manifest = ?1)
             OR EXISTS (SELECT 1 FROM image_manifests WHERE manifest = ?1)",
    )?;
    Ok(find.query_row([manifest], |row| row.get(0))?)
}

/// Whether a blob is part of an image that is registered from this repository.
pub(crate) fn needs_blob(connection: &Connection, repository: i64, blob: i64) -> Result<bool> {
    let mut find = connection.prepare_cached(
        "SELECT EXISTS (
             SELECT 1 FROM image_blobs c CROSS JOIN container_images i CROSS JOIN manifests m
             WHERE c.blob = ?2 AND i.service = c.service AND i.number = c.number
               AND m.id = i.manifest AND m.repository = ?1)",
    )?;
    Ok(find.query_row([repository, blob], |row| row.get(0))?)
}
