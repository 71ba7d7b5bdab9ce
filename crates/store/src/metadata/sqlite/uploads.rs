use async_trait::async_trait;
use gangplank_core::upload::{GIVES_WAY_AFTER, OpenSessions, Opening};
use gangplank_core::{AccountId, LoginId, Owner, Time};
use gangplank_oci::RepositoryName;
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};

use super::login_facts::{self, COLUMNS, JOINS};
use super::writer::Whose;
use super::{Sqlite, content_keys, rows};
use crate::Result;
use crate::blobs::{Checkpoint, ContentKey};
use crate::metadata::cache::Touched;
use crate::metadata::sqlite::transaction::Transaction;
use crate::metadata::uploads::{Leaves, UploadOpened, UploadOwner, UploadSession, Uploads};

/// The owner's half of every lookup, as `?1` to `?5` with the session's id first.
const OWNED: &str = "id = ?1 AND repository = ?4 AND owner = ?5
    AND tenant = (SELECT id FROM tenants WHERE account = ?2 AND region = ?3)";

#[async_trait]
impl Uploads for Sqlite {
    async fn open_upload(
        &self,
        owner: &UploadOwner,
        session: UploadSession,
        quota: u32,
    ) -> Result<UploadOpened> {
        let owner = owner.clone();
        self.engine
            .doors
            .upkeep_unsynced(Whose::of(&owner.tenant), move |connection| {
                open(connection, &owner, &session, quota)
            })
            .await
    }

    async fn upload(&self, owner: &UploadOwner, id: &str) -> Result<Option<UploadSession>> {
        self.engine.read_one(|connection| {
            let sql = format!(
                "SELECT id, key, login, created_at, touched_at, received, hash_state, checkpoint
                 FROM uploads WHERE {OWNED}"
            );
            let mut find = connection.prepare_cached(&sql)?;
            let found = find.query_row(owned(owner, id), |row| Ok(read(row))).optional()?.transpose()?;
            found.map(|session| with_keys(connection, session)).transpose()
        })
    }

    async fn advance_upload(
        &self,
        owner: &UploadOwner,
        from: &Checkpoint,
        session: UploadSession,
    ) -> Result<bool> {
        let (owner, from) = (owner.clone(), from.clone());
        self.engine
            .doors
            .upkeep_unsynced(Whose::of(&owner.tenant), move |connection| {
                advance(connection, &owner, &from, &session)
            })
            .await
    }

    async fn close_upload(&self, owner: &UploadOwner, id: &str, leaves: Leaves) -> Result<bool> {
        let (owner, id) = (owner.clone(), id.to_owned());
        self.engine
            .doors
            .upkeep(Whose::of(&owner.tenant), Touched::NOTHING, move |connection| {
                let owned = owned(&owner, &id);
                let owned: Vec<&dyn ToSql> = owned.iter().map(|text| text as &dyn ToSql).collect();
                Ok(end(connection, OWNED, &owned, leaves)? == 1)
            })
            .await
    }

    async fn close_stale_uploads(&self, idle: Time, opened: Time) -> Result<usize> {
        self.engine
            .doors
            .upkeep(Whose::Server, Touched::NOTHING, move |connection| {
                let which = "touched_at <= ?1 OR created_at <= ?2";
                end(connection, which, params![idle.0, opened.0], Leaves::Bytes)
            })
            .await
    }

    async fn count_uploads(&self) -> Result<usize> {
        self.engine.read_one(|connection| {
            let mut count = connection.prepare_cached("SELECT count(*) FROM uploads")?;
            rows::count(count.query_row([], |row| row.get(0))?)
        })
    }
}

