use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use gangplank_core::policy::TrustPolicy;
use gangplank_core::role::Claims;
use gangplank_core::{AccountId, EventKind, Origin, Owner, Permission, Quota, RoleId, RoleName};

use super::audit::Note;
use super::callers::rely_on_caller;
use super::{login_limits, rows, sources};
use crate::Result;
use crate::metadata::engine::{Engine, Terms, Whose};
use crate::metadata::roles::{NewRole, Role, RoleChange, RoleMade, RolePage, Roles};
use crate::metadata::rules::uploads;
use crate::metadata::store::{Outcome, Store};
use crate::metadata::tx::{Level, Lock, Named, Query, Row, Tx, values};

/// The columns of a role in `roles r`, in the order of [`read`].
pub(crate) const COLUMNS: &str =
    "r.id, r.account, r.name, r.trust, r.permission, r.max_session, r.max_login, r.reach,
    r.description, r.enabled, r.created_at, r.made_by, r.last_assumed_at, r.remembered, r.revision";

/// Selects a role by its row number, for [`read_numbered`].
pub(crate) static BY_NUMBER: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {COLUMNS}, r.number FROM roles r WHERE r.number = ?1"));

/// Selects a role by its account and name, for [`read_numbered`].
static BY_NAME: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {COLUMNS}, r.number FROM roles r WHERE r.account = ?1 AND r.name = ?2"));

static PAGE: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT {COLUMNS} FROM roles r WHERE r.account = ?1 AND r.name > ?2 ORDER BY r.name LIMIT ?3")
});

#[async_trait]
impl<E: Engine> Roles for Store<E> {
    async fn insert_role(&self, by: &Origin, role: NewRole, quota: u32) -> Result<RoleMade> {
        let origin = by.clone();
        // No cached answer depends on a role that did not exist.
        let terms = Terms::of(Whose::Account(role.account.clone())).takes_nothing();
        self.change(by, terms, move |tx| insert(tx, &origin, &role, quota)).await
    }

    async fn role(&self, account: &AccountId, name: &RoleName) -> Result<Option<Role>> {
        self.read_one(|tx| Ok(find(tx, account, name)?.map(|(_, role)| role))).await
    }

    async fn roles(&self, account: &AccountId, after: Option<&RoleName>, limit: usize) -> Result<RolePage> {
        let (account, after) = (account.clone(), after.cloned());
        self.read_long(Whose::Account(account.clone()), move |tx| {
            let after = after.as_ref().map_or("", RoleName::as_str);
            let values = values![account.as_str(), after, rows::limit(limit)];
            let roles = tx.all(&Query::new(&PAGE, values, |row| read(row, 0)))?;
            let last = roles.last().filter(|_| roles.len() == limit);
            let more = last.map(|role| role.name.clone());
            Ok(RolePage { roles, more })
        })
        .await
    }

    async fn change_role(
        &self,
        by: &Origin,
        account: &AccountId,
        name: &RoleName,
        change: RoleChange,
    ) -> Result<Option<Role>> {
        let (account, name, origin) = (account.clone(), name.clone(), by.clone());
        self.change(by, Terms::of(Whose::Account(account.clone())), move |tx| {
            rely_on_caller(tx, &origin)?;
            let Some((number, before)) = lock(tx, &account, &name)? else {
                return Ok(Outcome::Unchanged(None));
            };
            let after = changed(&before, change.clone());
            if after == before {
                return Ok(Outcome::Unchanged(Some(before)));
            }
            let note = write(tx, number, &before, &after)?;
            Ok(Outcome::Changed(Some(Role { revision: before.revision + 1, ..after }), note))
        })
        .await
    }

    async fn delete_role(&self, by: &Origin, account: &AccountId, name: &RoleName) -> Result<bool> {
        let (account, name) = (account.clone(), name.clone());
        self.change(by, Terms::of(Whose::Account(account.clone())), move |tx| {
            let Some((number, role)) = lock(tx, &account, &name)? else {
                return Ok(Outcome::Unchanged(false));
            };
            tx.post("INSERT INTO deleted_roles (id) VALUES (?1)", values![role.id.as_str()])?;
            tx.post("DELETE FROM roles WHERE number = ?1", values![number])?;
            uploads::end_of_owner(tx, &account, &role.owner())?;
            Ok(Outcome::Changed(true, Note::of_account(EventKind::DeleteRole, &account).subject(&name)))
        })
        .await
    }
}

fn insert(tx: &dyn Tx, by: &Origin, role: &NewRole, quota: u32) -> Result<Outcome<RoleMade>> {
    tx.lock_named(Named::Account(&role.account))?;
    rely_on_caller(tx, by)?;
    let (used, is_name_taken, is_id_taken): (i64, bool, bool) = tx.one(&Query::new(
        "SELECT (SELECT count(*) FROM roles WHERE account = ?1),
                EXISTS (SELECT 1 FROM roles WHERE account = ?1 AND name = ?2),
                EXISTS (SELECT 1 FROM roles WHERE id = ?3) OR EXISTS (SELECT 1 FROM deleted_roles WHERE id = ?3)",
        values![role.account.as_str(), role.name.as_str(), role.id.as_str()],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    ))?;
    if is_name_taken {
        return Ok(Outcome::Unchanged(RoleMade::NameTaken));
    }
    Quota::Roles.admit(rows::unsigned(used)?, 1, quota.into())?;
    if is_id_taken {
        return Ok(Outcome::Unchanged(RoleMade::IdTaken));
    }
    let role = new(role.clone(), by.owner.clone());
    tx.post(
        "INSERT INTO roles (id, account, name, trust, permission, max_session, max_login, reach, description,
                            enabled, generation, revision, remembered, created_at, made_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1, 0, 0, '{}', ?10, ?11)",
        values![
            role.id.as_str(),
            role.account.as_str(),
            role.name.as_str(),
            role.trust.to_json(),
            role.permission.to_json(),
            login_limits::seconds(role.max_session),
            role.limits.max_life.map(login_limits::seconds),
            login_limits::write_reach(&role.limits.reach)?,
            &role.description,
            role.created_at,
            role.made_by.as_ref().map(Owner::as_str),
        ],
    )?;
    let note = Note::of_account(EventKind::CreateRole, &role.account).subject(&role.name);
    Ok(Outcome::Changed(RoleMade::Made(Box::new(role)), note))
}

