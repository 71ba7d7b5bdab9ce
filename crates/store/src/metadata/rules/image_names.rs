//! Which registered images something belongs to, by the names that people know them by.

use gangplank_core::image_name::ImageName;

use crate::Result;
use crate::metadata::tx::{Query, Row, Tx, values};

/// How many are named: who has to act needs to know which, not all of a thousand.
const MOST: i64 = 20;

/// The images that have a blob.
pub(crate) fn with_blob(tx: &dyn Tx, blob: i64) -> Result<Vec<String>> {
    tx.all(&Query::new(
        "SELECT s.name, c.label, c.number
         FROM image_blobs i CROSS JOIN container_images c CROSS JOIN services s
         WHERE i.blob = ?1 AND c.service = i.service AND c.number = i.number AND s.id = c.service
         LIMIT ?2",
        values![blob, MOST],
        read,
    ))
}

/// The images that a manifest is, or is a part of.
pub(crate) fn with_manifest(tx: &dyn Tx, manifest: i64) -> Result<Vec<String>> {
    let mut found = tx.all(&Query::new(
        "SELECT s.name, c.label, c.number FROM container_images c CROSS JOIN services s
         WHERE c.manifest = ?1 AND s.id = c.service
         LIMIT ?2",
        values![manifest, MOST],
        read,
    ))?;
    found.extend(tx.all(&Query::new(
        "SELECT s.name, c.label, c.number
         FROM image_manifests i CROSS JOIN container_images c CROSS JOIN services s
         WHERE i.manifest = ?1 AND c.service = i.service AND c.number = i.number AND s.id = c.service
         LIMIT ?2",
        values![manifest, MOST],
        read,
    ))?);
    Ok(found)
}

/// The name of an image, by its service's row and its number.
pub(crate) fn of_image(tx: &dyn Tx, service: i64, number: i64) -> Result<String> {
    tx.one(&Query::new(
        "SELECT s.name, c.label, c.number FROM container_images c CROSS JOIN services s
         WHERE c.service = ?1 AND c.number = ?2 AND s.id = c.service",
        values![service, number],
        read,
    ))
}

fn read(row: &Row<'_>) -> Result<String> {
    Ok(ImageName { service: row.get(0)?, label: row.get(1)?, number: row.get(2)? }.to_string())
}
