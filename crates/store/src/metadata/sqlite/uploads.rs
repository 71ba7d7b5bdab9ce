use async_trait::async_trait;
use gangplank_core::Time;
use rusqlite::{OptionalExtension as _, Row, params};

use super::cache::Touched;
use super::writer::Whose;
use super::{Sqlite, rows};
use crate::Result;
use crate::metadata::uploads::{UploadOwner, UploadSession, Uploads};

/// The owner's half of every lookup, as `?1` to `?5` with the session's id first.
const OWNED: &str = "id = ?1 AND repository = ?4 AND owner = ?5
    AND tenant = (SELECT id FROM tenants WHERE account = ?2 AND region = ?3)";

#[async_trait]
impl Uploads for Sqlite {
    async fn open_upload(&self, owner: &UploadOwner, session: UploadSession, quota: u32) -> Result<bool> {
        let owner = owner.clone();
        self.doors
            .upkeep_unsynced(Whose::of(&owner.tenant), move |connection| {
                let tenant = rows::ensure_tenant(connection, &owner.tenant)?;
                let mut count = connection.prepare_cached(
                    "SELECT count(*) FROM uploads
                     WHERE tenant IN (SELECT id FROM tenants WHERE account = ?1)",
                )?;
                let open: i64 = count.query_row([owner.tenant.account.as_str()], |row| row.get(0))?;
                if open >= i64::from(quota) {
                    return Ok(false);
                }
                let mut insert = connection.prepare_cached(
                    "INSERT INTO uploads (id, tenant, repository, owner, received, hash_state, run,
                                          created_at, touched_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                )?;
                insert.execute(params![
                    session.id,
                    tenant,
                    owner.repository.as_str(),
                    owner.owner.as_str(),
                    rows::signed(session.received)?,
                    session.hash_state,
                    session.run,
                    session.created_at.0,
                    session.touched_at.0,
                ])?;
                Ok(true)
            })
            .await
    }

    async fn upload(&self, owner: &UploadOwner, id: &str) -> Result<Option<UploadSession>> {
        self.read_one(|connection| {
            let sql = format!(
                "SELECT id, received, hash_state, run, created_at, touched_at FROM uploads WHERE {OWNED}"
            );
            let mut find = connection.prepare_cached(&sql)?;
            find.query_row(owned(owner, id), |row| Ok(read(row))).optional()?.transpose()
        })
    }

    async fn advance_upload(&self, owner: &UploadOwner, from: u64, session: UploadSession) -> Result<bool> {
        let owner = owner.clone();
        self.doors
            .upkeep_unsynced(Whose::of(&owner.tenant), move |connection| {
                let sql = format!(
                    "UPDATE uploads SET received = ?7, hash_state = ?8, touched_at = ?9, run = ?10
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
                ])?;
                Ok(changed == 1)
            })
            .await
    }

    async fn close_upload(&self, owner: &UploadOwner, id: &str) -> Result<bool> {
        let (owner, id) = (owner.clone(), id.to_owned());
        self.doors
            .upkeep(Whose::of(&owner.tenant), Touched::NOTHING, move |connection| {
                let mut close = connection.prepare_cached(&format!("DELETE FROM uploads WHERE {OWNED}"))?;
                Ok(close.execute(owned(&owner, &id))? == 1)
            })
            .await
    }

    async fn close_stale_uploads(&self, idle: Time, opened: Time) -> Result<Vec<String>> {
        self.doors
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
        self.read_one(|connection| {
            let mut select = connection.prepare_cached("SELECT id FROM uploads")?;
            let ids = select.query_map([], |row| row.get(0))?;
            Ok(ids.collect::<rusqlite::Result<_>>()?)
        })
    }
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
    })
}
