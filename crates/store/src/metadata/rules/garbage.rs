//! Finds what collection would remove, in one snapshot of the rows, and changes nothing.

use std::collections::{HashMap, HashSet};

use gangplank_core::Time;
use gangplank_oci::Digest;

use super::holds::walk;
use super::rows;
use crate::Result;
use crate::metadata::collection::{Garbage, GarbageKind, GarbageReason};
use crate::metadata::tx::{Query, Row, Tx, values};

pub(crate) fn find(tx: &dyn Tx, over: Time) -> Result<Vec<Garbage>> {
    let mut search = Search { tx, over, doomed: HashMap::new(), order: Vec::new() };
    search.unheld()?;
    search.follow(0)?;
    search.self_holding_indexes()?;
    let mut garbage = search.manifests()?;
    garbage.extend(search.blobs()?);
    Ok(garbage)
}

struct Search<'a> {
    tx: &'a dyn Tx,
    over: Time,
    /// Manifests that would be removed, and why.
    doomed: HashMap<i64, GarbageReason>,
    /// These manifests, in the order in which they were found.
    order: Vec<i64>,
}

impl Search<'_> {
    fn doom(&mut self, manifest: i64, reason: GarbageReason) {
        if self.doomed.insert(manifest, reason).is_none() {
            self.order.push(manifest);
        }
    }

    /// Adds the manifests that nothing holds to the garbage.
    fn unheld(&mut self) -> Result<()> {
        for manifest in self.tx.all(&Query::column(
            "SELECT id FROM manifests WHERE held = 0 AND leased_at <= ?1 ORDER BY leased_at",
            values![self.over],
        ))? {
            self.doom(manifest, GarbageReason::Unheld);
        }
        Ok(())
    }

    /// Adds the manifests that only garbage holds to the garbage, starting with those below the entry `next` of
    /// `order`.
    fn follow(&mut self, mut next: usize) -> Result<()> {
        while let Some(holder) = self.order.get(next).copied() {
            next += 1;
            let digest = self.digest(holder)?;
            for part in walk::below(self.tx, holder)? {
                if self.is_held_by_garbage(part)? {
                    self.doom(part, GarbageReason::HeldByGarbage(digest.clone()));
                }
            }
        }
        Ok(())
    }

    /// Adds indexes that hold themselves to the garbage.
    fn self_holding_indexes(&mut self) -> Result<()> {
        let suspects: Vec<(i64, Digest)> = self.tx.all(&Query::new(
            "SELECT id, subject FROM manifests
             WHERE held = 1 AND subject IS NOT NULL AND depth > 0 AND leased_at <= ?1 ORDER BY leased_at",
            values![self.over],
            |row| Ok((row.get(0)?, row.get(1)?)),
        ))?;
        for (suspect, subject) in suspects {
            if !self.doomed.contains_key(&suspect) && !self.is_kept(suspect)? {
                let from = self.order.len();
                self.doom(suspect, GarbageReason::HeldByGarbage(subject.to_string()));
                self.follow(from)?;
            }
        }
        Ok(())
    }

    fn is_held_by_garbage(&self, manifest: i64) -> Result<bool> {
        if self.doomed.contains_key(&manifest)
            || walk::kept_by_itself(self.tx, manifest, self.over)?.is_some()
        {
            return Ok(false);
        }
        let holders = walk::above(self.tx, manifest)?;
        Ok(holders.iter().all(|holder| self.doomed.contains_key(holder)))
    }

    /// Whether something that is no garbage keeps the manifest.
    fn is_kept(&self, manifest: i64) -> Result<bool> {
        let gone = |id| self.doomed.contains_key(&id);
        Ok(walk::kept(self.tx, manifest, self.over, gone)?.is_ok())
    }

    fn manifests(&self) -> Result<Vec<Garbage>> {
        let found = self.tx.find_each(
            "SELECT t.account, t.region, r.name, m.digest, m.size, m.leased_at
             FROM manifests m CROSS JOIN repositories r CROSS JOIN tenants t
             WHERE m.id = ?1 AND r.id = m.repository AND t.id = r.tenant",
            self.order.iter().map(|manifest| values![*manifest]),
            |row| read(row, GarbageKind::Manifest),
        )?;
        let manifests = self.order.iter().zip(found);
        Ok(manifests
            .filter_map(|(id, found)| Some(Garbage { reason: self.doomed[id].clone(), ..found? }))
            .collect())
    }

    /// The blobs that nothing references, and those that only garbage references.
    fn blobs(&self) -> Result<Vec<Garbage>> {
        let unheld = self.tx.all(&Query::new(
            "SELECT t.account, t.region, r.name, b.digest, b.size, l.leased_at, b.id
             FROM blob_links l CROSS JOIN repositories r CROSS JOIN tenants t CROSS JOIN blobs b
             WHERE l.held = 0 AND l.leased_at <= ?1 AND r.id = l.repository AND t.id = r.tenant AND b.id = l.blob
             ORDER BY l.leased_at",
            values![self.over],
            |row| Ok((read(row, GarbageKind::Blob)?, row.get::<i64>(6)?)),
        ))?;
        let (mut garbage, mut holds) = (Vec::new(), Holds { tx: self.tx, left: HashMap::new() });
        for (blob, content) in unheld {
            garbage.push(holds.let_go(content, blob)?);
        }
        let mut seen = HashSet::new();
        for manifest in &self.order {
            for (repository, content) in walk::links_below(self.tx, *manifest)? {
                let holders = walk::above_link(self.tx, repository, content)?;
                let all_go = holders.iter().all(|holder| self.doomed.contains_key(holder));
                if !all_go || !seen.insert((repository, content)) {
                    continue;
                }
                let blob = self.tx.one(&Query::new(
                    "SELECT t.account, t.region, r.name, b.digest, b.size, l.leased_at
                     FROM blob_links l CROSS JOIN repositories r CROSS JOIN tenants t CROSS JOIN blobs b
                     WHERE l.repository = ?1 AND l.blob = ?2 AND r.id = l.repository AND t.id = r.tenant
                       AND b.id = l.blob",
                    values![repository, content],
                    |row| read(row, GarbageKind::Blob),
                ))?;
                if blob.leased_at <= self.over {
                    let reason = GarbageReason::HeldByGarbage(self.digest(*manifest)?);
                    garbage.push(holds.let_go(content, Garbage { reason, ..blob })?);
                }
            }
        }
        Ok(garbage)
    }

    fn digest(&self, manifest: i64) -> Result<String> {
        let find = Query::column("SELECT digest FROM manifests WHERE id = ?1", values![manifest]);
        Ok(self.tx.one::<Digest>(&find)?.to_string())
    }
}

