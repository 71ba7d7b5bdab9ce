//! Content keys: which of them are in use, and which wait until their bytes are deleted.

use std::sync::LazyLock;
use std::time::Duration;

use gangplank_core::Time;

use super::rows;
use crate::Result;
use crate::blobs::{Checkpoint, ContentKey};
use crate::metadata::blobs::{Backlog, Discarded};
use crate::metadata::tx::{Asked, Dialect, Query, Tx, values};

const DISCARD: &str =
    "INSERT INTO discarded (key, discarded_at, checkpoint) VALUES (?1, ?2, ?3) ON CONFLICT (key) DO NOTHING";

/// Queues published content for deletion of its bytes.
pub(crate) fn discard<'k>(
    tx: &dyn Tx,
    keys: impl IntoIterator<Item = &'k ContentKey>,
    now: Time,
) -> Result<()> {
    let keys = keys.into_iter().map(|key| values![key.as_str(), now, None::<&[u8]>]);
    tx.post_each(DISCARD, keys)
}

/// Queues the key of an upload for deletion: `checkpoint` tells the blob store what to cancel, if anything, and
/// `fed` is when it last got bytes.
pub(crate) fn discard_upload(
    tx: &dyn Tx,
    key: &ContentKey,
    fed: Time,
    checkpoint: Option<&[u8]>,
) -> Result<()> {
    tx.post(DISCARD, values![key.as_str(), fed, checkpoint])
}

/// Queues content that a search found without a row. Content that has got a row meanwhile is left out, and so
/// is content whose key is younger than `older_than` by the clock of the database. Returns how many contents
/// are queued.
pub(crate) fn discard_orphans(
    tx: &dyn Tx,
    orphans: &[Discarded],
    older_than: Duration,
    now: Time,
) -> Result<usize> {
    let present: Time = tx.one(&Query::column(&format!("SELECT {}", clock(tx.dialect())), values![]))?;
    let is_old =
        |orphan: &&Discarded| made(&orphan.key).is_some_and(|made| made <= present.minus(older_than));
    let old: Vec<&Discarded> = orphans.iter().filter(is_old).collect();
    let unknown = unknown(tx, &old.iter().map(|orphan| orphan.key.clone()).collect::<Vec<_>>())?;
    for orphan in old.iter().filter(|orphan| unknown.contains(&orphan.key)) {
        match &orphan.upload {
            Some(upload) => discard_upload(tx, &orphan.key, now, Some(&upload.opaque))?,
            None => discard(tx, [&orphan.key], now)?,
        }
    }
    Ok(unknown.len())
}

/// Asks whether a blob may get this key. A discarded or old key is refused, because a search for orphans may
/// have found its bytes. The age is measured by the clock of the database.
pub(crate) fn begin_standing<'a>(tx: &dyn Tx, key: &'a ContentKey) -> Result<Asked<'a, Standing>> {
    static TEXTS: LazyLock<[String; 2]> = LazyLock::new(|| {
        [Dialect::Sqlite, Dialect::Postgres].map(|dialect| {
            format!("SELECT EXISTS (SELECT 1 FROM discarded WHERE key = ?1), {}", clock(dialect))
        })
    });
    let text = &TEXTS[usize::from(tx.dialect() == Dialect::Postgres)];
    tx.begin(Query::new(text, values![key.as_str()], |row| {
        Ok(Standing { is_discarded: row.get(0)?, now: row.get(1)? })
    }))
}

/// The facts that the database has about a key without a row.
pub(crate) struct Standing {
    is_discarded: bool,
    /// The wall clock of the database.
    now: Time,
}

impl Standing {
    /// Whether a blob may get the key. The key must be no older than `within`.
    pub(crate) fn may_be_added(&self, key: &ContentKey, within: Duration) -> bool {
        !self.is_discarded && made(key).is_some_and(|made| made >= self.now.minus(within))
    }
}

/// The expression for the wall clock of the database, which all processes share.
fn clock(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
        Dialect::Postgres => "(extract(epoch FROM clock_timestamp()) * 1000)::bigint",
    }
}

fn made(key: &ContentKey) -> Option<Time> {
    key.made().map(|seconds| Time(seconds.saturating_mul(1000)))
}

/// The content that was discarded at `until` or earlier, oldest first.
pub(crate) fn discarded(tx: &dyn Tx, until: Time, limit: usize) -> Result<Vec<Discarded>> {
    tx.all(&Query::new(
        // A key that a blob uses was discarded by mistake. The bytes of the blob stay.
        "SELECT key, checkpoint FROM discarded d
         WHERE discarded_at <= ?1 AND NOT EXISTS (SELECT 1 FROM blobs b WHERE b.key = d.key)
         ORDER BY discarded_at LIMIT ?2",
        values![until, rows::limit(limit)],
        |row| {
            let checkpoint: Option<Vec<u8>> = row.get(1)?;
            Ok(Discarded { key: read(row.text(0)?)?, upload: checkpoint.map(Checkpoint::to_cancel) })
        },
    ))
}

/// How much content waits for the deletion of its bytes.
pub(crate) fn backlog(tx: &dyn Tx) -> Result<Backlog> {
    tx.one(&Query::new("SELECT count(*), min(discarded_at) FROM discarded", values![], |row| {
        Ok(Backlog { contents: rows::unsigned(row.get(0)?)?, oldest: row.get(1)? })
    }))
}

/// Deletes the keys whose bytes are deleted.
pub(crate) fn forget(tx: &dyn Tx, keys: &[ContentKey]) -> Result<()> {
    tx.post_each("DELETE FROM discarded WHERE key = ?1", keys.iter().map(|key| values![key.as_str()]))
}

/// The given keys that no row contains.
pub(crate) fn unknown(tx: &dyn Tx, keys: &[ContentKey]) -> Result<Vec<ContentKey>> {
    let known = tx.find_each(
        "SELECT EXISTS (SELECT 1 FROM blobs WHERE key = ?1)
             OR EXISTS (SELECT 1 FROM uploads WHERE key = ?1)
             OR EXISTS (SELECT 1 FROM upload_keys WHERE key = ?1)
             OR EXISTS (SELECT 1 FROM discarded WHERE key = ?1)",
        keys.iter().map(|key| values![key.as_str()]),
        |row| row.get::<bool>(0),
    )?;
    let unknown = keys.iter().zip(known).filter(|(_, is_known)| *is_known == Some(false));
    Ok(unknown.map(|(key, _)| key.clone()).collect())
}

/// Reads a column that has a key.
pub(crate) fn read(text: &str) -> Result<ContentKey> {
    ContentKey::parse(text).ok_or_else(|| rows::damaged("content key", text))
}
