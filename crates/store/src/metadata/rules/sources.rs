//! The table `sources`: who did something. A source stays as long as a row refers to it.

use gangplank_core::role::Claims;
use gangplank_core::{Origin, Owner, SessionName};
use gangplank_oci::Digest;

use super::rows;
use crate::metadata::provenance::{SessionSource, Source};
use crate::metadata::tx::{Asked, Query, Row, Tx, Value, values};
use crate::{Result, StoreError};

/// The columns of a source in `sources x`, in the order of [`read`].
pub(crate) const COLUMNS: &str = "x.owner, x.session, x.claims, x.description";

/// How many sources one step looks at.
const LOOKED_AT: i64 = 500;

/// The row of the principal that acts now, inserted if it is new.
pub(crate) fn keep(tx: &dyn Tx, by: &Origin) -> Result<i64> {
    Acting::begin(tx, by)?.look(tx)?.keep(tx)
}

/// The principal that acts now, while its names are looked up.
pub(crate) struct Acting {
    owner: Owner,
    session: Option<Asked<'static, (String, String)>>,
    description: Option<Asked<'static, String>>,
}

/// The principal that acts now, while its row is looked up.
pub(crate) struct Named {
    hash: String,
    owner: Owner,
    session: Option<String>,
    claims: Option<String>,
    description: Option<String>,
    row: Asked<'static, i64>,
}

impl Acting {
    /// Asks for the names of the principal.
    pub(crate) fn begin(tx: &dyn Tx, by: &Origin) -> Result<Self> {
        let owner = by.owner.clone().unwrap_or_else(Owner::server);
        let session = by.session.as_ref().map(|key| {
            tx.begin(Query::new(
                "SELECT name, claims FROM role_sessions WHERE key = ?1",
                values![key.as_str().to_owned()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            ))
        });
        let description = owner.access_key().map(|key| {
            let find = "SELECT description FROM access_keys WHERE id = ?1";
            tx.begin(Query::column(find, values![key.as_str().to_owned()]))
        });
        Ok(Self { owner, session: session.transpose()?, description: description.transpose()? })
    }

    /// Asks for the row of the principal.
    pub(crate) fn look(self, tx: &dyn Tx) -> Result<Named> {
        let owner = self.owner;
        // A forgotten session or key has no names.
        let session = self.session.map(|it| it.find(tx)).transpose()?.flatten();
        let (session, claims) = session.unzip();
        let description = self.description.map(|it| it.find(tx)).transpose()?.flatten();
        let description = description.filter(|description| !description.is_empty());
        let whole = serde_json::to_vec(&(owner.as_str(), &session, &claims, &description));
        let whole = whole.map_err(|error| StoreError::damaged(format!("a source: {error}")))?;
        let hash = Digest::sha256(&whole).to_string();
        let row = tx.begin(by_hash(&hash))?;
        Ok(Named { hash, owner, session, claims, description, row })
    }
}

fn by_hash(hash: &str) -> Query<'static, i64> {
    let hash = Value::Bytes(hash.as_bytes().to_owned().into());
    Query::column("SELECT id FROM sources WHERE hash = ?1", [hash])
}

impl Named {
    /// The row of the principal, inserted if it is new.
    pub(crate) fn keep(self, tx: &dyn Tx) -> Result<i64> {
        let Self { hash, owner, session, claims, description, row } = self;
        if let Some(id) = row.find(tx)? {
            return Ok(id);
        }
        let made = tx.find(&Query::column(
            "INSERT INTO sources (hash, owner, session, claims, description) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (hash) DO NOTHING RETURNING id",
            values![hash.as_bytes(), owner.as_str(), &session, &claims, &description],
        ))?;
        match made {
            Some(id) => Ok(id),
            // Another transaction inserted it at the same time.
            None => tx.one(&by_hash(&hash)),
        }
    }
}

/// The condition that nothing refers to the source `x`.
const UNUSED: &str = "NOT EXISTS (SELECT 1 FROM manifest_puts WHERE source = x.id)
    AND NOT EXISTS (SELECT 1 FROM container_images WHERE source = x.id)
    AND NOT EXISTS (SELECT 1 FROM audit WHERE source = x.id)";

/// Looks at the next [`LOOKED_AT`] sources after the row `after`. Returns the unused ones among them, and the last row
/// that was looked at. This row is 0 at the end of the table.
pub(crate) fn unused(tx: &dyn Tx, after: i64) -> Result<(Vec<i64>, i64)> {
    let text = format!("SELECT x.id, {UNUSED} FROM sources x WHERE x.id > ?1 ORDER BY x.id LIMIT ?2");
    let find = Query::new(&text, values![after, LOOKED_AT], |row| Ok((row.get(0)?, row.get(1)?)));
    let found: Vec<(i64, bool)> = tx.all(&find)?;
    let is_end = i64::try_from(found.len()).unwrap_or(i64::MAX) < LOOKED_AT;
    let last = found.last().filter(|_| !is_end).map_or(0, |(id, _)| *id);
    Ok((found.into_iter().filter_map(|(id, is_unused)| is_unused.then_some(id)).collect(), last))
}

/// Deletes the given sources that are still unused.
pub(crate) fn forget(tx: &dyn Tx, unused: &[i64]) -> Result<()> {
    let text = format!("DELETE FROM sources AS x WHERE x.id = ?1 AND {UNUSED}");
    tx.post_each(&text, unused.iter().map(|id| values![*id]))
}

/// Reads [`COLUMNS`] from the column `at` on; `None` if the row has no source.
pub(crate) fn read(row: &Row<'_>, at: usize) -> Result<Option<Source>> {
    let Some(owner) = row.get::<Option<String>>(at)? else { return Ok(None) };
    let session = read_session_source(row.get(at + 1)?, row.get(at + 2)?)?;
    Ok(Some(Source { owner: rows::owner(&owner)?, session, description: row.get(at + 3)? }))
}

/// Reads the columns `session` and `claims`.
pub(crate) fn read_session_source(
    name: Option<String>,
    claims: Option<String>,
) -> Result<Option<SessionSource>> {
    let (Some(name), Some(claims)) = (name, claims) else { return Ok(None) };
    let name = SessionName::parse(&name).map_err(|_| rows::damaged("session", &name))?;
    Ok(Some(SessionSource { name, claims: read_claims(&claims)? }))
}

/// Reads a column of claims.
pub(crate) fn read_claims(text: &str) -> Result<Claims> {
    serde_json::from_str(text).map_err(|_| rows::damaged("claims", text))
}

/// The JSON of claims.
pub(crate) fn write_claims(claims: &Claims) -> Result<String> {
    serde_json::to_string(claims).map_err(|error| StoreError::damaged(format!("claims: {error}")))
}
