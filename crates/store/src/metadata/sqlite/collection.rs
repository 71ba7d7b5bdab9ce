//! Garbage collection, in small transactions of the one writer.
//!
//! A step decides and removes in one transaction, so there is no moment between at which a push could
//! rely on what is about to go. Its cost follows the garbage: the indexes it walks hold nothing else.

use std::collections::HashMap;

use async_trait::async_trait;
use gangplank_core::Time;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::holds::walk::{self, Kept};
use super::usage::Usage;
use super::writer::Whose;
use super::{Sqlite, blobs, garbage, manifests, rows};
use crate::Result;
use crate::metadata::cache::Touched;
use crate::metadata::collection::{Collected, Collection, Garbage, Waiting};
use crate::metadata::sqlite::transaction::Transaction;

#[async_trait]
impl Collection for Sqlite {
    async fn collect(&self, over: Time, now: Time, rows: usize) -> Result<Collected> {
        self.engine
            .doors
            .upkeep(Whose::Server, Touched::NOTHING, move |connection| step(connection, over, now, rows))
            .await
    }

    async fn give_back(&self) -> Result<bool> {
        self.give_pages_back().await
    }

    async fn waiting(&self, over: Time, most: usize) -> Result<Waiting> {
        self.engine
            .read_long(Whose::Server, move |connection| {
                let most = i64::try_from(most).unwrap_or(i64::MAX);
                let count = |sql| {
                    let mut count = connection.prepare_cached(sql)?;
                    rows::count(count.query_row([over.0, most], |row| row.get(0))?)
                };
                Ok(Waiting {
                    manifests: count(
                        "SELECT count(*) FROM (SELECT 1 FROM manifests
                                           WHERE held = 0 AND leased_at <= ?1 LIMIT ?2) AS found",
                    )?,
                    blobs: count(
                        "SELECT count(*) FROM (SELECT 1 FROM blob_links
                                           WHERE held = 0 AND leased_at <= ?1 LIMIT ?2) AS found",
                    )?,
                })
            })
            .await
    }

    async fn garbage(&self, over: Time) -> Result<Vec<Garbage>> {
        self.engine.read_long(Whose::Server, move |connection| garbage::find(connection, over)).await
    }
}

/// Manifests go before what they hold. Indexes that hold themselves are looked for when nothing else is left.
pub(super) fn step(connection: &Connection, over: Time, now: Time, rows: usize) -> Result<Collected> {
    let mut step =
        Step { connection, over, now, rows, collected: Collected::default(), usage: HashMap::new() };
    step.unheld_manifests()?;
    if step.collected.manifests == 0 {
        step.self_holding_index()?;
    }
    if step.collected.manifests == 0 {
        step.unheld_blobs()?;
    }
    for (tenant, usage) in step.usage {
        usage.write(&Transaction(connection), tenant)?;
    }
    Ok(step.collected)
}

struct Step<'a> {
    connection: &'a Connection,
    /// Leases taken at this moment or before are over.
    over: Time,
    now: Time,
    /// About how many rows it removes.
    rows: usize,
    collected: Collected,
    /// What tenants have less.
    usage: HashMap<i64, Usage>,
}

