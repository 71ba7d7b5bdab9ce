//! What collection would remove, worked out on one moment's view of the rows without touching any.

use std::collections::{HashMap, HashSet};

use gangplank_core::{Tenant, Time};
use rusqlite::{Connection, Row, params};

use super::holds::walk;
use super::rows;
use crate::Result;
use crate::metadata::collection::{Garbage, GarbageKind, GarbageReason};

pub(super) fn find(connection: &Connection, over: Time) -> Result<Vec<Garbage>> {
    let mut search = Search { connection, over, doomed: HashMap::new(), order: Vec::new() };
    search.unheld()?;
    search.follow(0)?;
    search.self_holding_indexes()?;
    let mut garbage = search.manifests()?;
    garbage.extend(search.blobs()?);
    Ok(garbage)
}

struct Search<'a> {
    connection: &'a Connection,
    over: Time,
    /// Manifests that would go, and why.
    doomed: HashMap<i64, GarbageReason>,
    /// The same in the order in which they were found.
    order: Vec<i64>,
}

impl Search<'_> {
    fn doom(&mut self, manifest: i64, reason: GarbageReason) {
        if self.doomed.insert(manifest, reason).is_none() {
            self.order.push(manifest);
        }
    }

    /// Manifests that nothing holds.
    fn unheld(&mut self) -> Result<()> {
        let sql = "SELECT id FROM manifests WHERE held = 0 AND leased_at <= ?1 ORDER BY leased_at";
        for manifest in self.ids(sql, params![self.over.0])? {
            self.doom(manifest, GarbageReason::Unheld);
        }
        Ok(())
    }

    /// What only garbage holds, from the place `next` in the order on.
    fn follow(&mut self, mut next: usize) -> Result<()> {
        while let Some(holder) = self.order.get(next).copied() {
            next += 1;
            let digest = self.digest(holder)?;
            for part in walk::below(self.connection, holder)? {
                if self.is_held_by_garbage(part)? {
                    self.doom(part, GarbageReason::HeldByGarbage(digest.clone()));
                }
            }
        }
        Ok(())
    }

    /// Indexes that hold themselves.
    fn self_holding_indexes(&mut self) -> Result<()> {
        let sql = "SELECT id FROM manifests
                   WHERE held = 1 AND subject IS NOT NULL AND depth > 0 AND leased_at <= ?1 ORDER BY leased_at";
        for suspect in self.ids(sql, params![self.over.0])? {
            if !self.doomed.contains_key(&suspect) && !self.is_kept(suspect)? {
                let mut find =
                    self.connection.prepare_cached("SELECT subject FROM manifests WHERE id = ?1")?;
                let subject = find.query_row([suspect], |row| row.get(0))?;
                let from = self.order.len();
                self.doom(suspect, GarbageReason::HeldByGarbage(subject));
                self.follow(from)?;
            }
        }
        Ok(())
    }

    fn is_held_by_garbage(&self, manifest: i64) -> Result<bool> {
        if self.doomed.contains_key(&manifest)
            || walk::kept_by_itself(self.connection, manifest, self.over)?.is_some()
        {
            return Ok(false);
        }
        let holders = walk::above(self.connection, manifest)?;
        Ok(holders.iter().all(|holder| self.doomed.contains_key(holder)))
    }

    /// Whether anything keeps a manifest, but for garbage.
    fn is_kept(&self, manifest: i64) -> Result<bool> {
        let gone = |id| self.doomed.contains_key(&id);
        Ok(walk::kept(self.connection, manifest, self.over, gone)?.is_some())
    }

    fn ids(&self, sql: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<i64>> {
        let mut select = self.connection.prepare_cached(sql)?;
        let ids = select.query_map(values, |row| row.get(0))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    fn manifests(&self) -> Result<Vec<Garbage>> {
        let mut find = self.connection.prepare_cached(
            "SELECT t.account, t.region, r.name, m.digest, m.size, m.leased_at
             FROM manifests m
             CROSS JOIN repositories r ON r.id = m.repository
             CROSS JOIN tenants t ON t.id = r.tenant
             WHERE m.id = ?1",
        )?;
        let mut garbage = Vec::new();
        for manifest in &self.order {
            let reason = self.doomed[manifest].clone();
            let read = |row: &Row<'_>| Ok(read(row, GarbageKind::Manifest, reason));
            garbage.push(find.query_row([manifest], read)??);
        }
        Ok(garbage)
    }

    /// Blobs that nothing references, and those that only garbage does.
    fn blobs(&self) -> Result<Vec<Garbage>> {
        const COLUMNS: &str =
            "t.account, t.region, r.name, b.digest, b.size, l.leased_at, b.id, l.repository";
        let sql = format!(
            "SELECT {COLUMNS} FROM blob_links l
             CROSS JOIN repositories r ON r.id = l.repository
             CROSS JOIN tenants t ON t.id = r.tenant
             CROSS JOIN blobs b ON b.id = l.blob
             WHERE l.held = 0 AND l.leased_at <= ?1 ORDER BY l.leased_at"
        );
        let mut select = self.connection.prepare_cached(&sql)?;
        let mut found = select.query([self.over.0])?;
        let mut garbage = Vec::new();
        let mut holds = Holds { connection: self.connection, left: HashMap::new() };
        while let Some(row) = found.next()? {
            let blob = read(row, GarbageKind::Blob, GarbageReason::Unheld)?;
            garbage.push(holds.let_go(row.get(6)?, blob)?);
        }
        let sql = format!(
            "SELECT {COLUMNS} FROM blob_links l CROSS JOIN repositories r CROSS JOIN tenants t CROSS JOIN blobs b
             WHERE l.repository = ?1 AND l.blob = ?2 AND r.id = l.repository AND t.id = r.tenant AND b.id = l.blob"
        );
        let mut select = self.connection.prepare_cached(&sql)?;
        let mut seen = HashSet::new();
        for manifest in &self.order {
            for (repository, content) in walk::links_below(self.connection, *manifest)? {
                let holders = walk::above_link(self.connection, repository, content)?;
                let all_go = holders.iter().all(|holder| self.doomed.contains_key(holder));
                if !all_go || !seen.insert((repository, content)) {
                    continue;
                }
                let reason = GarbageReason::HeldByGarbage(self.digest(*manifest)?);
                let blob = select
                    .query_row([repository, content], |row| Ok(read(row, GarbageKind::Blob, reason)))??;
                if blob.leased_at <= self.over {
                    garbage.push(holds.let_go(content, blob)?);
                }
            }
        }
        Ok(garbage)
    }

    fn digest(&self, manifest: i64) -> Result<String> {
        let mut find = self.connection.prepare_cached("SELECT digest FROM manifests WHERE id = ?1")?;
        Ok(find.query_row([manifest], |row| row.get(0))?)
    }
}

/// How many repositories still hold a content.
struct Holds<'a> {
    connection: &'a Connection,
    left: HashMap<i64, i64>,
}