fn open(
    connection: &Connection,
    owner: &UploadOwner,
    session: &UploadSession,
    quota: u32,
) -> Result<UploadOpened> {
    let (tenant, account) =
        (rows::ensure_tenant(&Transaction(connection), &owner.tenant)?, &owner.tenant.account);
    let login = session.login.map(|login| login.0);
    if has_ended(connection, login)? {
        return Ok(UploadOpened::LoginEnded);
    }
    let mut count = connection.prepare_cached(
        "SELECT count(*), coalesce(sum(login = ?2), 0) FROM uploads
         WHERE tenant IN (SELECT id FROM tenants WHERE account = ?1)",
    )?;
    let read = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
    let (open, by_login) = count.query_row(params![account.as_str(), login], read)?;
    let standing = OpenSessions { of_account: rows::unsigned(open)?, of_login: rows::unsigned(by_login)? };
    let gives_way = match standing.admit(quota) {
        Opening::Free => None,
        Opening::InPlaceOfLogins => Some(login),
        Opening::InPlaceOfAccounts => Some(None),
    };
    let mut opened = UploadOpened::Opened;
    if let Some(of_login) = gives_way {
        let Some(oldest) = find_idle(connection, account, of_login, session.created_at)? else {
            return Ok(UploadOpened::TooMany);
        };
        end(connection, "id = ?1", &[&oldest], Leaves::Bytes)?;
        opened = UploadOpened::InPlaceOfAnother;
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO uploads (id, key, tenant, repository, owner, login, received, hash_state, checkpoint,
                              created_at, touched_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    insert.execute(params![
        session.id,
        session.key.as_str(),
        tenant,
        owner.repository.as_str(),
        owner.owner.as_str(),
        login,
        rows::signed(session.checkpoint.received)?,
        session.checkpoint.hash_state,
        session.checkpoint.opaque,
        session.created_at.0,
        session.touched_at.0,
    ])?;
    for key in &session.checkpoint.keys {
        add_key(connection, key, &session.id)?;
    }
    Ok(opened)
}

/// Whether a login has ended, but by its time: a body may have taken longer than that.
fn has_ended(connection: &Connection, login: Option<i64>) -> Result<bool> {
    let Some(login) = login else { return Ok(false) };
    let mut find = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM registry_logins l JOIN tenants t ON t.id = l.tenant {JOINS} WHERE l.id = ?1"
    ))?;
    let facts = find.query_row([login], |row| Ok(login_facts::read(row, 0))).optional()?.transpose()?;
    Ok(facts.is_some_and(|facts| facts.ended().is_some()))
}

/// The oldest session of an account, or of one login, that gives way at `now`.
fn find_idle(
    connection: &Connection,
    account: &AccountId,
    login: Option<i64>,
    now: Time,
) -> Result<Option<String>> {
    let mut find = connection.prepare_cached(
        "SELECT id FROM uploads
         WHERE tenant IN (SELECT id FROM tenants WHERE account = ?1) AND touched_at <= ?2
           AND (?3 IS NULL OR login = ?3)
         ORDER BY created_at, touched_at LIMIT 1",
    )?;
    let idle_since = now.minus(GIVES_WAY_AFTER);
    Ok(find.query_row(params![account.as_str(), idle_since.0, login], |row| row.get(0)).optional()?)
}

fn advance(
    connection: &Connection,
    owner: &UploadOwner,
    from: &Checkpoint,
    session: &UploadSession,
) -> Result<bool> {
    let UploadSession { id, checkpoint, touched_at, .. } = session;
    let sql = format!(
        "UPDATE uploads SET received = ?7, hash_state = ?8, checkpoint = ?9, touched_at = ?10, login = ?11
         WHERE {OWNED} AND received = ?6"
    );
    let changed = connection.prepare_cached(&sql)?.execute(params![
        id,
        owner.tenant.account.as_str(),
        owner.tenant.region.as_str(),
        owner.repository.as_str(),
        owner.owner.as_str(),
        rows::signed(from.received)?,
        rows::signed(checkpoint.received)?,
        checkpoint.hash_state,
        checkpoint.opaque,
        touched_at.0,
        session.login.map(|login| login.0),
    ])?;
    if changed == 0 {
        return Ok(false);
    }
    for key in from.keys.iter().filter(|key| !checkpoint.keys.contains(key)) {
        let mut drop = connection.prepare_cached("DELETE FROM upload_keys WHERE key = ?1 AND upload = ?2")?;
        if drop.execute([key.as_str(), id])? == 1 {
            content_keys::discard(connection, key.as_str(), *touched_at)?;
        }
    }
    for key in checkpoint.keys.iter().filter(|key| !from.keys.contains(key)) {
        add_key(connection, key, id)?;
    }
    Ok(true)
}

fn add_key(connection: &Connection, key: &ContentKey, upload: &str) -> Result<()> {
    let mut add = connection.prepare_cached("INSERT INTO upload_keys (key, upload) VALUES (?1, ?2)")?;
    add.execute([key.as_str(), upload])?;
    Ok(())
}

/// How far all have come.
pub(super) fn checkpoints(connection: &Connection) -> Result<Vec<(ContentKey, Checkpoint)>> {
    let mut select = connection.prepare_cached(
        "SELECT id, key, login, created_at, touched_at, received, hash_state, checkpoint FROM uploads",
    )?;
    let found = select.query_map([], |row| Ok(read(row)))?.collect::<rusqlite::Result<Vec<_>>>()?;
    let whole = |session: Result<UploadSession>| {
        let session = with_keys(connection, session?)?;
        Ok((session.key, session.checkpoint))
    };
    found.into_iter().map(whole).collect()
}

/// Ends the sessions that a login fed last.
pub(super) fn end_of_login(connection: &Connection, tenant: i64, login: LoginId) -> Result<()> {
    end(connection, "tenant = ?1 AND login = ?2", params![tenant, login.0], Leaves::Bytes).map(drop)
}