/// How many repositories still hold a content.
struct Holds<'a> {
    tx: &'a dyn Tx,
    left: HashMap<i64, i64>,
}

impl Holds<'_> {
    /// Counts one repository fewer for the content. When none is left, the bytes are freed.
    fn let_go(&mut self, content: i64, mut blob: Garbage) -> Result<Garbage> {
        let left = match self.left.get(&content) {
            Some(left) => *left,
            None => {
                let count = "SELECT count(*) FROM blob_links WHERE blob = ?1";
                self.tx.one(&Query::column(count, values![content]))?
            }
        } - 1;
        self.left.insert(content, left);
        if left == 0 {
            blob.frees = blob.size;
        }
        Ok(blob)
    }
}

/// Reads `account, region, repository, digest, size, leased_at`, the first six columns. The reason is `Unheld`.
fn read(row: &Row<'_>, kind: GarbageKind) -> Result<Garbage> {
    let size = rows::unsigned(row.get(4)?)?;
    Ok(Garbage {
        kind,
        tenant: rows::tenant(row)?,
        repository: row.get(2)?,
        digest: row.get::<Digest>(3)?.to_string(),
        size,
        frees: if kind == GarbageKind::Manifest { size } else { 0 },
        leased_at: row.get(5)?,
        reason: GarbageReason::Unheld,
    })
}
