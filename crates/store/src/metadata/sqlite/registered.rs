//! What registrations need: nothing of it may be deleted, and all of it must be there at the beginning.

use rusqlite::{Connection, params};

use crate::Result;

/// Whether a container service needs this manifest: itself, or an index above it, is registered.
pub(super) fn manifest_is_registered(connection: &Connection, repository: i64, digest: &str) -> Result<bool> {
    let mut find = connection.prepare_cached(
        "WITH RECURSIVE holder (id, digest) AS (
             SELECT id, digest FROM manifests WHERE repository = ?1 AND digest = ?2
             UNION
             SELECT p.id, p.digest
             FROM holder h
             CROSS JOIN manifest_children c ON c.repository = ?1 AND c.digest = h.digest
             CROSS JOIN manifests p ON p.id = c.manifest)
         SELECT EXISTS (SELECT 1 FROM holder h CROSS JOIN container_images i ON i.manifest = h.id)",
    )?;
    Ok(find.query_row(params![repository, digest], |row| row.get(0))?)
}

/// Whether a container service needs this blob of the repository.
pub(super) fn blob_is_registered(connection: &Connection, repository: i64, digest: &str) -> Result<bool> {
    let mut find = connection.prepare_cached(
        "SELECT m.digest FROM manifest_blobs b JOIN manifests m ON m.id = b.manifest
         WHERE b.repository = ?1 AND b.digest = ?2",
    )?;
    let holders = find.query_map(params![repository, digest], |row| row.get::<_, String>(0))?;
    for holder in holders {
        if manifest_is_registered(connection, repository, &holder?)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether everything that a manifest references is still in its repository, all the way down.
pub(super) fn is_whole(connection: &Connection, manifest: i64) -> Result<bool> {
    let mut find = connection.prepare_cached(
        "WITH RECURSIVE part (id) AS (
             SELECT ?1
             UNION
             SELECT m.id
             FROM part p
             CROSS JOIN manifest_children c ON c.manifest = p.id
             CROSS JOIN manifests m ON m.repository = c.repository AND m.digest = c.digest)
         SELECT NOT EXISTS (
             SELECT 1 FROM part p CROSS JOIN manifest_children c ON c.manifest = p.id
             WHERE NOT EXISTS (
                 SELECT 1 FROM manifests m WHERE m.repository = c.repository AND m.digest = c.digest)
         ) AND NOT EXISTS (
             SELECT 1 FROM part p CROSS JOIN manifest_blobs n ON n.manifest = p.id
             WHERE NOT EXISTS (
                 SELECT 1 FROM repositories r
                 JOIN blobs b ON b.tenant = r.tenant
                 JOIN blob_links l ON l.repository = r.id AND l.blob = b.id
                 WHERE r.id = n.repository AND b.digest = n.digest AND b.damaged = 0))",
    )?;
    Ok(find.query_row([manifest], |row| row.get(0))?)
}
