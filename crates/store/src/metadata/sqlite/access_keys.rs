mod with_made;

use async_trait::async_trait;
use gangplank_core::key_state::{Decision, KeyStanding};
use gangplank_core::{AccessKeyId, AccountId, EventKind, Origin, Owner, Permission, Quota, Time};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::audit::Note;
use super::doors::Outcome;
use super::writer::Whose;
use super::{Sqlite, login_limits, rows, uploads};
use crate::Result;
use crate::metadata::RoleSessions as _;
use crate::metadata::access_keys::{
    AccessKey, AccessKeys, DisabledWithMade, KeyChange, KeyMark, KeyPage, LastRootKey, NewState,
};
use crate::metadata::cache::Touched;
use crate::metadata::role_sessions::Credential;

const COLUMNS: &str =
    "id, account, sealed_secret, is_root, enabled, created_at, permission, max_login, reach,
    expires_at, description, made_by, last_used_at";

#[async_trait]
impl AccessKeys for Sqlite {
    async fn insert_access_key(&self, by: &Origin, key: AccessKey, quota: u32) -> Result<bool> {
        let whose = Whose::Account(key.account.clone());
        let key = AccessKey { made_by: by.owner.clone(), ..key };
        self.engine
            .doors
            .change(by, whose, Touched::EVERYTHING, move |connection| insert(connection, &key, quota))
            .await
    }

    async fn access_key(&self, id: &AccessKeyId) -> Result<Option<AccessKey>> {
        Ok(match self.credential(id).await? {
            Some(Credential::AccessKey(key)) => Some((*key).clone()),
            Some(Credential::Session(_)) | None => None,
        })
    }

    async fn access_keys(
        &self,
        account: Option<&AccountId>,
        after: Option<KeyMark>,
        limit: usize,
    ) -> Result<KeyPage> {
        let account = account.cloned();
        let whose = account.clone().map_or(Whose::Server, Whose::Account);
        self.engine
            .read_long(whose, move |connection| page(connection, account.as_ref(), after.as_ref(), limit))
            .await
    }

    async fn change_access_key(
        &self,
        by: &Origin,
        account: Option<&AccountId>,
        id: &AccessKeyId,
        state: NewState,
        last: LastRootKey,
    ) -> Result<KeyChange> {
        let (account, id) = (account.cloned(), id.clone());
        let whose = account.clone().map_or(Whose::Server, Whose::Account);
        self.engine
            .doors
            .change(by, whose, Touched::EVERYTHING, move |connection| {
                change(connection, account.as_ref(), &id, state, last)
            })
            .await
    }

    async fn disable_with_made(
        &self,
        by: &Origin,
        account: Option<&AccountId>,
        id: &AccessKeyId,
        last: LastRootKey,
    ) -> Result<(KeyChange, DisabledWithMade)> {
        let (account, id, origin) = (account.cloned(), id.clone(), by.clone());
        let whose = account.clone().map_or(Whose::Server, Whose::Account);
        self.engine
            .doors
            .change(by, whose, Touched::EVERYTHING, move |connection| {
                with_made::disable(connection, &origin, account.as_ref(), &id, last)
            })
            .await
    }

    async fn note_key_use(&self, used: Vec<(AccessKeyId, Time)>) -> Result<()> {
        self.engine
            .doors
            .upkeep(Whose::Server, Touched::NOTHING, move |connection| {
                let mut note =
                    connection.prepare_cached("UPDATE access_keys SET last_used_at = ?2 WHERE id = ?1")?;
                for (key, at) in used {
                    note.execute(params![key.as_str(), at.0])?;
                }
                Ok(())
            })
            .await
    }
}

/// A page of keys. Those that were made in one moment are looked through, which are few.
fn page(
    connection: &Connection,
    account: Option<&AccountId>,
    after: Option<&KeyMark>,
    limit: usize,
) -> Result<KeyPage> {
    let of = if account.is_some() { "account = ?1" } else { "?1 IS NULL" };
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM access_keys
         WHERE {of} AND created_at <= ?2 AND (created_at < ?2 OR id > ?3)
         ORDER BY created_at DESC, id LIMIT ?4"
    ))?;
    let (made, id) = after.map_or((i64::MAX, ""), |after| (after.created_at.0, after.id.as_str()));
    let bound = i64::try_from(limit).unwrap_or(i64::MAX);
    let keys = select
        .query_map(params![account.map(AccountId::as_str), made, id, bound], |row| Ok(read_key(row)))?;
    let keys: Vec<AccessKey> = keys.map(|key| key?).collect::<Result<_>>()?;
    let last = keys.last().filter(|_| keys.len() == limit);
    let more = last.map(|last| KeyMark { created_at: last.created_at, id: last.id.clone() });
    Ok(KeyPage { keys, more })
}

