//! All that a registered image is made of: its manifest, the manifests below it, and their blobs.
//!
//! It is found once, by the transaction that registers, and kept until the registration ends. Every look-up for
//! a pull login or a deletion is then one step in an index, whatever others have pushed.

use std::collections::HashSet;

use rusqlite::{Connection, params};

use super::walk::{BlobState, Part, PartKind, parts};
use crate::Result;
use crate::metadata::container_images::MAX_CONTENTS;

/// What a manifest is made of.
#[derive(Debug, Default)]
pub(in crate::metadata::sqlite) struct Contents {
    /// The digests of the manifest itself, of those below it, and of their blobs, each once.
    pub(in crate::metadata::sqlite) digests: Vec<String>,
    /// The parts that the repository has not, or whose bytes are damaged, each with the id of the manifest that names it.
    pub(in crate::metadata::sqlite) missing: Vec<(i64, Part)>,
}

impl Contents {
    /// Whether all of it is there.
    pub(in crate::metadata::sqlite) fn is_whole(&self) -> bool {
        self.missing.is_empty()
    }
}

/// Walks down from a manifest. Stops early beyond [`MAX_CONTENTS`], so that nobody waits for what is refused.
pub(in crate::metadata::sqlite) fn contents(
    connection: &Connection,
    manifest: i64,
    digest: &str,
) -> Result<Contents> {
    let (mut contents, mut seen) = (Contents::default(), HashSet::from([digest.to_owned()]));
    contents.digests.push(digest.to_owned());
    let mut open = vec![manifest];
    while let Some(next) = open.pop() {
        for part in parts(connection, next)? {
            let first = seen.insert(part.digest.clone());
            match part.kind {
                PartKind::Manifest(None) | PartKind::Blob(BlobState::Absent | BlobState::Damaged) => {
                    contents.missing.push((next, part));
                    continue;
                }
                PartKind::Manifest(Some(child)) if first => open.push(child),
                PartKind::Manifest(Some(_)) | PartKind::Blob(BlobState::Whole) => {}
            }
            if first {
                contents.digests.push(part.digest);
            }
        }
        if contents.digests.len() > MAX_CONTENTS {
            break;
        }
    }
    Ok(contents)
}

/// Keeps what an image is made of.
pub(in crate::metadata::sqlite) fn keep(
    connection: &Connection,
    (service, number): (i64, i64),
    repository: i64,
    digests: &[String],
) -> Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO image_contents (service, digest, number, repository) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for digest in digests {
        insert.execute(params![service, digest, number, repository])?;
    }
    Ok(())
}

/// Forgets what an image was made of.
pub(in crate::metadata::sqlite) fn forget(
    connection: &Connection,
    (service, number): (i64, i64),
) -> Result<()> {
    let sql = "DELETE FROM image_contents WHERE service = ?1 AND number = ?2";
    connection.prepare_cached(sql)?.execute([service, number])?;
    Ok(())
}

/// Whether content of this digest, be it a manifest or a blob, is part of an image registered from this
/// repository.
pub(in crate::metadata::sqlite) fn is_registered(
    connection: &Connection,
    repository: i64,
    digest: &str,
) -> Result<bool> {
    let mut find = connection.prepare_cached(
        "SELECT EXISTS (
             SELECT 1 FROM repositories r CROSS JOIN services s CROSS JOIN image_contents c
             WHERE r.id = ?1 AND s.tenant = r.tenant AND c.service = s.id AND c.digest = ?2
               AND c.repository = r.id)",
    )?;
    Ok(find.query_row(params![repository, digest], |row| row.get(0))?)
}
