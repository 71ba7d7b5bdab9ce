use async_trait::async_trait;
use gangplank_core::{Tenant, Time};
use gangplank_oci::Digest;

use super::holds::check::{self, Flaw};
use super::{blobs, content_keys, image_names, rows, uploads, usage};
use crate::Result;
use crate::blobs::{Checkpoint, ContentKey};
use crate::metadata::engine::{Engine, Terms, Whose};
use crate::metadata::inspection::{ContentTotals, Contradiction, Fault, Inspection, KeptContent};
use crate::metadata::store::Store;
use crate::metadata::tx::{Dialect, Level, Lock, Query, Row, Tx, values};

/// How far in the future a lease may be: after a crash the steady time may continue from an earlier moment.
const MAY_BE_AHEAD: std::time::Duration = std::time::Duration::from_mins(10);

/// How many manifests are read into memory at once.
const READ_AT_ONCE: i64 = 32;

#[async_trait]
impl<E: Engine> Inspection for Store<E> {
    async fn contents(&self, after: i64, limit: usize) -> Result<Vec<KeptContent>> {
        self.read_long(Whose::Server, move |tx| contents(tx, after, limit)).await
    }

    async fn contents_of_part(
        &self,
        part: u8,
        after: Option<ContentKey>,
        limit: usize,
    ) -> Result<Vec<KeptContent>> {
        self.read_long(Whose::Server, move |tx| contents_of_part(tx, part, after.as_ref(), limit)).await
    }

    async fn images_with(&self, content: i64) -> Result<Vec<String>> {
        self.read(|tx| image_names::with_blob(tx, content)).await
    }

    async fn damaged_contents(&self, most: usize) -> Result<usize> {
        self.read_long(Whose::Server, move |tx| {
            tx.one(&Query::column(
                // The condition on `id` is always true. It makes SQLite walk the index of damaged rows.
                "SELECT count(*) FROM (SELECT 1 FROM blobs WHERE damaged = 1 AND id > 0 LIMIT ?1) AS found",
                values![rows::limit(most)],
            ))
        })
        .await
    }

    async fn content_totals(&self, after: i64) -> Result<ContentTotals> {
        self.read_long(Whose::Server, move |tx| totals(tx, after)).await
    }

    async fn open_uploads(&self) -> Result<Vec<(ContentKey, Checkpoint)>> {
        self.read_long(Whose::Server, uploads::checkpoints).await
    }

    async fn contradictions(&self, now: Time) -> Result<Vec<Contradiction>> {
        self.read_long(Whose::Server, move |tx| contradictions(tx, now)).await
    }

    async fn reconcile(&self, now: Time) -> Result<()> {
        self.upkeep(Terms::server().repeatable(), move |tx| reconcile(tx, now)).await
    }

    async fn replace_content(&self, broken: &ContentKey, whole: &ContentKey, now: Time) -> Result<bool> {
        let (broken, whole) = (broken.clone(), whole.clone());
        self.upkeep(Terms::server(), move |tx| {
            let lock = Query::column("SELECT id FROM blobs WHERE key = ?1", values![broken.as_str()]);
            let Some(blob) = tx.lock_one::<i64>(Level::Blob, Lock::Update, &lock)? else { return Ok(false) };
            let replace = "UPDATE blobs SET key = ?2, damaged = 0 WHERE id = ?1";
            tx.post(replace, values![blob, whole.as_str()])?;
            content_keys::discard(tx, [&broken], tx.steady(now)?)?;
            Ok(true)
        })
        .await
    }
}

fn contradictions(tx: &dyn Tx, now: Time) -> Result<Vec<Contradiction>> {
    let (mut found, now) = (Vec::new(), tx.steady(now)?);
    let mut add = |fault, whats: Vec<String>| {
        let whole = |what| Contradiction { fault, what, images: Vec::new() };
        found.extend(whats.into_iter().map(whole));
    };
    add(Fault::Database, structure(tx)?);
    add(Fault::WrongHold, check::wrong_holds(tx)?);
    add(Fault::WrongUsage, usage::wrong(tx)?);
    let latest = now.plus(MAY_BE_AHEAD);
    add(
        Fault::LeaseAhead,
        tx.all(&Query::new("SELECT digest FROM manifests WHERE leased_at > ?1", values![latest], |row| {
            Ok(format!("manifest {}", row.get::<Digest>(0)?))
        }))?,
    );
    add(
        Fault::LeaseAhead,
        tx.all(&Query::new(
            "SELECT b.digest FROM blob_links l JOIN blobs b ON b.id = l.blob WHERE l.leased_at > ?1",
            values![latest],
            |row| Ok(format!("blob {}", row.get::<Digest>(0)?)),
        ))?,
    );
    add(
        Fault::UnlinkedContent,
        tx.all(&Query::column(
            "SELECT b.key FROM blobs b WHERE NOT EXISTS (SELECT 1 FROM blob_links l WHERE l.blob = b.id)",
            values![],
        ))?,
    );
    for (image, flaw) in check::flaws(tx)? {
        let (fault, what) = match flaw {
            Flaw::Dangling(what) => (Fault::DanglingReference, what),
            Flaw::WrongContents(what) => (Fault::WrongContents, what),
        };
        found.push(Contradiction { fault, what, images: vec![image] });
    }
    for (what, manifest) in damaged_manifests(tx)? {
        let images = image_names::with_manifest(tx, manifest)?;
        found.push(Contradiction { fault: Fault::DamagedManifest, what, images });
    }
    Ok(found)
}

