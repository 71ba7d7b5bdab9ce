use async_trait::async_trait;
use gangplank_core::{AccessKeyId, AccountId, EventKind, Origin, Time};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::audit::Note;
use super::cache::Found;
use super::{Sqlite, rows};
use crate::Result;
use crate::metadata::access_keys::{AccessKey, AccessKeys, KeyChange};

const COLUMNS: &str = "id, account, sealed_secret, is_root, enabled, created_at";

#[async_trait]
impl AccessKeys for Sqlite {
    async fn insert_access_key(&self, key: AccessKey) -> Result<bool> {
        let by = self.origin.clone();
        self.writer.write(move |connection| insert(connection, &key, by.as_deref())).await
    }

    async fn access_key(&self, id: &AccessKeyId) -> Result<Option<AccessKey>> {
        let began = match self.caches.access_keys.find(id) {
            Found::Hit(key) => return Ok(Some(key)),
            Found::Miss(began) => began,
        };
        let found = self.read_one(|connection| {
            let mut find =
                connection.prepare_cached(&format!("SELECT {COLUMNS} FROM access_keys WHERE id = ?1"))?;
            find.query_row([id.as_str()], |row| Ok(read_key(row))).optional()?.transpose()
        })?;
        if let Some(key) = &found {
            self.caches.access_keys.keep(id.clone(), key.clone(), began);
        }
        Ok(found)
    }

    async fn access_keys(&self, account: Option<&AccountId>) -> Result<Vec<AccessKey>> {
        self.read_one(|connection| {
            let mut select = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM access_keys WHERE ?1 IS NULL OR account = ?1 ORDER BY created_at DESC, id"
            ))?;
            let keys = select.query_map([account.map(AccountId::as_str)], |row| Ok(read_key(row)))?;
            keys.map(|key| key?).collect()
        })
    }

    async fn enable_access_key(
        &self,
        account: Option<&AccountId>,
        id: &AccessKeyId,
        on: bool,
    ) -> Result<KeyChange> {
        let (account, id, by) = (account.cloned(), id.clone(), self.origin.clone());
        let sql = "UPDATE access_keys SET enabled = ?2 WHERE id = ?1";
        let kind = if on { EventKind::AccessKeyEnabled } else { EventKind::AccessKeyDisabled };
        self.writer
            .write(move |connection| {
                change(connection, account.as_ref(), &id, (kind, by.as_deref()), |c| {
                    c.prepare_cached(sql)?.execute(params![id.as_str(), on])
                })
            })
            .await
    }

    async fn delete_access_key(&self, account: Option<&AccountId>, id: &AccessKeyId) -> Result<KeyChange> {
        let (account, id, by) = (account.cloned(), id.clone(), self.origin.clone());
        let remember = "INSERT INTO deleted_access_keys (id) VALUES (?1)";
        let sql = "DELETE FROM access_keys WHERE id = ?1";
        self.writer
            .write(move |connection| {
                change(connection, account.as_ref(), &id, (EventKind::AccessKeyDeleted, by.as_deref()), |c| {
                    c.prepare_cached(remember)?.execute([id.as_str()])?;
                    c.prepare_cached(sql)?.execute([id.as_str()])
                })
            })
            .await
    }
}

fn insert(connection: &Connection, key: &AccessKey, by: Option<&Origin>) -> Result<bool> {
    let mut insert = connection.prepare_cached(
        "INSERT OR IGNORE INTO access_keys (id, account, sealed_secret, is_root, enabled, created_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE NOT EXISTS (SELECT 1 FROM deleted_access_keys WHERE id = ?1)",
    )?;
    let values = params![
        key.id.as_str(),
        key.account.as_str(),
        key.sealed_secret,
        key.is_root,
        key.enabled,
        key.created_at.0
    ];
    if insert.execute(values)? == 0 {
        return Ok(false);
    }
    let note = Note { subject: Some(key.id.as_str()), ..Note::of_account(key.account.as_str()) };
    note.write(connection, EventKind::AccessKeyCreated, by)?;
    Ok(true)
}

/// Runs `statement` on a key of `account`, unless it would take the last way in.
fn change(
    connection: &Connection,
    account: Option<&AccountId>,
    id: &AccessKeyId,
    (kind, by): (EventKind, Option<&Origin>),
    statement: impl FnOnce(&Connection) -> rusqlite::Result<usize>,
) -> Result<KeyChange> {
    let mut owner = connection.prepare_cached("SELECT account FROM access_keys WHERE id = ?1")?;
    let owner: Option<String> = owner.query_row([id.as_str()], |row| row.get(0)).optional()?;
    let Some(owner) = owner.filter(|owner| account.is_none_or(|account| account.as_str() == owner)) else {
        return Ok(KeyChange::NoSuchKey);
    };
    if kind != EventKind::AccessKeyEnabled && rows::account(&owner)?.is_root() {
        let mut others = connection
            .prepare_cached("SELECT count(*) FROM access_keys WHERE account = ?1 AND enabled AND id <> ?2")?;
        let others: i64 = others.query_row([owner.as_str(), id.as_str()], |row| row.get(0))?;
        if others == 0 {
            return Ok(KeyChange::LastRootKey);
        }
    }
    statement(connection)?;
    let note = Note { subject: Some(id.as_str()), ..Note::of_account(&owner) };
    note.write(connection, kind, by)?;
    Ok(KeyChange::Done)
}

fn read_key(row: &Row<'_>) -> Result<AccessKey> {
    Ok(AccessKey {
        id: rows::access_key_id(row.get_ref(0)?.as_str().unwrap_or_default())?,
        account: rows::account(row.get_ref(1)?.as_str().unwrap_or_default())?,
        sealed_secret: row.get(2)?,
        is_root: row.get(3)?,
        enabled: row.get(4)?,
        created_at: Time(row.get(5)?),
    })
}
