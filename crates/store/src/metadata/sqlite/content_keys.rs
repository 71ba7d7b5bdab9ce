//! The keys of content: which are anybody's, and which wait until their bytes are removed.

use gangplank_core::Time;
use rusqlite::{Connection, params};

use super::rows;
use crate::Result;
use crate::blobs::{Checkpoint, ContentKey};
use crate::metadata::blobs::Discarded;

/// Has the bytes of published content removed.
pub(super) fn discard(connection: &Connection, key: &str, now: Time) -> Result<()> {
    insert(connection, key, now, None)
}

/// The same of an upload that the store's `checkpoint` tells of and that was last fed at `fed`.
pub(super) fn discard_upload(connection: &Connection, key: &str, fed: Time, checkpoint: &[u8]) -> Result<()> {
    insert(connection, key, fed, Some(checkpoint))
}

fn insert(connection: &Connection, key: &str, at: Time, checkpoint: Option<&[u8]>) -> Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO discarded (key, discarded_at, checkpoint) VALUES (?1, ?2, ?3) ON CONFLICT (key) DO NOTHING",
    )?;
    insert.execute(params![key, at.0, checkpoint])?;
    Ok(())
}

/// Some of what is to be removed and was discarded at `until` or earlier, the oldest first.
pub(super) fn discarded(connection: &Connection, until: Time, limit: usize) -> Result<Vec<Discarded>> {
    let mut select = connection.prepare_cached(
        "SELECT key, checkpoint FROM discarded WHERE discarded_at <= ?1 ORDER BY discarded_at LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let found = select.query_map([until.0, limit], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
    let read = |found: rusqlite::Result<(String, Option<Vec<u8>>)>| {
        let (key, checkpoint) = found?;
        Ok(Discarded { key: read(&key)?, upload: checkpoint.map(Checkpoint::to_cancel) })
    };
    found.map(read).collect()
}

/// Forgets keys whose bytes are removed.
pub(super) fn forget(connection: &Connection, keys: &[ContentKey]) -> Result<()> {
    let mut forget = connection.prepare_cached("DELETE FROM discarded WHERE key = ?1")?;
    for key in keys {
        forget.execute([key.as_str()])?;
    }
    Ok(())
}

/// Those of these keys that no row has.
pub(super) fn unknown(connection: &Connection, keys: Vec<ContentKey>) -> Result<Vec<ContentKey>> {
    let mut known = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM blobs WHERE key = ?1)
             OR EXISTS (SELECT 1 FROM uploads WHERE key = ?1)
             OR EXISTS (SELECT 1 FROM upload_keys WHERE key = ?1)
             OR EXISTS (SELECT 1 FROM discarded WHERE key = ?1)",
    )?;
    let mut unknown = Vec::new();
    for key in keys {
        if !known.query_row([key.as_str()], |row| row.get::<_, bool>(0))? {
            unknown.push(key);
        }
    }
    Ok(unknown)
}

/// Reads a column that has a key.
pub(super) fn read(text: &str) -> Result<ContentKey> {
    ContentKey::parse(text).ok_or_else(|| rows::damaged("content key", text))
}
