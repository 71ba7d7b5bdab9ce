use std::sync::Arc;

use async_trait::async_trait;
use gangplank_core::policy::TrustPolicy;
use gangplank_core::role::Claims;
use gangplank_core::{AccountId, EventKind, Origin, Owner, Permission, Quota, RoleId, RoleName, Time};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::audit::Note;
use super::doors::Outcome;
use super::writer::Whose;
use super::{Sqlite, login_limits, rows, sources, uploads};
use crate::Result;
use crate::metadata::cache::Touched;
use crate::metadata::roles::{NewRole, Role, RoleChange, RoleMade, RolePage, Roles};

/// The columns of a role in `roles r`, in the order of [`read`].
pub(super) const COLUMNS: &str =
    "r.id, r.account, r.name, r.trust, r.permission, r.max_session, r.max_login, r.reach,
    r.description, r.enabled, r.created_at, r.made_by, r.last_assumed_at, r.remembered, r.revision";

#[async_trait]
impl Roles for Sqlite {
    async fn insert_role(&self, by: &Origin, role: NewRole, quota: u32) -> Result<RoleMade> {
        let made_by = by.owner.clone();
        self.engine
            .doors
            // Nothing that is kept belongs to a role that was not there.
            .change(by, Whose::Account(role.account.clone()), Touched::NOTHING, move |connection| {
                insert(connection, role, made_by, quota)
            })
            .await
    }

    async fn role(&self, account: &AccountId, name: &RoleName) -> Result<Option<Role>> {
        self.engine.read_one(|connection| Ok(find(connection, account, name)?.map(|(_, role)| role)))
    }

    async fn roles(&self, account: &AccountId, after: Option<&RoleName>, limit: usize) -> Result<RolePage> {
        let (account, after) = (account.clone(), after.cloned());
        self.engine
            .read_long(Whose::Account(account.clone()), move |connection| {
                let mut select = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM roles r WHERE r.account = ?1 AND r.name > ?2 ORDER BY r.name LIMIT ?3"
            ))?;
                let after = after.as_ref().map_or("", RoleName::as_str);
                let bound = i64::try_from(limit).unwrap_or(i64::MAX);
                let found =
                    select.query_map(params![account.as_str(), after, bound], |row| Ok(read(row, 0)))?;
                let roles: Vec<Role> = found.map(|role| role?).collect::<Result<_>>()?;
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
        let (account, name) = (account.clone(), name.clone());
        self.engine
            .doors
            .change(by, Whose::Account(account.clone()), Touched::EVERYTHING, move |connection| {
                let Some((number, before)) = find(connection, &account, &name)? else {
                    return Ok(Outcome::Unchanged(None));
                };
                let after = changed(&before, change);
                if after == before {
                    return Ok(Outcome::Unchanged(Some(before)));
                }
                let note = write(connection, number, &before, &after)?;
                Ok(Outcome::Changed(Some(Role { revision: before.revision + 1, ..after }), note))
            })
            .await
    }

    async fn delete_role(&self, by: &Origin, account: &AccountId, name: &RoleName) -> Result<bool> {
        let (account, name) = (account.clone(), name.clone());
        self.engine
            .doors
            .change(by, Whose::Account(account.clone()), Touched::EVERYTHING, move |connection| {
                let Some((number, role)) = find(connection, &account, &name)? else {
                    return Ok(Outcome::Unchanged(false));
                };
                let remember = "INSERT INTO deleted_roles (id) VALUES (?1)";
                connection.prepare_cached(remember)?.execute([role.id.as_str()])?;
                connection.prepare_cached("DELETE FROM roles WHERE number = ?1")?.execute([number])?;
                uploads::end_of_owner(connection, &account, &role.owner())?;
                Ok(Outcome::Changed(true, Note::of_account(EventKind::DeleteRole, &account).subject(&name)))
            })
            .await
    }
}