impl Holds<'_> {
    /// Counts one hold less; says what the last one frees.
    fn let_go(&mut self, content: i64, mut blob: Garbage) -> Result<Garbage> {
        let left = match self.left.get(&content) {
            Some(left) => *left,
            None => {
                let sql = "SELECT count(*) FROM blob_links WHERE blob = ?1";
                self.connection.prepare_cached(sql)?.query_row([content], |row| row.get(0))?
            }
        } - 1;
        self.left.insert(content, left);
        if left == 0 {
            blob.frees = blob.size;
        }
        Ok(blob)
    }
}

/// Reads `account, region, repository, digest, size, leased_at`, the first six columns.
fn read(row: &Row<'_>, kind: GarbageKind, reason: GarbageReason) -> Result<Garbage> {
    let size = rows::unsigned(row.get(4)?)?;
    Ok(Garbage {
        kind,
        tenant: Tenant {
            account: rows::account(row.get_ref(0)?.as_str().unwrap_or_default())?,
            region: rows::region(row.get_ref(1)?.as_str().unwrap_or_default())?,
        },
        repository: row.get(2)?,
        digest: row.get(3)?,
        size,
        frees: if kind == GarbageKind::Manifest { size } else { 0 },
        leased_at: Time(row.get(5)?),
        reason,
    })
}
