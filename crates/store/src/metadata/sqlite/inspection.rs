use async_trait::async_trait;
use gangplank_core::{Tenant, Time};
use gangplank_oci::Digest;
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::holds::check::{self, Flaw};
use super::writer::Whose;
use super::{Sqlite, blobs, content_keys, image_names, rows, uploads, usage};
use crate::Result;
use crate::blobs::{Checkpoint, ContentKey};
use crate::metadata::cache::Touched;
use crate::metadata::inspection::{ContentTotals, Contradiction, Fault, Inspection, KeptContent};
use crate::metadata::sqlite::transaction::Transaction;

/// A lease may be ahead of the steady time by what a crash let it fall back.
const MAY_BE_AHEAD: std::time::Duration = std::time::Duration::from_mins(10);

const UNLINKED: &str =
    "SELECT b.key FROM blobs b WHERE NOT EXISTS (SELECT 1 FROM blob_links l WHERE l.blob = b.id)";

#[async_trait]
impl Inspection for Sqlite {
    async fn contents(&self, after: i64, limit: usize) -> Result<Vec<KeptContent>> {
        self.engine.read_long(Whose::Server, move |connection| contents(connection, after, limit)).await
    }

    async fn images_with(&self, content: i64) -> Result<Vec<String>> {
        self.engine.read(|connection| image_names::with_blob(connection, content))
    }

    async fn damaged_contents(&self, most: usize) -> Result<usize> {
        self.engine
            .read_long(Whose::Server, move |connection| {
                let most = i64::try_from(most).unwrap_or(i64::MAX);
                let mut count = connection.prepare_cached(
                // Every row has a number; asked for, the index is walked from its beginning.
                "SELECT count(*) FROM (SELECT 1 FROM blobs WHERE damaged = 1 AND id > 0 LIMIT ?1) AS found",
            )?;
                rows::count(count.query_row([most], |row| row.get(0))?)
            })
            .await
    }

    async fn content_totals(&self, after: i64) -> Result<ContentTotals> {
        self.engine.read_long(Whose::Server, move |connection| totals(connection, after)).await
    }

    async fn open_uploads(&self) -> Result<Vec<(ContentKey, Checkpoint)>> {
        self.engine.read_long(Whose::Server, uploads::checkpoints).await
    }

    async fn contradictions(&self, now: Time) -> Result<Vec<Contradiction>> {
        self.engine
            .read_long(Whose::Server, move |connection| {
                let mut found = Vec::new();
                let mut add = |fault, whats: Vec<String>| {
                    let whole = |what| Contradiction { fault, what, images: Vec::new() };
                    found.extend(whats.into_iter().map(whole));
                };
                let file = texts(connection, "PRAGMA integrity_check(20)", [])?;
                add(Fault::Database, file.into_iter().filter(|line| line != "ok").collect());
                let foreign = "SELECT \"table\" || ' row ' || coalesce(rowid, '?') || ' names no ' || parent
                           FROM pragma_foreign_key_check LIMIT 20";
                add(Fault::Database, texts(connection, foreign, [])?);
                add(Fault::WrongHold, check::wrong_holds(connection)?);
                add(Fault::WrongUsage, usage::wrong(&Transaction(connection))?);
                let ahead = "SELECT 'manifest ' || digest FROM manifests WHERE leased_at > ?1
                         UNION ALL
                         SELECT 'blob ' || b.digest FROM blob_links l JOIN blobs b ON b.id = l.blob
                         WHERE l.leased_at > ?1";
                add(Fault::LeaseAhead, texts(connection, ahead, [now.plus(MAY_BE_AHEAD).0])?);
                add(Fault::UnlinkedContent, texts(connection, UNLINKED, [])?);
                for (image, flaw) in check::flaws(connection)? {
                    let (fault, what) = match flaw {
                        Flaw::Dangling(what) => (Fault::DanglingReference, what),
                        Flaw::WrongContents(what) => (Fault::WrongContents, what),
                    };
                    found.push(Contradiction { fault, what, images: vec![image] });
                }
                for (what, manifest) in damaged_manifests(connection)? {
                    let images = image_names::with_manifest(connection, manifest)?;
                    found.push(Contradiction { fault: Fault::DamagedManifest, what, images });
                }
                Ok(found)
            })
            .await
    }