fn insert(connection: &Connection, key: &AccessKey, quota: u32) -> Result<Outcome<bool>> {
    let mut count = connection.prepare_cached("SELECT count(*) FROM access_keys WHERE account = ?1")?;
    let used = rows::unsigned(count.query_row([key.account.as_str()], |row| row.get(0))?)?;
    Quota::AccessKeys.admit(used, 1, quota.into())?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO access_keys (id, account, sealed_secret, is_root, enabled, created_at, permission, max_login, reach,
                                  expires_at, description, made_by)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12
         WHERE NOT EXISTS (SELECT 1 FROM deleted_access_keys WHERE id = ?1)
           AND NOT EXISTS (SELECT 1 FROM role_sessions WHERE key = ?1)
         ON CONFLICT (id) DO NOTHING",
    )?;
    let values = params![
        key.id.as_str(),
        key.account.as_str(),
        key.sealed_secret,
        key.is_root,
        key.enabled,
        key.created_at.0,
        key.permission.as_ref().map(Permission::to_json),
        key.limits.max_life.map(login_limits::seconds),
        login_limits::write_reach(&key.limits.reach)?,
        key.expires_at.map(|end| end.0),
        key.description,
        key.made_by.as_ref().map(Owner::as_str),
    ];
    if insert.execute(values)? == 0 {
        return Ok(Outcome::Unchanged(false));
    }
    let note = Note::of_account(EventKind::AccessKeyCreated, &key.account).subject(&key.id);
    Ok(Outcome::Changed(true, note))
}

/// Changes a key of `account`, unless it would take the last way in.
fn change(
    connection: &Connection,
    account: Option<&AccountId>,
    id: &AccessKeyId,
    state: NewState,
    last: LastRootKey,
) -> Result<Outcome<KeyChange>> {
    let key = find(connection, id)?;
    let Some(key) = key.filter(|key| account.is_none_or(|account| *account == key.account)) else {
        return Ok(Outcome::Unchanged(KeyChange::NoSuchKey));
    };
    let other_root_keys = if key.is_root { other_root_keys(connection, id)? } else { 0 };
    let standing = KeyStanding { is_root: key.is_root, is_enabled: key.enabled, other_root_keys };
    match standing.decide(state, last) {
        Decision::Unchanged => return Ok(Outcome::Unchanged(KeyChange::Done)),
        Decision::IsLastRootKey => return Ok(Outcome::Unchanged(KeyChange::IsLastRootKey)),
        Decision::Changes => {}
    }
    let enable = "UPDATE access_keys SET enabled = ?2 WHERE id = ?1";
    let kind = match state {
        NewState::Enabled => {
            connection.prepare_cached(enable)?.execute(params![id.as_str(), true])?;
            EventKind::AccessKeyEnabled
        }
        NewState::Disabled => {
            connection.prepare_cached(enable)?.execute(params![id.as_str(), false])?;
            EventKind::AccessKeyDisabled
        }
        NewState::Deleted => {
            let remember = "INSERT INTO deleted_access_keys (id) VALUES (?1)";
            connection.prepare_cached(remember)?.execute([id.as_str()])?;
            connection.prepare_cached("DELETE FROM access_keys WHERE id = ?1")?.execute([id.as_str()])?;
            EventKind::AccessKeyDeleted
        }
    };
    if state != NewState::Enabled {
        uploads::end_of_owner(connection, &key.account, &Owner::from(id))?;
    }
    Ok(Outcome::Changed(KeyChange::Done, Note::of_account(kind, &key.account).subject(id)))
}

/// How many enabled root keys there are beside this key.
fn other_root_keys(connection: &Connection, id: &AccessKeyId) -> Result<u64> {
    let mut count = connection
        .prepare_cached("SELECT count(*) FROM access_keys WHERE is_root = 1 AND enabled = 1 AND id <> ?1")?;
    rows::unsigned(count.query_row([id.as_str()], |row| row.get(0))?)
}

pub(super) fn find(connection: &Connection, id: &AccessKeyId) -> Result<Option<AccessKey>> {
    let mut find = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM access_keys WHERE id = ?1"))?;
    find.query_row([id.as_str()], |row| Ok(read_key(row))).optional()?.transpose()
}

fn read_key(row: &Row<'_>) -> Result<AccessKey> {
    Ok(AccessKey {
        id: rows::access_key_id(row.get_ref(0)?.as_str().unwrap_or_default())?,
        account: rows::account(row.get_ref(1)?.as_str().unwrap_or_default())?,
        sealed_secret: row.get(2)?,
        is_root: row.get(3)?,
        enabled: row.get(4)?,
        created_at: Time(row.get(5)?),
        permission: row.get::<_, Option<String>>(6)?.as_deref().map(read_permission).transpose()?,
        limits: login_limits::read(row, 7)?,
        expires_at: row.get::<_, Option<i64>>(9)?.map(Time),
        description: row.get(10)?,
        made_by: rows::maybe_owner(row.get(11)?)?,
        last_used_at: row.get::<_, Option<i64>>(12)?.map(Time),
    })
}

fn read_permission(text: &str) -> Result<Permission> {
    Permission::parse(text).map_err(|_| rows::damaged("permission", text))
}
