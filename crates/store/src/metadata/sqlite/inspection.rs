use async_trait::async_trait;
use gangplank_core::{Tenant, Time};
use gangplank_oci::Digest;
use rusqlite::{Connection, Row};

use super::{Sqlite, blobs, rows};
use crate::Result;
use crate::blobs::ContentKey;
use crate::metadata::inspection::{ContentTotals, Contradiction, Fault, Inspection, KeptContent};

/// A lease may be ahead of the steady time by what a crash let it fall back.
const MAY_BE_AHEAD: std::time::Duration = std::time::Duration::from_mins(10);

/// Manifests whose hold is not what the rule says.
const WRONG_MANIFESTS: &str = "SELECT t.account || ' ' || t.region || ', ' || r.name || '@' || m.digest
    FROM manifests m JOIN manifest_holds h ON h.manifest = m.id
    JOIN repositories r ON r.id = m.repository JOIN tenants t ON t.id = r.tenant
    WHERE m.held <> h.is_held";

/// The same of repositories' blobs.
const WRONG_LINKS: &str = "SELECT t.account || ' ' || t.region || ', ' || r.name || '@' || b.digest
    FROM blob_links l JOIN blob_link_holds h ON h.repository = l.repository AND h.blob = l.blob
    JOIN blobs b ON b.id = l.blob
    JOIN repositories r ON r.id = l.repository JOIN tenants t ON t.id = r.tenant
    WHERE l.held <> h.is_held";

/// Everything that a registered manifest needs, and what of it is not there.
const DANGLING: &str = "WITH RECURSIVE needed (id) AS (
        SELECT manifest FROM container_images
        UNION
        SELECT m.id FROM needed n
        CROSS JOIN manifest_children c ON c.manifest = n.id
        CROSS JOIN manifests m ON m.repository = c.repository AND m.digest = c.digest)
    SELECT m.digest || ' needs manifest ' || c.digest
    FROM needed n CROSS JOIN manifests m ON m.id = n.id
    CROSS JOIN manifest_children c ON c.manifest = n.id
    WHERE NOT EXISTS (SELECT 1 FROM manifests x WHERE x.repository = c.repository AND x.digest = c.digest)
    UNION ALL
    SELECT m.digest || ' needs blob ' || b.digest
    FROM needed n CROSS JOIN manifests m ON m.id = n.id
    CROSS JOIN manifest_blobs b ON b.manifest = n.id
    WHERE NOT EXISTS (
        SELECT 1 FROM repositories r
        CROSS JOIN blobs x ON x.tenant = r.tenant AND x.digest = b.digest
        CROSS JOIN blob_links l ON l.repository = r.id AND l.blob = x.id
        WHERE r.id = b.repository)";

const UNLINKED: &str =
    "SELECT b.key FROM blobs b WHERE NOT EXISTS (SELECT 1 FROM blob_links l WHERE l.blob = b.id)";