impl Step<'_> {
    fn unheld_manifests(&mut self) -> Result<()> {
        let mut next = self.connection.prepare_cached(
            "SELECT m.id, m.repository, r.tenant FROM manifests m CROSS JOIN repositories r
             WHERE m.held = 0 AND m.leased_at <= ?1 AND r.id = m.repository ORDER BY m.leased_at LIMIT 1",
        )?;
        let mut removed = 0;
        while removed < self.rows {
            let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            let Some((manifest, repository, tenant)) = next.query_row([self.over.0], read).optional()? else {
                break;
            };
            removed += self.remove_manifest(manifest, repository, tenant)?;
        }
        Ok(())
    }

    /// Removes a manifest; says how many rows that changed, about.
    fn remove_manifest(&mut self, manifest: i64, repository: i64, tenant: i64) -> Result<usize> {
        let parts = walk::parts(self.connection, manifest)?.len();
        let usage = self.usage.entry(tenant).or_default();
        self.collected.bytes += manifests::remove(self.connection, manifest, usage)?;
        self.collected.manifests += 1;
        self.remove_if_empty(repository, tenant)?;
        Ok(1 + parts)
    }

    /// Removes one index that holds its own subject, and so itself, if nothing else keeps it.
    ///
    /// Every circle of edges has such an index in it:
    ///
    /// 1. A digest is known only when its content is, so manifests that name each other form no circle.
    /// 2. Edges to parts run along the names, edges from a subject against them. So a circle has both kinds.
    /// 3. Somewhere in it an edge from a subject is followed by an edge to a part. The manifest between the two
    ///    has a subject, and it has children.
    fn self_holding_index(&mut self) -> Result<()> {
        let mut select = self.connection.prepare_cached(
            "SELECT m.id, m.repository, r.tenant FROM manifests m CROSS JOIN repositories r
             WHERE m.held = 1 AND m.subject IS NOT NULL AND m.depth > 0 AND m.leased_at <= ?1
               AND r.id = m.repository
             ORDER BY m.leased_at LIMIT ?2",
        )?;
        // Where no lease counts, renewing one would not get the next ones their turn.
        let limit = if self.over < self.now { self.rows } else { usize::MAX };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let suspects = select
            .query_map(params![self.over.0, limit], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        for (manifest, repository, tenant) in suspects.collect::<rusqlite::Result<Vec<(i64, i64, i64)>>>()? {
            // Nothing above it is gone: what nothing holds was removed before.
            let until = match walk::kept(self.connection, manifest, self.over, |_| false)? {
                None => {
                    self.remove_manifest(manifest, repository, tenant)?;
                    return Ok(());
                }
                Some(Kept::ByRoot) => self.now,
                Some(Kept::ByLease(until)) => until,
            };
            // Looked at again when that is over, and not in every cycle.
            let mut renew =
                self.connection.prepare_cached("UPDATE manifests SET leased_at = ?2 WHERE id = ?1")?;
            renew.execute(params![manifest, until.0])?;
        }
        Ok(())
    }

    fn unheld_blobs(&mut self) -> Result<()> {
        let mut select = self.connection.prepare_cached(
            "SELECT l.repository, l.blob, r.tenant FROM blob_links l CROSS JOIN repositories r
             WHERE l.held = 0 AND l.leased_at <= ?1 AND r.id = l.repository ORDER BY l.leased_at LIMIT ?2",
        )?;
        let limit = i64::try_from(self.rows).unwrap_or(i64::MAX);
        let links = select
            .query_map(params![self.over.0, limit], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        for (repository, blob, tenant) in links.collect::<rusqlite::Result<Vec<(i64, i64, i64)>>>()? {
            let usage = self.usage.entry(tenant).or_default();
            if let Some(bytes) = blobs::unlink(self.connection, repository, blob, self.now, usage)? {
                self.collected.contents += 1;
                self.collected.bytes += bytes;
            }
            self.collected.blobs += 1;
            self.remove_if_empty(repository, tenant)?;
        }
        Ok(())
    }

    /// A repository is there while it has something in it.
    fn remove_if_empty(&mut self, repository: i64, tenant: i64) -> Result<()> {
        let mut remove = self.connection.prepare_cached(
            "DELETE FROM repositories WHERE id = ?1
             AND NOT EXISTS (SELECT 1 FROM manifests WHERE repository = ?1)
             AND NOT EXISTS (SELECT 1 FROM blob_links WHERE repository = ?1)",
        )?;
        if remove.execute([repository])? == 1 {
            self.collected.repositories += 1;
            self.usage.entry(tenant).or_default().repositories -= 1;
        }
        Ok(())
    }
}