/// Ends the sessions of a key's or role's logins.
pub(super) fn end_of_owner(connection: &Connection, account: &AccountId, owner: &Owner) -> Result<()> {
    let which = "tenant IN (SELECT id FROM tenants WHERE account = ?1) AND owner = ?2";
    end(connection, which, params![account.as_str(), owner.as_str()], Leaves::Bytes).map(drop)
}

/// Ends sessions; says how many. Somebody may be feeding them, so only what is discarded is certain to go.
fn end(connection: &Connection, which: &str, values: &[&dyn ToSql], leaves: Leaves) -> Result<usize> {
    let mut find = connection
        .prepare_cached(&format!("SELECT id, key, touched_at, checkpoint FROM uploads WHERE {which}"))?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, Time(row.get(2)?), row.get(3)?));
    let ended = find.query_map(values, read)?.collect::<rusqlite::Result<Vec<Ended>>>()?;
    for (id, key, fed, checkpoint) in &ended {
        for other in take_keys(connection, id)? {
            if leaves == Leaves::Bytes {
                content_keys::discard(connection, &other, *fed)?;
            }
        }
        if leaves == Leaves::Bytes {
            content_keys::discard_upload(connection, key, *fed, checkpoint)?;
        }
        connection.prepare_cached("DELETE FROM uploads WHERE id = ?1")?.execute([id])?;
    }
    Ok(ended.len())
}

/// A session that ends: its id, its key, when it was last fed, and its store's own checkpoint.
type Ended = (String, String, Time, Vec<u8>);

/// Ends the session of a blob whose bytes are under `kept`. What else it has is discarded. `false` if there is none.
pub(super) fn end_as_blob(
    connection: &Connection,
    id: &str,
    tenant: i64,
    repository: &RepositoryName,
    kept: &ContentKey,
) -> Result<bool> {
    let mut find = connection.prepare_cached(
        "SELECT key, touched_at, checkpoint FROM uploads WHERE id = ?1 AND tenant = ?2 AND repository = ?3",
    )?;
    let read = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, Time(row.get(1)?), row.get::<_, Vec<u8>>(2)?));
    let found = find.query_row(params![id, tenant, repository.as_str()], read).optional()?;
    let Some((key, fed, checkpoint)) = found else { return Ok(false) };
    for other in take_keys(connection, id)?.iter().filter(|other| *other != kept.as_str()) {
        content_keys::discard(connection, other, fed)?;
    }
    if key != kept.as_str() {
        content_keys::discard_upload(connection, &key, fed, &checkpoint)?;
    }
    connection.prepare_cached("DELETE FROM uploads WHERE id = ?1")?.execute([id])?;
    Ok(true)
}

/// Takes the other keys of a session away from it.
fn take_keys(connection: &Connection, id: &str) -> Result<Vec<String>> {
    let mut take = connection.prepare_cached("DELETE FROM upload_keys WHERE upload = ?1 RETURNING key")?;
    let keys = take.query_map([id], |row| row.get(0))?;
    Ok(keys.collect::<rusqlite::Result<_>>()?)
}

fn owned<'a>(owner: &'a UploadOwner, id: &'a str) -> [&'a str; 5] {
    [
        id,
        owner.tenant.account.as_str(),
        owner.tenant.region.as_str(),
        owner.repository.as_str(),
        owner.owner.as_str(),
    ]
}

/// Reads `id, key, login, created_at, touched_at, received, hash_state, checkpoint`. Its other keys are elsewhere.
fn read(row: &Row<'_>) -> Result<UploadSession> {
    let checkpoint = Checkpoint {
        received: rows::unsigned(row.get(5)?)?,
        hash_state: row.get(6)?,
        keys: Vec::new(),
        opaque: row.get(7)?,
    };
    Ok(UploadSession {
        id: row.get(0)?,
        key: content_keys::read(row.get_ref(1)?.as_str().unwrap_or_default())?,
        login: row.get::<_, Option<i64>>(2)?.map(LoginId),
        checkpoint,
        created_at: Time(row.get(3)?),
        touched_at: Time(row.get(4)?),
    })
}

/// A session with its other keys, in the order in which they were made.
fn with_keys(connection: &Connection, mut session: UploadSession) -> Result<UploadSession> {
    let mut select =
        connection.prepare_cached("SELECT key FROM upload_keys WHERE upload = ?1 ORDER BY key")?;
    let keys = select.query_map([&session.id], |row| row.get::<_, String>(0))?;
    session.checkpoint.keys = keys.map(|key| content_keys::read(&key?)).collect::<Result<_>>()?;
    Ok(session)
}
