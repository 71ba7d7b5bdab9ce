//! Content keys: which of them are in use, and which wait until their bytes are deleted.

use gangplank_core::Time;

use super::rows;
use crate::Result;
use crate::blobs::{Checkpoint, ContentKey};
use crate::metadata::blobs::{Backlog, Discarded};
use crate::metadata::tx::{Query, Tx, values};

const DISCARD: &str =
    "INSERT INTO discarded (key, discarded_at, checkpoint) VALUES (?1, ?2, ?3) ON CONFLICT (key) DO NOTHING";

/// Queues published content for deletion of its bytes.
pub(crate) fn discard<'k>(
    tx: &dyn Tx,
    keys: impl IntoIterator<Item = &'k ContentKey>,
    now: Time,
) -> Result<()> {
    let keys = keys.into_iter().map(|key| values![key.as_str(), now, None::<&[u8]>]);
    tx.each(DISCARD, keys).map(drop)
}

/// Queues an upload for deletion: `checkpoint` tells the blob store what to cancel, `fed` is when it last got
/// bytes.
pub(crate) fn discard_upload(tx: &dyn Tx, key: &ContentKey, fed: Time, checkpoint: &[u8]) -> Result<()> {
    tx.run(DISCARD, values![key.as_str(), fed, checkpoint]).map(drop)
}

/// The content that was discarded at `until` or earlier, oldest first.
pub(crate) fn discarded(tx: &dyn Tx, until: Time, limit: usize) -> Result<Vec<Discarded>> {
    tx.all(&Query::new(
        "SELECT key, checkpoint FROM discarded WHERE discarded_at <= ?1 ORDER BY discarded_at LIMIT ?2",
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
    tx.each("DELETE FROM discarded WHERE key = ?1", keys.iter().map(|key| values![key.as_str()])).map(drop)
}

/// Those of these keys that no row contains.
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
