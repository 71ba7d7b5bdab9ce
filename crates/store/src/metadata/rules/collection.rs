//! Garbage collection, in small transactions.
//!
//! A step decides and removes in one transaction. The rows that it finds first are only hints: somebody may be
//! about to use them. So it locks them, and then looks again, in the order of [`crate::metadata::rules`]:
//!
//! 1. It locks the repositories with `Update`. From then on no edge and no blob comes to them or leaves them.
//! 2. It locks with `Update` the rows that it may remove. From then on nobody renews their leases, and nobody
//!    adds these contents to another repository.
//! 3. It reads again whether the lease of each locked row is over, and whether an edge leads to the row. The
//!    column `held` only helps to find rows. It decides nothing.
//!
//! The step skips every row that somebody else has locked. The next cycle finds it again. If everything that it
//! found is in locked repositories, it looks in other repositories. So a repository that is always in use holds
//! up only its own garbage. So collection waits for nobody, and others wait for it only briefly. Its cost
//! follows the amount of garbage, because its indexes contain nothing else.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use gangplank_core::Time;

use super::holds::keep;
use super::holds::texts::Texts;
use super::holds::walk::{self, Kept};
use super::usage::{self, Usage};
use super::{blobs, garbage, manifests, rows};
use crate::Result;
use crate::metadata::collection::{Collected, Collection, Garbage, Waiting};
use crate::metadata::engine::{Engine, Terms, Whose};
use crate::metadata::store::Store;
use crate::metadata::tx::{Level, Lock, Query, Tx, Value, values};

#[async_trait]
impl<E: Engine> Collection for Store<E> {
    async fn collect(&self, over: Time, now: Time, rows: usize) -> Result<Collected> {
        self.upkeep(Terms::server().takes_nothing(), move |tx| step(tx, over, now, rows)).await
    }

    async fn give_back(&self) -> Result<bool> {
        self.engine.give_back().await
    }

    async fn waiting(&self, over: Time, most: usize) -> Result<Waiting> {
        self.read_long(Whose::Server, move |tx| {
            let count = |text| tx.one(&Query::column(text, values![over, rows::limit(most)]));
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
        self.read_long(Whose::Server, move |tx| garbage::find(tx, over)).await
    }
}

/// One step of collection. Manifests are removed before the blobs that they hold. The step looks for indexes
/// that hold themselves only when it finds no other manifests.
pub(crate) fn step(tx: &dyn Tx, over: Time, now: Time, rows: usize) -> Result<Collected> {
    let steady = tx.steady(now)?;
    let over = Time(over.0.saturating_add(steady.0 - now.0));
    let mut step =
        Step { tx, over, now: steady, rows, collected: Collected::default(), usage: BTreeMap::new() };
    step.unheld_manifests()?;
    if step.collected.manifests == 0 {
        step.self_holding_index()?;
    }
    if step.collected.manifests == 0 {
        step.unheld_blobs()?;
    }
    usage::write_all(tx, step.usage)?;
    Ok(step.collected)
}

struct Step<'a> {
    tx: &'a dyn Tx,
    /// Leases taken at this moment or before are over.
    over: Time,
    now: Time,
    /// About how many rows the step removes.
    rows: usize,
    collected: Collected,
    /// The decrease of each tenant's usage, by the tenant's row.
    usage: BTreeMap<i64, Usage>,
}

/// How many locked repositories a step passes over before it gives up.
const MOST_BUSY: usize = 100;

/// The condition that a column names none of these repositories. Their parameters begin with `?3`.
fn outside(column: &str, busy: &BTreeSet<i64>) -> String {
    if busy.is_empty() {
        return String::new();
    }
    let parameters: Vec<String> = (3..3 + busy.len()).map(|number| format!("?{number}")).collect();
    format!(" AND {column} NOT IN ({})", parameters.join(", "))
}

/// The values of a query with [`outside`].
fn but<'v>(values: [Value<'v>; 2], busy: &BTreeSet<i64>) -> Vec<Value<'v>> {
    values.into_iter().chain(busy.iter().map(|repository| Value::from(*repository))).collect()
}

/// The locked repositories, each with its tenant.
type Locked = BTreeMap<i64, i64>;

