//! The names of the registered images that contain something, for messages to people.

use gangplank_core::image_name::ImageName;

use crate::Result;
use crate::metadata::tx::{Query, Row, Tx, values};

/// How many names are given. A reader has to know which images are concerned, but not all of a thousand.
const MOST: i64 = 20;

/// The images that contain a blob.
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

/// The images that are this manifest or contain it.
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

/// The name of an image, by the row of its service and its number.
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
