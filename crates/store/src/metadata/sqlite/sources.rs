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

/// That nothing refers to the source `x`.
const UNUSED: &str = "NOT EXISTS (SELECT 1 FROM manifest_puts WHERE source = x.id)
    AND NOT EXISTS (SELECT 1 FROM container_images WHERE source = x.id)
    AND NOT EXISTS (SELECT 1 FROM audit WHERE source = x.id)";

/// The sources behind the row `after` that nothing refers to, of so many that are looked at, and the last row of
/// those; 0 if there are no more behind it.
pub(super) fn unused(connection: &Connection, after: i64) -> Result<(Vec<i64>, i64)> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT x.id, {UNUSED} FROM sources x WHERE x.id > ?1 ORDER BY x.id LIMIT ?2"
    ))?;
    let found = select.query_map([after, LOOKED_AT], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let found = found.collect::<rusqlite::Result<Vec<(i64, bool)>>>()?;
    let is_end = i64::try_from(found.len()).unwrap_or(i64::MAX) < LOOKED_AT;
    let last = found.last().filter(|_| !is_end).map_or(0, |(id, _)| *id);
    Ok((found.into_iter().filter_map(|(id, is_unused)| is_unused.then_some(id)).collect(), last))
}

/// Forgets those of the sources that nothing refers to.
pub(super) fn forget(connection: &Connection, unused: &[i64]) -> Result<()> {
    let mut forget =
        connection.prepare_cached(&format!("DELETE FROM sources AS x WHERE x.id = ?1 AND {UNUSED}"))?;
    for id in unused {
        forget.execute([id])?;
    }
    Ok(())
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