/// Faults in the database file. PostgreSQL checks its own files, and enforces foreign keys always.
fn structure(tx: &dyn Tx) -> Result<Vec<String>> {
    match tx.dialect() {
        Dialect::Postgres => Ok(Vec::new()),
        Dialect::Sqlite => {
            let mut found = tx.all(&Query::<String>::column("PRAGMA integrity_check(20)", values![]))?;
            found.retain(|line| line != "ok");
            found.append(&mut tx.all(&Query::column(
                "SELECT \"table\" || ' row ' || coalesce(rowid, '?') || ' names no ' || parent
                 FROM pragma_foreign_key_check LIMIT 20",
                values![],
            ))?);
            Ok(found)
        }
    }
}

fn reconcile(tx: &dyn Tx, now: Time) -> Result<()> {
    let now = tx.steady(now)?;
    // While these are locked, nobody adds or ends an edge, and nobody adds anything to a repository.
    let services = Query::column("SELECT id FROM services ORDER BY id", values![]);
    let has_services = !tx.lock::<i64>(Level::Service, Lock::Update, &services)?.is_empty();
    let repositories = Query::column("SELECT id FROM repositories ORDER BY id", values![]);
    tx.lock::<i64>(Level::Repository, Lock::Update, &repositories)?;
    check::mend_holds(tx)?;
    if has_services {
        check::mend_contents(tx)?;
    }
    let limit = now.plus(MAY_BE_AHEAD);
    for text in [
        "UPDATE manifests SET leased_at = ?1 WHERE leased_at > ?2",
        "UPDATE blob_links SET leased_at = ?1 WHERE leased_at > ?2",
    ] {
        tx.post(text, values![now, limit])?;
    }
    let unlinked = Query::column(
        "SELECT id FROM blobs WHERE NOT EXISTS (SELECT 1 FROM blob_links WHERE blob = blobs.id) ORDER BY id",
        values![],
    );
    let unlinked: Vec<i64> = tx.lock(Level::Blob, Lock::Update, &unlinked)?;
    blobs::forget_unlinked(tx, unlinked, now)?;
    usage::mend(tx)
}

/// Selects contents with the columns of [`read`].
const CONTENT: &str = "SELECT b.size, b.key, b.damaged, b.id, t.account, t.region, b.digest
    FROM blobs b CROSS JOIN tenants t WHERE t.id = b.tenant";

/// The contents of the rows after `after`, in order.
pub(crate) fn contents(tx: &dyn Tx, after: i64, limit: usize) -> Result<Vec<KeptContent>> {
    let text = format!("{CONTENT} AND b.id > ?1 ORDER BY b.id LIMIT ?2");
    tx.all(&Query::new(&text, values![after, rows::limit(limit)], read))
}

/// Contents of a part of the blob store, in the order of their keys. The last two digits of a key are the number
/// of its part. The search reads all keys, which is faster than reading the rows.
fn contents_of_part(
    tx: &dyn Tx,
    part: u8,
    after: Option<&ContentKey>,
    limit: usize,
) -> Result<Vec<KeptContent>> {
    let text = format!("{CONTENT} AND b.key > ?1 AND substr(b.key, 31) = ?2 ORDER BY b.key LIMIT ?3");
    let after = after.map_or("", ContentKey::as_str);
    tx.all(&Query::new(&text, values![after, format!("{part:02x}"), rows::limit(limit)], read))
}

/// The content under a key.
pub(crate) fn content(tx: &dyn Tx, key: &ContentKey) -> Result<Option<KeptContent>> {
    tx.find(&Query::new(&format!("{CONTENT} AND b.key = ?1"), values![key.as_str()], read))
}

/// How many contents there are in rows after `after`, and their bytes.
pub(crate) fn totals(tx: &dyn Tx, after: i64) -> Result<ContentTotals> {
    tx.one(&Query::new(
        "SELECT count(*), CAST(coalesce(sum(size), 0) AS BIGINT) FROM blobs WHERE id > ?1",
        values![after],
        |row| Ok(ContentTotals { count: row.get(0)?, bytes: row.get(1)? }),
    ))
}

/// Manifests whose bytes differ from what was put: a name for people, and the row.
fn damaged_manifests(tx: &dyn Tx) -> Result<Vec<(String, i64)>> {
    let (mut damaged, mut last) = (Vec::new(), 0);
    loop {
        let before = last;
        let values = values![before, READ_AT_ONCE];
        let text = "SELECT id, digest, body, size FROM manifests WHERE id > ?1 ORDER BY id LIMIT ?2";
        tx.query(text, &values, &mut |row| {
            last = row.get(0)?;
            let body: Vec<u8> = row.get(2)?;
            // The damage may be in the digest itself.
            let Ok(digest) = row.get::<Digest>(1) else {
                damaged.push((format!("the manifest of row {last}"), last));
                return Ok(());
            };
            let is_right = Digest::of(digest.algorithm(), &body) == digest;
            if !is_right || row.get::<u64>(3)? != body.len() as u64 {
                damaged.push((digest.to_string(), last));
            }
            Ok(())
        })?;
        if last == before {
            return Ok(damaged);
        }
    }
}

/// Reads `size, key, damaged, id, account, region, digest`.
fn read(row: &Row<'_>) -> Result<KeptContent> {
    let stored = blobs::read_stored(row)?;
    Ok(KeptContent {
        row: row.get(3)?,
        tenant: Tenant { account: rows::account(row.text(4)?)?, region: rows::region(row.text(5)?)? },
        digest: row.get(6)?,
        size: stored.size,
        key: stored.key,
        damaged: stored.damaged,
    })
}