    async fn reconcile(&self, now: Time) -> Result<()> {
        self.engine
            .doors
            .upkeep(Whose::Server, Touched::EVERYTHING, move |connection| {
                check::mend_holds(connection)?;
                check::mend_contents(connection)?;
                let limit = now.plus(MAY_BE_AHEAD).0;
                for table in ["manifests", "blob_links"] {
                    let sql = format!("UPDATE {table} SET leased_at = ?1 WHERE leased_at > ?2");
                    connection.execute(&sql, [now.0, limit])?;
                }
                for key in texts(connection, UNLINKED, [])? {
                    content_keys::discard(connection, &key, now)?;
                }
                let sql = "DELETE FROM blobs WHERE id NOT IN (SELECT blob FROM blob_links)";
                connection.execute(sql, [])?;
                usage::mend(&Transaction(connection))
            })
            .await
    }

    async fn replace_content(&self, broken: &ContentKey, whole: &ContentKey, now: Time) -> Result<bool> {
        let (broken, whole) = (broken.clone(), whole.clone());
        self.engine
            .doors
            .upkeep(Whose::Server, Touched::EVERYTHING, move |connection| {
                let sql = "UPDATE blobs SET key = ?2, damaged = 0 WHERE key = ?1";
                let replaced = connection.execute(sql, [broken.as_str(), whole.as_str()])? == 1;
                if replaced {
                    content_keys::discard(connection, broken.as_str(), now)?;
                }
                Ok(replaced)
            })
            .await
    }
}

/// A content, with what `read` reads of it.
const CONTENT: &str = "SELECT b.size, b.key, b.damaged, b.id, t.account, t.region, b.digest
    FROM blobs b CROSS JOIN tenants t ON t.id = b.tenant";

/// The contents behind row `after`, in the order of their rows.
pub(super) fn contents(connection: &Connection, after: i64, limit: usize) -> Result<Vec<KeptContent>> {
    let sql = format!("{CONTENT} WHERE b.id > ?1 ORDER BY b.id LIMIT ?2");
    let mut select = connection.prepare_cached(&sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    select.query_map([after, limit], |row| Ok(read(row)))?.map(|content| content?).collect()
}

/// The content under a key.
pub(super) fn content(connection: &Connection, key: &ContentKey) -> Result<Option<KeptContent>> {
    let mut select = connection.prepare_cached(&format!("{CONTENT} WHERE b.key = ?1"))?;
    select.query_row([key.as_str()], |row| Ok(read(row))).optional()?.transpose()
}

/// How much content there is behind row `after`.
pub(super) fn totals(connection: &Connection, after: i64) -> Result<ContentTotals> {
    let sql = "SELECT count(*), coalesce(sum(size), 0) FROM blobs WHERE id > ?1";
    let (count, bytes) =
        connection.prepare_cached(sql)?.query_row([after], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(ContentTotals { count: rows::unsigned(count)?, bytes: rows::unsigned(bytes)? })
}

/// Manifests whose bytes are not what was put, by digest and row.
fn damaged_manifests(connection: &Connection) -> Result<Vec<(String, i64)>> {
    let mut select = connection.prepare("SELECT digest, body, size, id FROM manifests")?;
    let mut found = select.query([])?;
    let mut damaged = Vec::new();
    while let Some(row) = found.next()? {
        let digest: String = row.get(0)?;
        let body = row.get_ref(1)?.as_blob().unwrap_or_default();
        let right =
            Digest::parse(&digest).is_ok_and(|expected| Digest::of(expected.algorithm(), body) == expected);
        if !right || rows::unsigned(row.get(2)?)? != body.len() as u64 {
            damaged.push((digest, row.get(3)?));
        }
    }
    Ok(damaged)
}

fn texts(connection: &Connection, sql: &str, values: impl rusqlite::Params) -> Result<Vec<String>> {
    let mut select = connection.prepare(sql)?;
    let texts = select.query_map(values, |row| row.get(0))?;
    Ok(texts.collect::<rusqlite::Result<_>>()?)
}

/// Reads `size, key, damaged, id, account, region, digest`.
fn read(row: &Row<'_>) -> Result<KeptContent> {
    let stored = blobs::read_stored(row)?;
    let digest = row.get_ref(6)?.as_str().unwrap_or_default();
    Ok(KeptContent {
        row: row.get(3)?,
        tenant: Tenant {
            account: rows::account(row.get_ref(4)?.as_str().unwrap_or_default())?,
            region: rows::region(row.get_ref(5)?.as_str().unwrap_or_default())?,
        },
        digest: Digest::parse(digest).map_err(|_| rows::damaged("digest", digest))?,
        size: stored.size,
        key: stored.key,
        damaged: stored.damaged,
    })
}
