use async_trait::async_trait;
use gangplank_core::grant::ServiceGrant;
use gangplank_core::{EventKind, Grant, LoginId, PasswordHash, Scope, Tenant, Time};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::audit::Note;
use super::cache::{Found, Touched};
use super::{Sqlite, rows};
use crate::Result;
use crate::metadata::registry_logins::{
    LoginCreated, LoginLookup, LoginSummary, NewLogin, RegistryLogins, Requires, Revoked,
};

#[async_trait]
impl RegistryLogins for Sqlite {
    async fn insert_login(&self, login: NewLogin, requires: Requires) -> Result<LoginCreated> {
        let by = self.origin.clone();
        self.writer
            // A new password opens nothing that was kept before.
            .write_touching(Touched::NOTHING, move |connection| {
                let created = insert(connection, &login, requires)?;
                if let LoginCreated::Created(id) = created {
                    let scope = login.scope.words().join(",");
                    let subject = login.service.as_ref().or(Some(&scope)).map(String::as_str);
                    let note = Note { login: Some(id), subject, ..Note::of(&login.tenant) };
                    note.write(connection, EventKind::LoginIssued, by.as_deref())?;
                }
                Ok(created)
            })
            .await
    }

    async fn login(&self, password: &PasswordHash) -> Result<LoginLookup> {
        let began = match self.caches.logins.find(password) {
            Found::Hit(grant) => return Ok(LoginLookup::Live(grant)),
            Found::Miss(began) => began,
        };
        let found = self.read_one(|connection| {
            let mut find = connection.prepare_cached(
                "SELECT l.id, t.account, t.region, l.access_key, l.can_push, l.can_pull, l.can_delete,
                        l.service, s.name, l.expires_at, l.revoked_at IS NOT NULL, k.enabled
                 FROM registry_logins l
                 JOIN tenants t ON t.id = l.tenant
                 LEFT JOIN services s ON s.id = l.service
                 LEFT JOIN access_keys k ON k.id = l.access_key AND k.account = t.account
                 WHERE l.password_hash = ?1",
            )?;
            let found = find.query_row([&password.0[..]], |row| Ok(read_grant(row))).optional()?;
            found.unwrap_or(Ok(LoginLookup::Unknown))
        })?;
        if let LoginLookup::Live(grant) = &found {
            self.caches.logins.keep(*password, grant.clone(), began);
        }
        Ok(found)
    }

    async fn logins(&self, tenant: &Tenant, now: Time) -> Result<Vec<LoginSummary>> {
        self.read_one(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT l.id, l.can_push, l.can_pull, l.can_delete, s.name, l.access_key,
                        l.created_at, l.expires_at, l.revoked_at
                 FROM registry_logins l
                 JOIN tenants t ON t.id = l.tenant
                 LEFT JOIN services s ON s.id = l.service
                 WHERE t.account = ?1 AND t.region = ?2 AND l.expires_at > ?3
                   AND (l.service IS NULL OR s.id IS NOT NULL)
                 ORDER BY l.id DESC",
            )?;
            let key = params![tenant.account.as_str(), tenant.region.as_str(), now.0];
            select.query_map(key, |row| Ok(read_summary(row)))?.map(|login| login?).collect()
        })
    }

    async fn revoke_login(&self, tenant: &Tenant, id: LoginId, now: Time) -> Result<bool> {
        let (tenant, by) = (tenant.clone(), self.origin.clone());
        self.writer
            .write(move |connection| {
                let mut revoke = connection.prepare_cached(
                    "UPDATE registry_logins SET revoked_at = coalesce(revoked_at, ?4) WHERE id = ?1 AND tenant =
                     (SELECT id FROM tenants WHERE account = ?2 AND region = ?3)",
                )?;
                let key = params![id.0, tenant.account.as_str(), tenant.region.as_str(), now.0];
                let revoked = revoke.execute(key)? == 1;
                if revoked {
                    let note = Note { login: Some(id), ..Note::of(&tenant) };
                    note.write(connection, EventKind::LoginRevoked, by.as_deref())?;
                }
                Ok(revoked)
            })
            .await
    }

    async fn forget_logins(&self, before: Time) -> Result<usize> {
        self.writer
            .write(move |connection| {
                let mut forget =
                    connection.prepare_cached("DELETE FROM registry_logins WHERE expires_at < ?1")?;
                Ok(forget.execute([before.0])?)
            })
            .await
    }
}

fn insert(connection: &Connection, login: &NewLogin, requires: Requires) -> Result<LoginCreated> {
    let tenant = rows::ensure_tenant(connection, &login.tenant)?;
    let service: Option<i64> = match &login.service {
        None => None,
        Some(name) => {
            let mut find =
                connection.prepare_cached("SELECT id FROM services WHERE tenant = ?1 AND name = ?2")?;
            match find.query_row(params![tenant, name], |row| row.get(0)).optional()? {
                Some(id) => Some(id),
                None => return Ok(LoginCreated::NoSuchService),
            }
        }
    };
    if requires == Requires::AnyService {
        let mut any =
            connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM services WHERE tenant = ?1)")?;
        if !any.query_row([tenant], |row| row.get::<_, bool>(0))? {
            return Ok(LoginCreated::NoServiceYet);
        }
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO registry_logins (tenant, access_key, can_push, can_pull, can_delete, service,
                                      password_hash, created_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let id = insert.insert(params![
        tenant,
        login.access_key.as_str(),
        login.scope.push,
        login.scope.pull,
        login.scope.delete,
        service,
        &login.password.0[..],
        login.created_at.0,
        login.expires_at.0,
    ])?;
    Ok(LoginCreated::Created(LoginId(id)))
}

fn read_grant(row: &Row<'_>) -> Result<LoginLookup> {
    let revoked: bool = row.get(10)?;
    // No row in access_keys: the key was deleted.
    let key_enabled: Option<bool> = row.get(11)?;
    let tenant = Tenant {
        account: rows::account(row.get_ref(1)?.as_str().unwrap_or_default())?,
        region: rows::region(row.get_ref(2)?.as_str().unwrap_or_default())?,
    };
    let access_key = rows::access_key_id(row.get_ref(3)?.as_str().unwrap_or_default())?;
    let login = LoginId(row.get(0)?);
    let ended = |tenant, access_key| Ok(LoginLookup::Revoked(Revoked { login, tenant, access_key }));
    if revoked || key_enabled != Some(true) {
        return ended(tenant, access_key);
    }
    let service = match (row.get(7)?, row.get(8)?) {
        (Some(id), Some(name)) => Some(ServiceGrant { id, name }),
        // The service was deleted. Without one, the login would read every repository.
        (Some(_), None) => return ended(tenant, access_key),
        (None, _) => None,
    };
    Ok(LoginLookup::Live(Grant {
        login,
        tenant,
        access_key,
        scope: Scope { push: row.get(4)?, pull: row.get(5)?, delete: row.get(6)? },
        service,
        expires_at: Time(row.get(9)?),
    }))
}

fn read_summary(row: &Row<'_>) -> Result<LoginSummary> {
    Ok(LoginSummary {
        id: LoginId(row.get(0)?),
        scope: Scope { push: row.get(1)?, pull: row.get(2)?, delete: row.get(3)? },
        service: row.get(4)?,
        access_key: rows::access_key_id(row.get_ref(5)?.as_str().unwrap_or_default())?,
        created_at: Time(row.get(6)?),
        expires_at: Time(row.get(7)?),
        revoked_at: row.get::<_, Option<i64>>(8)?.map(Time),
    })
}