#[async_trait]
impl Inspection for Sqlite {
    async fn contents(&self, after: i64, limit: usize) -> Result<Vec<KeptContent>> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT b.size, b.key, b.damaged, b.id, t.account, t.region, b.digest
                 FROM blobs b CROSS JOIN tenants t ON t.id = b.tenant
                 WHERE b.id > ?1 ORDER BY b.id LIMIT ?2",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            select.query_map([after, limit], |row| Ok(read(row)))?.map(|content| content?).collect()
        })
    }

    async fn content_totals(&self, after: i64) -> Result<ContentTotals> {
        self.read(|connection| {
            let sql = "SELECT count(*), coalesce(sum(size), 0) FROM blobs WHERE id > ?1";
            let (count, bytes) =
                connection.prepare_cached(sql)?.query_row([after], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(ContentTotals { count: rows::unsigned(count)?, bytes: rows::unsigned(bytes)? })
        })
    }

    async fn open_uploads(&self) -> Result<Vec<(ContentKey, u64)>> {
        self.read(|connection| {
            let mut select = connection.prepare_cached("SELECT id, received FROM uploads")?;
            let mut found = select.query([])?;
            let mut uploads = Vec::new();
            while let Some(row) = found.next()? {
                let id = row.get_ref(0)?.as_str().unwrap_or_default();
                uploads.push((blobs::read_key(id)?, rows::unsigned(row.get(1)?)?));
            }
            Ok(uploads)
        })
    }

    async fn contradictions(&self, now: Time) -> Result<Vec<Contradiction>> {
        self.read(|connection| {
            let mut found = Vec::new();
            let mut add = |fault, whats: Vec<String>| {
                found.extend(whats.into_iter().map(|what| Contradiction { fault, what }));
            };
            let file = texts(connection, "PRAGMA integrity_check(20)", [])?;
            add(Fault::Database, file.into_iter().filter(|line| line != "ok").collect());
            let foreign = "SELECT \"table\" || ' row ' || coalesce(rowid, '?') || ' names no ' || parent
                           FROM pragma_foreign_key_check LIMIT 20";
            add(Fault::Database, texts(connection, foreign, [])?);
            add(Fault::DanglingReference, texts(connection, DANGLING, [])?);
            add(Fault::DamagedManifest, damaged_manifests(connection)?);
            add(Fault::WrongHold, texts(connection, WRONG_MANIFESTS, [])?);
            add(Fault::WrongHold, texts(connection, WRONG_LINKS, [])?);
            let ahead = "SELECT 'manifest ' || digest FROM manifests WHERE leased_at > ?1
                         UNION ALL
                         SELECT 'blob ' || b.digest FROM blob_links l JOIN blobs b ON b.id = l.blob
                         WHERE l.leased_at > ?1";
            add(Fault::LeaseAhead, texts(connection, ahead, [now.plus(MAY_BE_AHEAD).0])?);
            add(Fault::UnlinkedContent, texts(connection, UNLINKED, [])?);
            Ok(found)
        })
    }

    async fn reconcile(&self, now: Time) -> Result<()> {
        self.writer
            .write(move |connection| {
                connection.execute_batch(
                    "UPDATE manifests SET held = (SELECT is_held FROM manifest_holds WHERE manifest = id)
                     WHERE held <> (SELECT is_held FROM manifest_holds WHERE manifest = id);
                     UPDATE blob_links AS l SET held = NOT held
                     WHERE held <> (SELECT is_held FROM blob_link_holds h
                                    WHERE h.repository = l.repository AND h.blob = l.blob);",
                )?;
                let limit = now.plus(MAY_BE_AHEAD).0;
                for table in ["manifests", "blob_links"] {
                    let sql = format!("UPDATE {table} SET leased_at = ?1 WHERE leased_at > ?2");
                    connection.execute(&sql, [now.0, limit])?;
                }
                connection.execute(&format!("INSERT OR IGNORE INTO discarded (key) {UNLINKED}"), [])?;
                let sql = "DELETE FROM blobs WHERE id NOT IN (SELECT blob FROM blob_links)";
                connection.execute(sql, [])?;
                Ok(())
            })
            .await
    }

    async fn replace_content(&self, broken: &ContentKey, whole: &ContentKey) -> Result<bool> {
        let (broken, whole) = (broken.clone(), whole.clone());
        self.writer
            .write(move |connection| {
                let sql = "UPDATE blobs SET key = ?2, damaged = 0 WHERE key = ?1";
                let replaced = connection.execute(sql, [broken.as_str(), whole.as_str()])? == 1;
                if replaced {
                    blobs::discard(connection, broken.as_str())?;
                }
                Ok(replaced)
            })
            .await
    }
}

/// Manifests whose bytes were not what was put.
fn damaged_manifests(connection: &Connection) -> Result<Vec<String>> {
    let mut select = connection.prepare("SELECT digest, body, size FROM manifests")?;
    let mut found = select.query([])?;
    let mut damaged = Vec::new();
    while let Some(row) = found.next()? {
        let digest: String = row.get(0)?;
        let body = row.get_ref(1)?.as_blob().unwrap_or_default();
        let right =
            Digest::parse(&digest).is_ok_and(|expected| Digest::of(expected.algorithm(), body) == expected);
        if !right || rows::unsigned(row.get(2)?)? != body.len() as u64 {
            damaged.push(digest);
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
