//! The keys of content: which are anybody's, and which wait until their bytes are removed.

use rusqlite::Connection;

use super::rows;
use crate::Result;
use crate::blobs::ContentKey;

/// Has the bytes of a key removed.
pub(super) fn discard(connection: &Connection, key: &str) -> Result<()> {
    connection
        .prepare_cached("INSERT INTO discarded (key) VALUES (?1) ON CONFLICT (key) DO NOTHING")?
        .execute([key])?;
    Ok(())
}

/// Some of the keys whose bytes are to be removed.
pub(super) fn discarded(connection: &Connection, limit: usize) -> Result<Vec<ContentKey>> {
    let mut select = connection.prepare_cached("SELECT key FROM discarded LIMIT ?1")?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let keys = select.query_map([limit], |row| row.get::<_, String>(0))?;
    keys.map(|key| read(&key?)).collect()
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
             OR EXISTS (SELECT 1 FROM uploads WHERE id = ?1)
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