fn insert(
    connection: &Connection,
    role: NewRole,
    made_by: Option<Owner>,
    quota: u32,
) -> Result<Outcome<RoleMade>> {
    let mut count = connection.prepare_cached("SELECT count(*) FROM roles WHERE account = ?1")?;
    let used = rows::unsigned(count.query_row([role.account.as_str()], |row| row.get(0))?)?;
    if find(connection, &role.account, &role.name)?.is_some() {
        return Ok(Outcome::Unchanged(RoleMade::NameTaken));
    }
    Quota::Roles.admit(used, 1, quota.into())?;
    let mut is_taken = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM roles WHERE id = ?1) OR EXISTS (SELECT 1 FROM deleted_roles WHERE id = ?1)",
    )?;
    if is_taken.query_row([role.id.as_str()], |row| row.get(0))? {
        return Ok(Outcome::Unchanged(RoleMade::IdTaken));
    }
    let role = Role {
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
    };
    let mut insert = connection.prepare_cached(
        "INSERT INTO roles (id, account, name, trust, permission, max_session, max_login, reach, description,
                            enabled, generation, revision, remembered, created_at, made_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1, 0, 0, '{}', ?10, ?11)",
    )?;
    insert.execute(params![
        role.id.as_str(),
        role.account.as_str(),
        role.name.as_str(),
        role.trust.to_json(),
        role.permission.to_json(),
        login_limits::seconds(role.max_session),
        role.limits.max_life.map(login_limits::seconds),
        login_limits::write_reach(&role.limits.reach)?,
        role.description,
        role.created_at.0,
        role.made_by.as_ref().map(Owner::as_str),
    ])?;
    let note = Note::of_account(EventKind::CreateRole, &role.account).subject(&role.name);
    Ok(Outcome::Changed(RoleMade::Made(Box::new(role)), note))
}

/// The role after a change, but for its revision.
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

fn write(connection: &Connection, number: i64, before: &Role, after: &Role) -> Result<Note> {
    let mut update = connection.prepare_cached(
        "UPDATE roles SET trust = ?2, permission = ?3, max_session = ?4, max_login = ?5, reach = ?6,
                          description = ?7, enabled = ?8, remembered = ?9, revision = revision + 1
         WHERE number = ?1",
    )?;
    update.execute(params![
        number,
        after.trust.to_json(),
        after.permission.to_json(),
        login_limits::seconds(after.max_session),
        after.limits.max_life.map(login_limits::seconds),
        login_limits::write_reach(&after.limits.reach)?,
        after.description,
        after.enabled,
        sources::write_claims(&after.remembered)?,
    ])?;
    if before.enabled && !after.enabled {
        end_all(connection, number, before)?;
    }
    let note = Note::of_account(EventKind::UpdateRole, &after.account).subject(&after.name);
    Ok(match (before.enabled, after.enabled) {
        (true, false) => note.reason("disabled"),
        (false, true) => note.reason("enabled"),
        _ => note,
    })
}

/// Disables a role, which is enabled.
pub(super) fn disable(connection: &Connection, number: i64, role: &Role) -> Result<Note> {
    write(connection, number, role, &Role { enabled: false, ..role.clone() })
}

/// Ends the sessions and logins of a role, for good, and what they upload.
fn end_all(connection: &Connection, number: i64, role: &Role) -> Result<()> {
    let end = "UPDATE roles SET generation = generation + 1 WHERE number = ?1";
    connection.prepare_cached(end)?.execute([number])?;
    uploads::end_of_owner(connection, &role.account, &role.owner())
}

/// The row of a role, and the role.
pub(super) fn find(
    connection: &Connection,
    account: &AccountId,
    name: &RoleName,
) -> Result<Option<(i64, Role)>> {
    let mut find = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, r.number FROM roles r WHERE r.account = ?1 AND r.name = ?2"
    ))?;
    let found = find.query_row(params![account.as_str(), name.as_str()], |row| {
        Ok(read(row, 0).and_then(|role| Ok((row.get(15)?, role))))
    });
    found.optional()?.transpose()
}

/// Reads [`COLUMNS`] from the column `at` on.
pub(super) fn read(row: &Row<'_>, at: usize) -> Result<Role> {
    let text = |column: usize| -> Result<&str> {
        row.get_ref(at + column)?.as_str().map_err(|_| rows::damaged("role", ""))
    };
    let trust =
        TrustPolicy::parse(text(3)?).map_err(|_| rows::damaged("trust policy", text(0).unwrap_or("")))?;
    let permission =
        Permission::parse(text(4)?).map_err(|_| rows::damaged("permission", text(0).unwrap_or("")))?;
    Ok(Role {
        id: RoleId::parse(text(0)?).ok_or_else(|| rows::damaged("role", text(0).unwrap_or("")))?,
        account: rows::account(text(1)?)?,
        name: RoleName::parse(text(2)?).map_err(|_| rows::damaged("role", text(2).unwrap_or("")))?,
        trust: Arc::new(trust),
        permission,
        max_session: login_limits::read_seconds(row.get(at + 5)?)?,
        limits: login_limits::read(row, at + 6)?,
        description: row.get(at + 8)?,
        enabled: row.get(at + 9)?,
        created_at: Time(row.get(at + 10)?),
        made_by: rows::maybe_owner(row.get(at + 11)?)?,
        last_assumed_at: row.get::<_, Option<i64>>(at + 12)?.map(Time),
        remembered: sources::read_claims(text(13)?)?,
        revision: row.get(at + 14)?,
    })
}