impl Step<'_> {
    /// Finds rows, and locks their repositories. `find` gets the repositories to leave out, and returns each
    /// row with its repository.
    fn find_unlocked<T>(
        &self,
        find: impl Fn(&BTreeSet<i64>) -> Result<Vec<(T, i64)>>,
    ) -> Result<(Vec<(T, i64)>, Locked)> {
        let mut busy = BTreeSet::new();
        loop {
            let found = find(&busy)?;
            let repositories: BTreeSet<i64> = found.iter().map(|(_, repository)| *repository).collect();
            let locked = self.lock_repositories(repositories.iter().copied())?;
            if found.is_empty() || !locked.is_empty() || busy.len() >= MOST_BUSY {
                return Ok((found, locked));
            }
            busy.extend(repositories);
        }
    }

    fn unheld_manifests(&mut self) -> Result<()> {
        let (found, locked) = self.find_unlocked(|busy| {
            let text = format!(
                "SELECT m.id, m.repository, 1 + {} FROM manifests m
                 WHERE m.held = 0 AND m.leased_at <= ?1{} ORDER BY m.leased_at LIMIT ?2",
                Texts::get().edges_of_manifest,
                outside("m.repository", busy)
            );
            // Most manifests have several edges, so a quarter of the rows is enough.
            let most = rows::limit(self.rows / 4 + 1);
            let mut found: Vec<(i64, i64, usize)> = Vec::new();
            self.tx.query(&text, &but(values![self.over, most], busy), &mut |row| {
                found.push((row.get(0)?, row.get(1)?, row.get(2)?));
                Ok(())
            })?;
            let mut sum = 0;
            let is_room = |(_, _, rows): &(i64, i64, usize)| {
                let is_room = sum < self.rows;
                sum += rows;
                is_room
            };
            let found = found.into_iter().take_while(is_room);
            Ok(found.map(|(manifest, repository, _)| (manifest, repository)).collect())
        })?;
        let manifests: BTreeMap<i64, i64> =
            found.into_iter().filter(|(_, repository)| locked.contains_key(repository)).collect();
        let ids = self.lock_manifests(manifests.keys().copied())?;
        let (held, unheld) = split(ids.iter().copied().zip(walk::are_held(self.tx, &ids)?));
        // Correct `held`, or every cycle would find these manifests again.
        keep::refresh_each(self.tx, &held)?;
        let mut of_tenants: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for manifest in unheld {
            of_tenants.entry(locked[&manifests[&manifest]]).or_default().push(manifest);
        }
        for (tenant, manifests) in of_tenants {
            self.remove_manifests(tenant, &manifests)?;
        }
        self.remove_empty(&locked)
    }

    fn remove_manifests(&mut self, tenant: i64, manifests: &[i64]) -> Result<()> {
        self.collected.bytes += manifests::remove(self.tx, manifests, self.usage.entry(tenant).or_default())?;
        self.collected.manifests += manifests.len() as u64;
        Ok(())
    }

    /// Removes one index that holds its own subject, and so itself, if nothing else keeps it.
    ///
    /// Every circle of edges contains such an index:
    ///
    /// 1. A manifest names others by digest, so it can only be made after them. Names alone form no circle.
    /// 2. An edge to a part points where the name points. An edge from a subject points the other way. So a
    ///    circle has edges of both kinds.
    /// 3. So somewhere in the circle an edge from a subject is followed by an edge to a part. The manifest
    ///    between these two edges has a subject and has children.
    fn self_holding_index(&mut self) -> Result<()> {
        // The suspects are looked at in the order of their leases, a few in each step. A suspect that is kept
        // gets a new lease, and goes to the end. If every lease counts as over, a new lease does not help. So one
        // step looks at all suspects.
        let limit = if self.over < self.now { self.rows } else { usize::MAX };
        let (suspects, locked) = self.find_unlocked(|busy| {
            let text = format!(
                "SELECT id, repository FROM manifests
                 WHERE held = 1 AND subject IS NOT NULL AND depth > 0 AND leased_at <= ?1{}
                 ORDER BY leased_at LIMIT ?2",
                outside("repository", busy)
            );
            let mut found: Vec<(i64, i64)> = Vec::new();
            self.tx.query(&text, &but(values![self.over, rows::limit(limit)], busy), &mut |row| {
                found.push((row.get(0)?, row.get(1)?));
                Ok(())
            })?;
            Ok(found)
        })?;
        for (manifest, repository) in suspects {
            let Some(tenant) = locked.get(&repository) else { continue };
            // All manifests above it still exist: those that nothing holds were removed before.
            let until = match walk::kept(self.tx, manifest, self.over, |_| false)? {
                Err(above) => {
                    // Only the manifests above keep this one, and nothing keeps them. If the lease of one of them
                    // were renewed now, this manifest would have to stay. So all of them are locked before it is
                    // removed.
                    if self.lock_manifests(above.iter().copied())?.len() < above.len()
                        || walk::kept(self.tx, manifest, self.over, |_| false)?.is_ok()
                    {
                        continue;
                    }
                    self.remove_manifests(*tenant, &[manifest])?;
                    return self.remove_empty(&locked);
                }
                Ok(Kept::ByRoot) => self.now,
                Ok(Kept::ByLease(until)) => until,
            };
            // With a newer lease the index rests for a while, so that not every cycle looks at it.
            if !self.lock_manifests([manifest])?.is_empty() {
                let renew = "UPDATE manifests SET leased_at = ?2 WHERE id = ?1";
                self.tx.run(renew, values![manifest, until])?;
            }
        }
        Ok(())
    }

    fn unheld_blobs(&mut self) -> Result<()> {
        let (found, locked) = self.find_unlocked(|busy| {
            let text = format!(
                "SELECT repository, blob FROM blob_links
                 WHERE held = 0 AND leased_at <= ?1{} ORDER BY leased_at LIMIT ?2",
                outside("repository", busy)
            );
            let mut found: Vec<(i64, i64)> = Vec::new();
            self.tx.query(&text, &but(values![self.over, rows::limit(self.rows)], busy), &mut |row| {
                found.push((row.get(1)?, row.get(0)?));
                Ok(())
            })?;
            Ok(found)
        })?;
        let found: BTreeSet<(i64, i64)> = found
            .into_iter()
            .map(|(blob, repository)| (repository, blob))
            .filter(|(repository, _)| locked.contains_key(repository))
            .collect();
        let contents: BTreeSet<i64> = found.iter().map(|(_, blob)| *blob).collect();
        let contents: BTreeSet<i64> =
            blobs::lock_contents(self.tx, contents, Lock::SkipLocked)?.into_iter().collect();
        let links = self.lock_links(found.into_iter().filter(|(_, blob)| contents.contains(blob)))?;
        let (held, unheld) = split(links.iter().copied().zip(walk::are_links_held(self.tx, &links)?));
        keep::refresh_links(self.tx, held)?;
        let mut of_tenants: BTreeMap<i64, Vec<(i64, i64)>> = BTreeMap::new();
        for link in unheld {
            of_tenants.entry(locked[&link.0]).or_default().push(link);
        }
        for (tenant, links) in of_tenants {
            let usage = self.usage.entry(tenant).or_default();
            let (contents, bytes) = blobs::unlink(self.tx, &links, self.now, usage)?;
            self.collected.contents += contents;
            self.collected.bytes += bytes;
            self.collected.blobs += links.len() as u64;
        }
        self.remove_empty(&locked)
    }

    fn lock_repositories(&self, ids: impl Iterator<Item = i64>) -> Result<Locked> {
        let ids: BTreeSet<i64> = ids.collect();
        let (ids, mut locked): (Vec<_>, _) = (ids.into_iter().map(Value::from).collect(), Locked::new());
        let text = "SELECT id, tenant FROM repositories WHERE id = ?1";
        self.tx.lock_each((Level::Repository, Lock::SkipLocked), text, 1, &ids, &mut |_, row| {
            locked.insert(row.get(0)?, row.get(1)?);
            Ok(())
        })?;
        Ok(locked)
    }

    /// Locks manifests, given in ascending order, and returns those whose lease is over.
    fn lock_manifests(&self, ids: impl IntoIterator<Item = i64>) -> Result<Vec<i64>> {
        let ids: Vec<_> = ids.into_iter().flat_map(|id| values![id, self.over]).collect();
        let mut found = Vec::new();
        let text = "SELECT id FROM manifests WHERE id = ?1 AND leased_at <= ?2";
        self.tx.lock_each((Level::Manifest, Lock::SkipLocked), text, 2, &ids, &mut |_, row| {
            found.push(row.get(0)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// Locks links of repositories to blobs, and returns those whose lease is over.
    fn lock_links(&self, links: impl Iterator<Item = (i64, i64)>) -> Result<Vec<(i64, i64)>> {
        let links: Vec<_> =
            links.flat_map(|(repository, blob)| values![repository, blob, self.over]).collect();
        let mut found = Vec::new();
        let text =
            "SELECT repository, blob FROM blob_links WHERE repository = ?1 AND blob = ?2 AND leased_at <= ?3";
        self.tx.lock_each((Level::Link, Lock::SkipLocked), text, 3, &links, &mut |_, row| {
            found.push((row.get(0)?, row.get(1)?));
            Ok(())
        })?;
        Ok(found)
    }

    /// Deletes the locked repositories that are empty.
    fn remove_empty(&mut self, locked: &Locked) -> Result<()> {
        let removed = self.tx.find_each(
            // The query reads the first row instead of using EXISTS. Where most repositories have many rows,
            // PostgreSQL would read the whole table to answer EXISTS for an empty repository.
            "DELETE FROM repositories WHERE id = ?1
             AND (SELECT digest FROM manifests WHERE repository = ?1 ORDER BY digest LIMIT 1) IS NULL
             AND (SELECT blob FROM blob_links WHERE repository = ?1 ORDER BY blob LIMIT 1) IS NULL
             RETURNING tenant",
            locked.keys().map(|repository| values![*repository]),
            |row| row.get::<i64>(0),
        )?;
        for tenant in removed.into_iter().flatten() {
            self.collected.repositories += 1;
            self.usage.entry(tenant).or_default().repositories -= 1;
        }
        Ok(())
    }
}

/// Splits a list into the items marked true and the others.
fn split<T>(found: impl Iterator<Item = (T, bool)>) -> (Vec<T>, Vec<T>) {
    let (yes, no): (Vec<_>, Vec<_>) = found.partition(|(_, is)| *is);
    let all = |them: Vec<(T, bool)>| them.into_iter().map(|(it, _)| it).collect();
    (all(yes), all(no))
}
