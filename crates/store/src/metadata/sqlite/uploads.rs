use async_trait::async_trait;
use gangplank_core::upload::{GIVES_WAY_AFTER, OpenSessions, Opening};
use gangplank_core::{AccessKeyId, AccountId, LoginId, Owner, Time};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::writer::Whose;
use super::{Sqlite, rows};
use crate::Result;
use crate::metadata::cache::Touched;
use crate::metadata::rules::login_facts::{self, COLUMNS, JOINS};
use crate::metadata::sqlite::transaction::Transaction;
use crate::metadata::tx::{self, Level, Lock, Query, Tx, Value, values};
use crate::metadata::uploads::{UploadOpened, UploadOwner, UploadSession, Uploads};

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
                "SELECT id, received, hash_state, run, created_at, touched_at, login FROM uploads WHERE {OWNED}"
            );
            let mut find = connection.prepare_cached(&sql)?;
            find.query_row(owned(owner, id), |row| Ok(read(row))).optional()?.transpose()
        })
    }

    async fn advance_upload(&self, owner: &UploadOwner, from: u64, session: UploadSession) -> Result<bool> {
        let owner = owner.clone();
        self.engine.doors
            .upkeep_unsynced(Whose::of(&owner.tenant), move |connection| {
                let sql = format!(
                    "UPDATE uploads SET received = ?7, hash_state = ?8, touched_at = ?9, run = ?10, login = ?11
                     WHERE {OWNED} AND received = ?6"
                );
                let mut advance = connection.prepare_cached(&sql)?;
                let changed = advance.execute(params![
                    session.id,
                    owner.tenant.account.as_str(),
                    owner.tenant.region.as_str(),
                    owner.repository.as_str(),
                    owner.owner.as_str(),
                    rows::signed(from)?,
                    rows::signed(session.received)?,
                    session.hash_state,
                    session.touched_at.0,
                    session.run,
                    session.login.map(|login| login.0),
                ])?;
                Ok(changed == 1)
            })
            .await
    }

    async fn close_upload(&self, owner: &UploadOwner, id: &str) -> Result<bool> {
        let (owner, id) = (owner.clone(), id.to_owned());
        self.engine
            .doors
            .upkeep(Whose::of(&owner.tenant), Touched::NOTHING, move |connection| {
                let mut close = connection.prepare_cached(&format!("DELETE FROM uploads WHERE {OWNED}"))?;
                Ok(close.execute(owned(&owner, &id))? == 1)
            })
            .await
    }

    async fn close_stale_uploads(&self, idle: Time, opened: Time) -> Result<Vec<String>> {
        self.engine
            .doors
            .upkeep(Whose::Server, Touched::NOTHING, move |connection| {
                let mut close = connection.prepare_cached(
                    "DELETE FROM uploads WHERE touched_at <= ?1 OR created_at <= ?2 RETURNING id",
                )?;
                let closed = close.query_map([idle.0, opened.0], |row| row.get(0))?;
                Ok(closed.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    async fn open_upload_ids(&self) -> Result<Vec<String>> {
        self.engine.read_one(|connection| {
            let mut select = connection.prepare_cached("SELECT id FROM uploads")?;
            let ids = select.query_map([], |row| row.get(0))?;
            Ok(ids.collect::<rusqlite::Result<_>>()?)
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
        end(&Transaction(connection), "id = ?1", values![&oldest])?;
        opened = UploadOpened::InPlaceOfAnother;
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO uploads (id, tenant, repository, owner, login, received, hash_state, run, created_at, touched_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    insert.execute(params![
        session.id,
        tenant,
        owner.repository.as_str(),
        owner.owner.as_str(),
        login,
        rows::signed(session.received)?,
        session.hash_state,
        session.run,
        session.created_at.0,
        session.touched_at.0,
    ])?;
    Ok(opened)
}

/// Whether a login has ended, but by its time: a body may have taken longer than that.
fn has_ended(connection: &Connection, login: Option<i64>) -> Result<bool> {
    let Some(login) = login else { return Ok(false) };
    let mut find = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM registry_logins l JOIN tenants t ON t.id = l.tenant {JOINS} WHERE l.id = ?1"
    ))?;
    let facts = find
        .query_row([login], |row| Ok(login_facts::read(&tx::Row::new(row), 0)))
        .optional()?
        .transpose()?;
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

/// Ends the sessions that a login fed last.
pub(crate) fn end_of_login(tx: &dyn Tx, tenant: i64, login: LoginId) -> Result<()> {
    end(tx, "tenant = ?1 AND login = ?2", values![tenant, login])
}

/// Ends the sessions that were fed last by a login of a role's session that is live at `now`.
pub(crate) fn end_of_session(
    tx: &dyn Tx,
    account: &AccountId,
    session: &AccessKeyId,
    now: Time,
) -> Result<()> {
    let which = "tenant IN (SELECT id FROM tenants WHERE account = ?1)
        AND EXISTS (SELECT 1 FROM registry_logins l
                    WHERE l.id = uploads.login AND l.session = ?2 AND l.expires_at > ?3)";
    end(tx, which, values![account.as_str(), session.as_str(), now])
}

/// Ends the sessions of a key's or role's logins.
pub(crate) fn end_of_owner(tx: &dyn Tx, account: &AccountId, owner: &Owner) -> Result<()> {
    let which = "tenant IN (SELECT id FROM tenants WHERE account = ?1) AND owner = ?2";
    end(tx, which, values![account.as_str(), owner.as_str()])
}

/// Ends sessions. Somebody may be feeding them, so only what is discarded is certain to go.
fn end<const N: usize>(tx: &dyn Tx, which: &str, values: [Value<'_>; N]) -> Result<()> {
    let text = format!("SELECT id FROM uploads WHERE {which} ORDER BY id");
    let ended: Vec<String> = tx.lock(Level::Session, Lock::Update, &Query::column(&text, values))?;
    let ended = || ended.iter().map(|id| values![id]);
    tx.each("INSERT INTO discarded (key) VALUES (?1) ON CONFLICT (key) DO NOTHING", ended())?;
    tx.each("DELETE FROM uploads WHERE id = ?1", ended()).map(drop)
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

fn read(row: &Row<'_>) -> Result<UploadSession> {
    Ok(UploadSession {
        id: row.get(0)?,
        received: rows::unsigned(row.get(1)?)?,
        hash_state: row.get(2)?,
        run: row.get(3)?,
        created_at: Time(row.get(4)?),
        touched_at: Time(row.get(5)?),
        login: row.get::<_, Option<i64>>(6)?.map(LoginId),
    })
}
