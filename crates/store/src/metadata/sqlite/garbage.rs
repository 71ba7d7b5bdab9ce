//! What collection would remove, worked out on one moment's view of the rows without touching any.

use std::collections::{HashMap, HashSet};

use gangplank_core::{Tenant, Time};
use rusqlite::{Connection, Row, params};

use super::rows;
use crate::Result;
use crate::metadata::collection::{Garbage, GarbageKind, GarbageReason};

pub(super) fn find(connection: &Connection, over: Time) -> Result<Vec<Garbage>> {
    let mut search = Search { connection, over, doomed: HashMap::new(), order: Vec::new() };
    search.loose_ends()?;
    search.follow(0)?;
    search.knots()?;
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

    /// What nothing holds.
    fn loose_ends(&mut self) -> Result<()> {
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
            let digest: String = {
                let mut find =
                    self.connection.prepare_cached("SELECT digest FROM manifests WHERE id = ?1")?;
                find.query_row([holder], |row| row.get(0))?
            };
            for part in self.parts(holder)? {
                if self.is_held_by_garbage(part)? {
                    self.doom(part, GarbageReason::HeldByGarbage(digest.clone()));
                }
            }
        }
        Ok(())
    }

    /// Indexes that hold themselves.
    fn knots(&mut self) -> Result<()> {
        let sql = "SELECT id FROM manifests
                   WHERE held = 1 AND subject IS NOT NULL AND depth > 0 AND leased_at <= ?1 ORDER BY leased_at";
        for suspect in self.ids(sql, params![self.over.0])? {
            if !self.doomed.contains_key(&suspect) && !self.is_anchored(suspect)? {
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
        if self.doomed.contains_key(&manifest) || self.stands_by_itself(manifest)? {
            return Ok(false);
        }
        Ok(self.holders(manifest)?.iter().all(|holder| self.doomed.contains_key(holder)))
    }

    /// Whether something above a manifest, or it itself, is registered or leased.
    fn is_anchored(&self, manifest: i64) -> Result<bool> {
        let (mut seen, mut open) = (HashSet::from([manifest]), vec![manifest]);
        while let Some(next) = open.pop() {
            if self.stands_by_itself(next)? {
                return Ok(true);
            }
            let holders = self.holders(next)?;
            open.extend(holders.into_iter().filter(|id| !self.doomed.contains_key(id) && seen.insert(*id)));
        }
        Ok(false)
    }

    /// Whether a manifest is registered or leased.
    fn stands_by_itself(&self, manifest: i64) -> Result<bool> {
        let mut find = self.connection.prepare_cached(
            "SELECT leased_at > ?2 OR EXISTS (SELECT 1 FROM container_images i WHERE i.manifest = m.id)
             FROM manifests m WHERE m.id = ?1",
        )?;
        Ok(find.query_row(params![manifest, self.over.0], |row| row.get(0))?)
    }

    /// The children of a manifest, and what is about it.
    fn parts(&self, manifest: i64) -> Result<Vec<i64>> {
        let sql = "SELECT m.id FROM manifest_children c
                   CROSS JOIN manifests m ON m.repository = c.repository AND m.digest = c.digest
                   WHERE c.manifest = ?1
                   UNION
                   SELECT m.id FROM manifests s
                   CROSS JOIN manifests m ON m.repository = s.repository AND m.subject = s.digest
                   WHERE s.id = ?1";
        self.ids(sql, params![manifest])
    }

    /// The indexes that a manifest is in, and its subject.
    fn holders(&self, manifest: i64) -> Result<Vec<i64>> {
        let sql = "SELECT c.manifest FROM manifests m
                   CROSS JOIN manifest_children c ON c.repository = m.repository AND c.digest = m.digest
                   WHERE m.id = ?1
                   UNION
                   SELECT s.id FROM manifests m
                   CROSS JOIN manifests s ON s.repository = m.repository AND s.digest = m.subject
                   WHERE m.id = ?1";
        self.ids(sql, params![manifest])
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
            "SELECT {COLUMNS}, m.digest FROM manifests m
             CROSS JOIN manifest_blobs n ON n.manifest = m.id
             CROSS JOIN repositories r ON r.id = n.repository
             CROSS JOIN tenants t ON t.id = r.tenant
             CROSS JOIN blobs b ON b.tenant = t.id AND b.digest = n.digest
             CROSS JOIN blob_links l ON l.repository = r.id AND l.blob = b.id
             WHERE m.id = ?1 AND l.leased_at <= ?2"
        );
        let mut select = self.connection.prepare_cached(&sql)?;
        let mut seen = HashSet::new();
        for manifest in &self.order {
            let mut found = select.query(params![manifest, self.over.0])?;
            while let Some(row) = found.next()? {
                let blob = read(row, GarbageKind::Blob, GarbageReason::HeldByGarbage(row.get(8)?))?;
                let (content, repository): (i64, i64) = (row.get(6)?, row.get(7)?);
                let sql = "SELECT manifest FROM manifest_blobs WHERE repository = ?1 AND digest = ?2";
                let holders = self.ids(sql, params![repository, blob.digest])?;
                let all_go = holders.iter().all(|holder| self.doomed.contains_key(holder));
                if all_go && seen.insert((repository, blob.digest.clone())) {
                    garbage.push(holds.let_go(content, blob)?);
                }
            }
        }
        Ok(garbage)
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
    Ok(Garbage {
        kind,
        tenant: Tenant {
            account: rows::account(row.get_ref(0)?.as_str().unwrap_or_default())?,
            region: rows::region(row.get_ref(1)?.as_str().unwrap_or_default())?,
        },
        repository: row.get(2)?,
        digest: row.get(3)?,
        size: rows::unsigned(row.get(4)?)?,
        frees: 0,
        leased_at: Time(row.get(5)?),
        reason,
    })
}