fn new(role: NewRole, made_by: Option<Owner>) -> Role {
    Role {
        id: role.id,
        account: role.account,
        name: role.name,
        trust: Arc::new(role.trust),
        permission: role.permission,
        max_session: role.max_session,
        limits: role.limits,
        description: role.description,
        enabled: true,
        created_at: role.created_at,
        made_by,
        last_assumed_at: None,
        remembered: Claims::new(),
        revision: 0,
    }
}

/// The role after a change, with the revision unchanged.
fn changed(before: &Role, change: RoleChange) -> Role {
    let mut after = before.clone();
    if let Some(trust) = change.trust.filter(|trust| *trust != *before.trust) {
        after.trust = Arc::new(trust);
        after.remembered = Claims::new();
    }
    if let Some(permission) = change.permission {
        after.permission = permission;
    }
    if let Some(max_session) = change.max_session {
        after.max_session = max_session;
    }
    if let Some(limits) = change.limits {
        after.limits = limits;
    }
    if let Some(description) = change.description {
        after.description = description;
    }
    if let Some(enabled) = change.enabled {
        after.enabled = enabled;
    }
    after
}

/// Writes the changes of a locked role.
fn write(tx: &dyn Tx, number: i64, before: &Role, after: &Role) -> Result<Note> {
    tx.post(
        "UPDATE roles SET trust = ?2, permission = ?3, max_session = ?4, max_login = ?5, reach = ?6,
                          description = ?7, enabled = ?8, remembered = ?9, revision = revision + 1
         WHERE number = ?1",
        values![
            number,
            after.trust.to_json(),
            after.permission.to_json(),
            login_limits::seconds(after.max_session),
            after.limits.max_life.map(login_limits::seconds),
            login_limits::write_reach(&after.limits.reach)?,
            &after.description,
            after.enabled,
            sources::write_claims(&after.remembered)?,
        ],
    )?;
    if before.enabled && !after.enabled {
        end_all(tx, number, before)?;
    }
    let note = Note::of_account(EventKind::UpdateRole, &after.account).subject(&after.name);
    Ok(match (before.enabled, after.enabled) {
        (true, false) => note.reason("disabled"),
        (false, true) => note.reason("enabled"),
        _ => note,
    })
}

/// Disables a role that is locked and enabled.
pub(crate) fn disable(tx: &dyn Tx, number: i64, role: &Role) -> Result<Note> {
    write(tx, number, role, &Role { enabled: false, ..role.clone() })
}

/// Ends the sessions, logins and uploads of a role for good.
fn end_all(tx: &dyn Tx, number: i64, role: &Role) -> Result<()> {
    tx.post("UPDATE roles SET generation = generation + 1 WHERE number = ?1", values![number])?;
    uploads::end_of_owner(tx, &role.account, &role.owner())
}

/// The row number of a role, and the role.
pub(crate) fn find(tx: &dyn Tx, account: &AccountId, name: &RoleName) -> Result<Option<(i64, Role)>> {
    tx.find(&by_name(account, name))
}

/// Finds a role as [`find`] does, and locks it for a change.
fn lock(tx: &dyn Tx, account: &AccountId, name: &RoleName) -> Result<Option<(i64, Role)>> {
    tx.lock_one(Level::Principal, Lock::Update, &by_name(account, name))
}

fn by_name<'a>(account: &'a AccountId, name: &'a RoleName) -> Query<'a, (i64, Role)> {
    Query::new(&BY_NAME, values![account.as_str(), name.as_str()], read_numbered)
}

/// Reads [`COLUMNS`] and the row's number.
pub(crate) fn read_numbered(row: &Row<'_>) -> Result<(i64, Role)> {
    Ok((row.get(15)?, read(row, 0)?))
}

/// Reads [`COLUMNS`] from the column `at` on.
pub(crate) fn read(row: &Row<'_>, at: usize) -> Result<Role> {
    let text = |column: usize| row.text(at + column);
    let id = text(0)?;
    Ok(Role {
        id: RoleId::parse(id).ok_or_else(|| rows::damaged("role", id))?,
        account: rows::account(text(1)?)?,
        name: RoleName::parse(text(2)?).map_err(|_| rows::damaged("the name of role", id))?,
        trust: Arc::new(
            TrustPolicy::parse(text(3)?).map_err(|_| rows::damaged("the trust policy of role", id))?,
        ),
        permission: Permission::parse(text(4)?).map_err(|_| rows::damaged("the permission of role", id))?,
        max_session: login_limits::read_seconds(row.get(at + 5)?)?,
        limits: login_limits::read(row, at + 6)?,
        description: row.get(at + 8)?,
        enabled: row.get(at + 9)?,
        created_at: row.get(at + 10)?,
        made_by: rows::maybe_owner(row.get(at + 11)?)?,
        last_assumed_at: row.get(at + 12)?,
        remembered: sources::read_claims(text(13)?)?,
        revision: row.get(at + 14)?,
    })
}
