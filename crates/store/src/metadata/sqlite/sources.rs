//! The table `sources`: who did something, kept as long as there is what they did.

use gangplank_core::role::Claims;
use gangplank_core::{AccessKeyId, Origin, Owner, SessionName};
use gangplank_oci::Digest;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::rows;
use crate::metadata::provenance::{SessionSource, Source};
use crate::{Result, StoreError};

/// The columns of a source in `sources x`, in the order of [`read`].
pub(super) const COLUMNS: &str = "x.owner, x.session, x.claims, x.description";

/// How many sources are looked at in one go.
const LOOKED_AT: i64 = 500;

/// The row of whoever does something now, made if it is new.
pub(super) fn keep(connection: &Connection, by: &Origin) -> Result<i64> {
    let owner = by.owner.clone().unwrap_or_else(Owner::server);
    let (session, claims) = match &by.session {
        Some(key) => read_session(connection, key)?.unzip(),
        None => (None, None),
    };
    let description = match owner.access_key() {
        Some(key) => describe(connection, &key)?,
        None => None,
    };
    let whole = serde_json::to_vec(&(owner.as_str(), &session, &claims, &description));
    let whole = whole.map_err(|error| StoreError::Damaged(format!("a source: {error}")))?;
    let hash = Digest::sha256(&whole).to_string();
    let mut find = connection.prepare_cached("SELECT id FROM sources WHERE hash = ?1")?;
    if let Some(id) = find.query_row([hash.as_bytes()], |row| row.get(0)).optional()? {
        return Ok(id);
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO sources (hash, owner, session, claims, description) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    Ok(insert.insert(params![hash.as_bytes(), owner.as_str(), session, claims, description])?)
}

/// The name and the claims of a session, if it is not forgotten.
fn read_session(connection: &Connection, key: &AccessKeyId) -> Result<Option<(String, String)>> {
    let mut find = connection.prepare_cached("SELECT name, claims FROM role_sessions WHERE key = ?1")?;
    Ok(find.query_row([key.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

/// What people say of a key, if they say something.
fn describe(connection: &Connection, key: &AccessKeyId) -> Result<Option<String>> {
    let mut find = connection.prepare_cached("SELECT description FROM access_keys WHERE id = ?1")?;
    let found: Option<String> = find.query_row([key.as_str()], |row| row.get(0)).optional()?;
    Ok(found.filter(|description| !description.is_empty()))
}

/// Forgets sources behind the row `after` that nothing refers to; returns the last row that it looked at, or 0 if
/// there are no more behind it.
pub(super) fn sweep(connection: &Connection, after: i64) -> Result<i64> {
    let mut next = connection.prepare_cached("SELECT id FROM sources WHERE id > ?1 ORDER BY id LIMIT ?2")?;
    let ids = next.query_map([after, LOOKED_AT], |row| row.get(0))?;
    let ids = ids.collect::<rusqlite::Result<Vec<i64>>>()?;
    let mut forget = connection.prepare_cached(
        "DELETE FROM sources WHERE id = ?1
           AND NOT EXISTS (SELECT 1 FROM manifest_puts WHERE source = ?1)
           AND NOT EXISTS (SELECT 1 FROM container_images WHERE source = ?1)
           AND NOT EXISTS (SELECT 1 FROM audit WHERE source = ?1)",
    )?;
    for id in &ids {
        forget.execute([id])?;
    }
    let is_end = i64::try_from(ids.len()).unwrap_or(i64::MAX) < LOOKED_AT;
    Ok(if is_end { 0 } else { ids.last().copied().unwrap_or_default() })
}

/// Reads [`COLUMNS`] from the column `at` on; `None` if there is no source.
pub(super) fn read(row: &Row<'_>, at: usize) -> Result<Option<Source>> {
    let Some(owner) = row.get::<_, Option<String>>(at)? else { return Ok(None) };
    let session = read_session_source(row.get(at + 1)?, row.get(at + 2)?)?;
    Ok(Some(Source { owner: rows::owner(&owner)?, session, description: row.get(at + 3)? }))
}

/// Reads the columns `session` and `claims`.
pub(super) fn read_session_source(
    name: Option<String>,
    claims: Option<String>,
) -> Result<Option<SessionSource>> {
    let (Some(name), Some(claims)) = (name, claims) else { return Ok(None) };
    let name = SessionName::parse(&name).map_err(|_| rows::damaged("session", &name))?;
    Ok(Some(SessionSource { name, claims: read_claims(&claims)? }))
}

/// Reads a column of claims.
pub(super) fn read_claims(text: &str) -> Result<Claims> {
    serde_json::from_str(text).map_err(|_| rows::damaged("claims", text))
}

/// What is kept of claims.
pub(super) fn write_claims(claims: &Claims) -> Result<String> {
    serde_json::to_string(claims).map_err(|error| StoreError::Damaged(format!("claims: {error}")))
}
