//! The contents of a registered image: its manifest, all manifests below it, and the blobs of all these
//! manifests.
//!
//! The transaction that registers the image computes them once. They stay recorded until the registration ends.
//! So a pull login or a deletion needs only one step in an index, however much others have pushed.

use std::collections::HashSet;

use gangplank_core::ServiceId;
use gangplank_oci::Digest;

use super::walk::{Part, PartKind, parts};
use crate::Result;
use crate::metadata::container_images::MAX_CONTENTS;
use crate::metadata::tx::{Query, Tx, values};

/// The content of a manifest, without the manifest itself.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// The manifests below it, each once, with their digests.
    pub(crate) manifests: Vec<(i64, Digest)>,
    /// The blobs of all these manifests, each once.
    pub(crate) blobs: Vec<i64>,
    /// The parts that the repository lacks or whose bytes are damaged, each with the manifest that names it.
    pub(crate) missing: Vec<(i64, Part)>,
}

impl Contents {
    /// Whether no part is missing.
    pub(crate) fn is_whole(&self) -> bool {
        self.missing.is_empty()
    }

    /// Whether an image with these contents, and its own manifest, has more contents than allowed.
    pub(crate) fn is_too_much(&self) -> bool {
        1 + self.manifests.len() + self.blobs.len() > MAX_CONTENTS
    }
}

/// The part of the manifests that a walk visits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Through all manifests.
    All,
    /// Until there are too many contents for one image. The registration is refused anyway.
    OneImage,
}

/// How many manifests one query looks into. A large number saves round trips. A number that is too large would
/// read many more rows after an image already has too many contents.
const LOOKED_INTO: usize = 100;

/// Computes the contents of a manifest.
pub(crate) fn contents(tx: &dyn Tx, manifest: i64, extent: Extent) -> Result<Contents> {
    let mut contents = Contents::default();
    let (mut manifests, mut blobs) = (HashSet::from([manifest]), HashSet::new());
    let mut open = vec![manifest];
    while !open.is_empty() {
        let next: Vec<i64> = open.drain(..open.len().min(LOOKED_INTO)).collect();
        for (namer, part) in parts(tx, &next)? {
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
                        contents.missing.push((namer, part));
                    }
                }
                PartKind::Manifest(None) | PartKind::AbsentBlob => contents.missing.push((namer, part)),
            }
        }
        if extent == Extent::OneImage && contents.is_too_much() {
            break;
        }
    }
    Ok(contents)
}

/// Records the contents of an image.
pub(crate) fn keep(tx: &dyn Tx, (service, number): (ServiceId, i64), contents: &Contents) -> Result<()> {
    tx.post_each(
        "INSERT INTO image_manifests (manifest, service, number, digest) VALUES (?1, ?2, ?3, ?4)",
        contents.manifests.iter().map(|(manifest, digest)| values![*manifest, service, number, *digest]),
    )?;
    tx.post_each(
        "INSERT INTO image_blobs (blob, service, number) VALUES (?1, ?2, ?3)",
        contents.blobs.iter().map(|blob| values![*blob, service, number]),
    )
}

/// Deletes the recorded contents of an image.
pub(crate) fn forget(tx: &dyn Tx, (service, number): (ServiceId, i64)) -> Result<()> {
    for text in [
        "DELETE FROM image_manifests WHERE service = ?1 AND number = ?2",
        "DELETE FROM image_blobs WHERE service = ?1 AND number = ?2",
    ] {
        tx.post(text, values![service, number])?;
    }
    Ok(())
}

/// Deletes the recorded contents of all images of a service.
pub(crate) fn forget_all(tx: &dyn Tx, service: ServiceId) -> Result<()> {
    for text in
        ["DELETE FROM image_manifests WHERE service = ?1", "DELETE FROM image_blobs WHERE service = ?1"]
    {
        tx.post(text, values![service])?;
    }
    Ok(())
}

/// Whether a manifest is registered, or belongs to a registered image.
pub(crate) fn needs_manifest(tx: &dyn Tx, manifest: i64) -> Result<bool> {
    tx.one(&Query::column(
        "SELECT EXISTS (SELECT 1 FROM container_images WHERE manifest = ?1)
             OR EXISTS (SELECT 1 FROM image_manifests WHERE manifest = ?1)",
        values![manifest],
    ))
}

/// Whether a blob belongs to an image that is registered from this repository.
pub(crate) fn needs_blob(tx: &dyn Tx, repository: i64, blob: i64) -> Result<bool> {
    tx.one(&Query::column(
        "SELECT EXISTS (
             SELECT 1 FROM image_blobs c CROSS JOIN container_images i CROSS JOIN manifests m
             WHERE c.blob = ?2 AND i.service = c.service AND i.number = c.number
               AND m.id = i.manifest AND m.repository = ?1)",
        values![repository, blob],
    ))
}
