//! Which registered images something belongs to, by the names that people know them by.

use gangplank_core::image_name::ImageName;
use rusqlite::Connection;

use crate::Result;

/// How many are named: who has to act needs to know which, not all of a thousand.
const MOST: usize = 20;

/// The images that have a blob.
pub(super) fn with_blob(connection: &Connection, blob: i64) -> Result<Vec<String>> {
    find(
        connection,
        "SELECT s.name, c.label, c.number
         FROM image_blobs i CROSS JOIN container_images c CROSS JOIN services s
         WHERE i.blob = ?1 AND c.service = i.service AND c.number = i.number AND s.id = c.service",
        blob,
    )
}

/// The images that a manifest is, or is a part of.
pub(super) fn with_manifest(connection: &Connection, manifest: i64) -> Result<Vec<String>> {
    let mut found = find(
        connection,
        "SELECT s.name, c.label, c.number FROM container_images c CROSS JOIN services s
         WHERE c.manifest = ?1 AND s.id = c.service",
        manifest,
    )?;
    found.extend(find(
        connection,
        "SELECT s.name, c.label, c.number
         FROM image_manifests i CROSS JOIN container_images c CROSS JOIN services s
         WHERE i.manifest = ?1 AND c.service = i.service AND c.number = i.number AND s.id = c.service",
        manifest,
    )?);
    Ok(found)
}

/// The name of an image, by its service's row and its number.
pub(super) fn of_image(connection: &Connection, service: i64, number: i64) -> Result<String> {
    let sql = "SELECT s.name, c.label, c.number FROM container_images c CROSS JOIN services s
               WHERE c.service = ?1 AND c.number = ?2 AND s.id = c.service";
    Ok(connection.prepare_cached(sql)?.query_row([service, number], read)?)
}

fn find(connection: &Connection, sql: &str, id: i64) -> Result<Vec<String>> {
    let mut select = connection.prepare_cached(sql)?;
    let names = select.query_map([id], read)?;
    Ok(names.take(MOST).collect::<rusqlite::Result<_>>()?)
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<String> {
    let (service, label, number) = (row.get(0)?, row.get(1)?, row.get(2)?);
    Ok(ImageName { service, label, number }.to_string())
}
