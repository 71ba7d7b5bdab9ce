//! Garbage collection, in small transactions of the one writer.
//!
//! A step decides and removes in one transaction, so there is no moment between at which a push could
//! rely on what is about to go. Its cost follows the garbage: the indexes it walks hold nothing else.

use async_trait::async_trait;
use gangplank_core::Time;
use rusqlite::{Connection, params};

use super::cache::Touched;
use super::{Sqlite, blobs, garbage};
use crate::Result;
use crate::metadata::collection::{Collected, Collection, Garbage};

#[async_trait]
impl Collection for Sqlite {
    async fn collect(&self, over: Time, now: Time, rows: usize) -> Result<Collected> {
        self.writer
            .write_touching(Touched::NOTHING, move |connection| step(connection, over, now, rows))
            .await
    }

    async fn garbage(&self, over: Time) -> Result<Vec<Garbage>> {
        self.read(|connection| garbage::find(connection, over))
    }
}

/// Manifests go before what they hold; a knot is looked for when no loose end is left.
pub(super) fn step(connection: &Connection, over: Time, now: Time, rows: usize) -> Result<Collected> {
    let mut collected = Collected::default();
    collect_manifests(connection, over, rows, &mut collected)?;
    if collected.manifests == 0 {
        untie_knots(connection, over, now, rows, &mut collected)?;
    }
    if collected.manifests == 0 {
        collect_blobs(connection, over, rows, &mut collected)?;
    }
    Ok(collected)
}

fn collect_manifests(
    connection: &Connection,
    over: Time,
    rows: usize,
    collected: &mut Collected,
) -> Result<()> {
    let mut next = connection.prepare_cached(
        "SELECT id, repository FROM manifests WHERE held = 0 AND leased_at <= ?1 ORDER BY leased_at LIMIT 1",
    )?;
    let mut removed = 0;
    while removed < rows {
        let mut found = next.query([over.0])?;
        let Some(row) = found.next()? else { break };
        let (manifest, repository) = (row.get(0)?, row.get(1)?);
        drop(found);
        removed += remove_manifest(connection, manifest, repository, collected)?;
    }
    Ok(())
}

/// Removes a manifest; says how many rows that changed, about.
fn remove_manifest(
    connection: &Connection,
    manifest: i64,
    repository: i64,
    collected: &mut Collected,
) -> Result<usize> {
    let mut references = connection.prepare_cached(
        "SELECT (SELECT count(*) FROM manifest_blobs WHERE manifest = ?1)
              + (SELECT count(*) FROM manifest_children WHERE manifest = ?1)",
    )?;
    let references: i64 = references.query_row([manifest], |row| row.get(0))?;
    connection.prepare_cached("DELETE FROM manifests WHERE id = ?1")?.execute([manifest])?;
    collected.manifests += 1;
    remove_if_empty(connection, repository, collected)?;
    Ok(1 + usize::try_from(references).unwrap_or(usize::MAX - 1))
}

/// Removes indexes that hold their own subject, and so themselves, if nothing else holds any of it.
///
/// Every circle of holds has such an index in it: contents name each other by digest, so only a
/// subject, which holds against the direction of that, can close one; and a manifest without
/// children that is held by its subject holds only others like it.
fn untie_knots(
    connection: &Connection,
    over: Time,
    now: Time,
    rows: usize,
    collected: &mut Collected,
) -> Result<()> {
    let mut select = connection.prepare_cached(
        "SELECT id, repository FROM manifests
         WHERE held = 1 AND subject IS NOT NULL AND depth > 0 AND leased_at <= ?1
         ORDER BY leased_at LIMIT ?2",
    )?;
    // Where no lease counts, renewing one would not get the next ones their turn.
    let limit = if over < now { i64::try_from(rows).unwrap_or(i64::MAX) } else { -1 };
    let suspects = select.query_map(params![over.0, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let suspects: Vec<(i64, i64)> = suspects.collect::<rusqlite::Result<_>>()?;
    for (manifest, repository) in suspects {
        if let Some(until) = anchor(connection, manifest, over, now)? {
            // Looked at again when that is over, and not in every cycle.
            let mut renew = connection.prepare_cached("UPDATE manifests SET leased_at = ?2 WHERE id = ?1")?;
            renew.execute(params![manifest, until])?;
        } else {
            remove_manifest(connection, manifest, repository, collected)?;
            return Ok(());
        }
    }
    Ok(())
}

/// The lease that keeps a manifest: the latest of its own and of whatever holds it, however far up, and
/// of `now` if any of it is registered; `None` if that is over. What nothing holds and nothing leases
/// was removed before.
fn anchor(connection: &Connection, manifest: i64, over: Time, now: Time) -> Result<Option<i64>> {
    let mut find = connection.prepare_cached(
        "WITH RECURSIVE holder (id) AS (
             SELECT ?1
             UNION
             SELECT p.id FROM holder h
             CROSS JOIN manifests m ON m.id = h.id
             CROSS JOIN manifest_children c ON c.repository = m.repository AND c.digest = m.digest
             CROSS JOIN manifests p ON p.id = c.manifest
             UNION
             SELECT s.id FROM holder h
             CROSS JOIN manifests m ON m.id = h.id
             CROSS JOIN manifests s ON s.repository = m.repository AND s.digest = m.subject)
         SELECT max(m.leased_at),
                max(EXISTS (SELECT 1 FROM container_images i WHERE i.manifest = m.id))
         FROM holder h CROSS JOIN manifests m ON m.id = h.id",
    )?;
    let (lease, registered): (i64, bool) =
        find.query_row([manifest], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(if registered { Some(lease.max(now.0)) } else { Some(lease).filter(|lease| *lease > over.0) })
}

fn collect_blobs(connection: &Connection, over: Time, rows: usize, collected: &mut Collected) -> Result<()> {
    let mut select = connection.prepare_cached(
        "SELECT repository, blob FROM blob_links
         WHERE held = 0 AND leased_at <= ?1 ORDER BY leased_at LIMIT ?2",
    )?;
    let limit = i64::try_from(rows).unwrap_or(i64::MAX);
    let links = select.query_map(params![over.0, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let links: Vec<(i64, i64)> = links.collect::<rusqlite::Result<_>>()?;
    for (repository, blob) in links {
        if let Some(bytes) = blobs::unlink(connection, repository, blob)? {
            collected.contents += 1;
            collected.bytes += bytes;
        }
        collected.blobs += 1;
        remove_if_empty(connection, repository, collected)?;
    }
    Ok(())
}

/// A repository is there while it has something in it.
fn remove_if_empty(connection: &Connection, repository: i64, collected: &mut Collected) -> Result<()> {
    let mut remove = connection.prepare_cached(
        "DELETE FROM repositories WHERE id = ?1
         AND NOT EXISTS (SELECT 1 FROM manifests WHERE repository = ?1)
         AND NOT EXISTS (SELECT 1 FROM blob_links WHERE repository = ?1)",
    )?;
    collected.repositories += remove.execute([repository])? as u64;
    Ok(())
}
