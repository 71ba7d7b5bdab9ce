mod with_made;

use async_trait::async_trait;
use gangplank_core::key_state::{Decision, KeyStanding};
use gangplank_core::{AccessKeyId, AccountId, EventKind, Origin, Owner, Permission, Quota, Time};

use super::audit::Note;
use super::callers::{key_of, rely_on_caller};
use super::{login_limits, rows};
use crate::Result;
use crate::metadata::RoleSessions as _;
use crate::metadata::access_keys::{
    AccessKey, AccessKeys, DisabledWithMade, KeyChange, KeyMark, KeyPage, LastRootKey, NewState,
};
use crate::metadata::engine::{Engine, Terms, Whose};
use crate::metadata::role_sessions::Credential;
use crate::metadata::rules::uploads;
use crate::metadata::store::{Outcome, Store};
use crate::metadata::tx::{Level, Lock, Named, Query, Row, Tx, values};

const BY_ID: &str = "
    SELECT id, account, sealed_secret, is_root, enabled, created_at, permission, max_login, reach, expires_at,
           description, made_by, last_used_at
    FROM access_keys WHERE id = ?1";

#[async_trait]
impl<E: Engine> AccessKeys for Store<E> {
    async fn insert_access_key(&self, by: &Origin, key: AccessKey, quota: u32) -> Result<bool> {
        let terms = Terms::of(Whose::Account(key.account.clone()));
        let key = AccessKey { made_by: by.owner.clone(), ..key };
        let origin = by.clone();
        self.change(by, terms, move |tx| insert(tx, &origin, &key, quota)).await
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
        self.read_long(whose(account.as_ref()), move |tx| page(tx, account.as_ref(), after.as_ref(), limit))
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
        let (account, id, origin) = (account.cloned(), id.clone(), by.clone());
        self.change(by, Terms::of(whose(account.as_ref())), move |tx| {
            if state != NewState::Enabled {
                tx.lock_named(Named::RootKeys)?;
            }
            let key = lock(tx, &origin, &id, state)?;
            match key.filter(|key| is_of(key, account.as_ref())) {
                Some(key) => change(tx, &key, state, last),
                None => Ok(Outcome::Unchanged(KeyChange::NoSuchKey)),
            }
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
        self.change(by, Terms::of(whose(account.as_ref())), move |tx| {
            with_made::disable(tx, &origin, account.as_ref(), &id, last)
        })
        .await
    }

    async fn note_key_use(&self, mut used: Vec<(AccessKeyId, Time)>) -> Result<()> {
        used.sort_by(|one, other| one.0.as_str().cmp(other.0.as_str()));
        self.upkeep(Terms::server().takes_nothing().repeatable(), move |tx| {
            tx.post_each(
                "UPDATE access_keys SET last_used_at = ?2 WHERE id = ?1",
                used.iter().map(|(key, at)| values![key.as_str(), *at]),
            )
        })
        .await
    }
}

fn whose(account: Option<&AccountId>) -> Whose {
    account.cloned().map_or(Whose::Server, Whose::Account)
}

fn is_of(key: &AccessKey, account: Option<&AccountId>) -> bool {
    account.is_none_or(|account| *account == key.account)
}

/// Reads one page of keys. The search also passes keys that were made in the same millisecond as the mark;
/// these are few.
fn page(tx: &dyn Tx, account: Option<&AccountId>, after: Option<&KeyMark>, limit: usize) -> Result<KeyPage> {
    let of = if account.is_some() { "account = ?1" } else { "CAST(?1 AS TEXT) IS NULL" };
    let text = format!(
        "SELECT id, account, sealed_secret, is_root, enabled, created_at, permission, max_login, reach, expires_at,
                description, made_by, last_used_at
         FROM access_keys
         WHERE {of} AND created_at <= ?2 AND (created_at < ?2 OR id > ?3)
         ORDER BY created_at DESC, id LIMIT ?4"
    );
    let (made, id) = after.map_or((i64::MAX, ""), |after| (after.created_at.0, after.id.as_str()));
    let values = values![account.map(AccountId::as_str), made, id, rows::limit(limit)];
    let keys = tx.all(&Query::new(&text, values, read_key))?;
    let last = keys.last().filter(|_| keys.len() == limit);
    let more = last.map(|last| KeyMark { created_at: last.created_at, id: last.id.clone() });
    Ok(KeyPage { keys, more })
}

/// Locks a key for a change. A caller that enables a key needs an enabled key itself. Both keys are locked in
/// the order of their ids.
fn lock(tx: &dyn Tx, by: &Origin, id: &AccessKeyId, state: NewState) -> Result<Option<AccessKey>> {
    let caller = key_of(by).filter(|_| state == NewState::Enabled);
    let is_first = caller.as_ref().is_some_and(|caller| caller.as_str() < id.as_str());
    if is_first {
        rely_on_caller(tx, by)?;
    }
    let key = tx.lock_one(Level::Principal, Lock::Update, &by_id(id))?;
    if caller.is_some() && !is_first {
        rely_on_caller(tx, by)?;
    }
    Ok(key)
}

pub(crate) fn insert(tx: &dyn Tx, by: &Origin, key: &AccessKey, quota: u32) -> Result<Outcome<bool>> {
    if key.is_root {
        // Somebody may delete the key that had this id at the same time.
        tx.lock_named(Named::RootKeys)?;
    }
    tx.lock_named(Named::Account(&key.account))?;
    rely_on_caller(tx, by)?;
    let (used, is_taken): (i64, bool) = tx.one(&Query::new(
        "SELECT (SELECT count(*) FROM access_keys WHERE account = ?1),
                EXISTS (SELECT 1 FROM deleted_access_keys WHERE id = ?2)
                    OR EXISTS (SELECT 1 FROM role_sessions WHERE key = ?2)",
        values![key.account.as_str(), key.id.as_str()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    ))?;
    Quota::AccessKeys.admit(rows::unsigned(used)?, 1, quota.into())?;
    if is_taken {
        return Ok(Outcome::Unchanged(false));
    }
    let inserted = tx.run(
        "INSERT INTO access_keys (id, account, sealed_secret, is_root, enabled, created_at, permission, max_login, reach,
                                  expires_at, description, made_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (id) DO NOTHING",
        values![
            key.id.as_str(),
            key.account.as_str(),
            &key.sealed_secret,
            key.is_root,
            key.enabled,
            key.created_at,
            key.permission.as_ref().map(Permission::to_json),
            key.limits.max_life.map(login_limits::seconds),
            login_limits::write_reach(&key.limits.reach)?,
            key.expires_at,
            &key.description,
            key.made_by.as_ref().map(Owner::as_str),
        ],
    )?;
    if inserted == 0 {
        return Ok(Outcome::Unchanged(false));
    }
    let note = Note::of_account(EventKind::AccessKeyCreated, &key.account).subject(&key.id);
    Ok(Outcome::Changed(true, note))
}

/// Changes a locked key. The last enabled root key stays as it is, if `last` says so.
fn change(tx: &dyn Tx, key: &AccessKey, state: NewState, last: LastRootKey) -> Result<Outcome<KeyChange>> {
    let id = key.id.as_str();
    let other_root_keys = if key.is_root { other_root_keys(tx, id)? } else { 0 };
    let standing = KeyStanding { is_root: key.is_root, is_enabled: key.enabled, other_root_keys };
    match standing.decide(state, last) {
        Decision::Unchanged => return Ok(Outcome::Unchanged(KeyChange::Done)),
        Decision::IsLastRootKey => return Ok(Outcome::Unchanged(KeyChange::IsLastRootKey)),
        Decision::Changes => {}
    }
    let enable = "UPDATE access_keys SET enabled = ?2 WHERE id = ?1";
    let kind = match state {
        NewState::Enabled => {
            tx.post(enable, values![id, true])?;
            EventKind::AccessKeyEnabled
        }
        NewState::Disabled => {
            tx.post(enable, values![id, false])?;
            EventKind::AccessKeyDisabled
        }
        NewState::Deleted => {
            tx.post("INSERT INTO deleted_access_keys (id) VALUES (?1)", values![id])?;
            tx.post("DELETE FROM access_keys WHERE id = ?1", values![id])?;
            EventKind::AccessKeyDeleted
        }
    };
    if state != NewState::Enabled {
        uploads::end_of_owner(tx, &key.account, &Owner::from(&key.id))?;
    }
    Ok(Outcome::Changed(KeyChange::Done, Note::of_account(kind, &key.account).subject(id)))
}

/// Counts the other enabled root keys. The count stays true while [`Named::RootKeys`] is locked.
fn other_root_keys(tx: &dyn Tx, id: &str) -> Result<u64> {
    let count: i64 = tx.one(&Query::column(
        "SELECT count(*) FROM access_keys WHERE is_root = 1 AND enabled = 1 AND id <> ?1",
        values![id],
    ))?;
    rows::unsigned(count)
}

pub(crate) fn find(tx: &dyn Tx, id: &AccessKeyId) -> Result<Option<AccessKey>> {
    tx.find(&by_id(id))
}

fn by_id(id: &AccessKeyId) -> Query<'_, AccessKey> {
    Query::new(BY_ID, values![id.as_str()], read_key)
}

fn read_key(row: &Row<'_>) -> Result<AccessKey> {
    Ok(AccessKey {
        id: rows::access_key_id(row.text(0)?)?,
        account: rows::account(row.text(1)?)?,
        sealed_secret: row.get(2)?,
        is_root: row.get(3)?,
        enabled: row.get(4)?,
        created_at: row.get(5)?,
        permission: row.get::<Option<String>>(6)?.as_deref().map(read_permission).transpose()?,
        limits: login_limits::read(row, 7)?,
        expires_at: row.get(9)?,
        description: row.get(10)?,
        made_by: rows::maybe_owner(row.get(11)?)?,
        last_used_at: row.get(12)?,
    })
}

fn read_permission(text: &str) -> Result<Permission> {
    Permission::parse(text).map_err(|_| rows::damaged("permission", text))
}
