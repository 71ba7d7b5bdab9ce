use std::sync::Arc;

use async_trait::async_trait;
use gangplank_core::grant::ServiceGrant;
use gangplank_core::quotas::half;
use gangplank_core::{
    AccessKeyId, AccountId, EventKind, Grant, LoginId, Origin, Owner, PasswordHash, Quota, Scope, ServiceId,
    Tenant, Time,
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::audit::Note;
use super::doors::Outcome;
use super::live_counts::LiveCounts;
use super::login_facts::{self, COLUMNS, JOINS};
use super::writer::Whose;
use super::{Sqlite, login_limits, rows, sources, uploads};
use crate::Result;
use crate::metadata::cache::{Found, Touched};
use crate::metadata::registry_logins::{
    LOOKED_AT, LoginCreated, LoginLookup, LoginPage, LoginSummary, NewLogin, Push, RegistryLogins, Requires,
    Revoked, Used,
};
use crate::metadata::sqlite::transaction::Transaction;

/// How many logins that were revoked a tenant is remembered to have had.
const MOST_REVOKED: i64 = 10_000;

/// How many logins one transaction forgets.
const FORGOTTEN_AT_ONCE: i64 = 500;

#[async_trait]
impl RegistryLogins for Sqlite {
    async fn insert_login(
        &self,
        by: &Origin,
        login: NewLogin,
        requires: Requires,
        quota: u32,
    ) -> Result<LoginCreated> {
        let counts = Arc::clone(&self.live_counts);
        self.engine
            .doors
            // A new password opens nothing that was kept before.
            .change(by, Whose::of(&login.tenant), Touched::NOTHING, move |connection| {
                insert(connection, &login, requires, quota, &counts)
            })
            .await
    }

    async fn login(&self, password: &PasswordHash) -> Result<LoginLookup> {
        let began = match self.engine.caches.logins.find(password) {
            Found::Hit(grant) => return Ok(LoginLookup::Live(grant)),
            Found::Miss(began) => began,
        };
        let found = self.engine.read_one(|connection| {
            let mut find = connection.prepare_cached(&format!(
                "SELECT l.id, t.account, t.region, l.owner, l.can_push, l.can_pull, l.can_delete,
                        l.service, s.name, l.reach, l.session, {COLUMNS}
                 FROM registry_logins l JOIN tenants t ON t.id = l.tenant {JOINS}
                 WHERE l.password_hash = ?1"
            ))?;
            let found = find.query_row([&password.0[..]], |row| Ok(read_grant(row))).optional()?;
            found.unwrap_or(Ok(LoginLookup::Unknown))
        })?;
        if let LoginLookup::Live(grant) = &found {
            self.engine.caches.logins.keep(*password, grant.clone(), began);
        }
        Ok(found)
    }

    async fn logins(
        &self,
        tenant: &Tenant,
        now: Time,
        before: Option<LoginId>,
        limit: usize,
    ) -> Result<LoginPage> {
        let tenant = tenant.clone();
        self.engine
            .read_long(Whose::of(&tenant), move |connection| {
                let Some(tenant) = rows::find_tenant(&Transaction(connection), &tenant)? else {
                    return Ok(LoginPage::default());
                };
                page(connection, tenant, now, before.map_or(i64::MAX, |before| before.0), limit)
            })
            .await
    }

    async fn revoke_login(&self, by: &Origin, tenant: &Tenant, id: LoginId, now: Time) -> Result<bool> {
        let tenant = tenant.clone();
        self.engine
            .doors
            .change(by, Whose::of(&tenant), Touched::EVERYTHING, move |connection| {
                let Some(row) = rows::find_tenant(&Transaction(connection), &tenant)? else {
                    return Ok(Outcome::Unchanged(false));
                };
                let mut revoke = connection.prepare_cached(
                    "UPDATE registry_logins SET revoked_at = ?3
                     WHERE id = ?1 AND tenant = ?2 AND revoked_at IS NULL",
                )?;
                if revoke.execute([id.0, row, now.0])? == 0 {
                    let mut is_there = connection.prepare_cached(
                        "SELECT EXISTS (SELECT 1 FROM registry_logins WHERE id = ?1 AND tenant = ?2)",
                    )?;
                    return Ok(Outcome::Unchanged(is_there.query_row([id.0, row], |row| row.get(0))?));
                }
                uploads::end_of_login(connection, row, id)?;
                Ok(Outcome::Changed(true, Note::of(EventKind::LoginRevoked, &tenant).login(id)))
            })
            .await
    }

    async fn logins_of_server(&self, now: Time) -> Result<Vec<(Tenant, LoginId)>> {
        self.engine
            .read_long(Whose::Server, move |connection| {
                let mut select = connection.prepare_cached(
                    "SELECT t.account, t.region, l.id FROM tenants t CROSS JOIN registry_logins l
                 WHERE l.tenant = t.id AND l.expires_at > ?1 AND l.revoked_at IS NULL AND l.owner = ?2",
                )?;
                let read = |row: &Row<'_>| {
                    Ok(rows::tenant(&crate::metadata::tx::Row::new(row))
                        .map(|tenant| Ok((tenant, LoginId(row.get(2)?)))))
                };
                let found = select.query_map(params![now.0, Owner::server().as_str()], read)?;
                found.map(|login| login??).collect()
            })
            .await
    }

    async fn note_use(&self, used: Vec<(LoginId, Used)>) -> Result<()> {
        self.engine
            .doors
            .upkeep(Whose::Server, Touched::NOTHING, move |connection| {
                let mut note = connection.prepare_cached(
                    "UPDATE registry_logins SET last_used_at = ?2, last_push_at = coalesce(?3, last_push_at),
                                                last_push_address = coalesce(?4, last_push_address)
                     WHERE id = ?1",
                )?;
                for (login, Used { at, push }) in used {
                    let (pushed_at, address) = push.map(|push| (push.at.0, push.address.to_string())).unzip();
                    note.execute(params![login.0, at.0, pushed_at, address])?;
                }
                Ok(())
            })
            .await
    }

    async fn forget_logins(&self, before: Time) -> Result<usize> {
        let ended = self.engine.read_long(Whose::Server, move |connection| ended(connection, before)).await?;
        if ended.is_empty() {
            return Ok(0);
        }
        self.engine
            .doors
            .upkeep(Whose::Server, Touched::EVERYTHING, move |connection| forget(connection, &ended))
            .await
    }
}

/// Revokes the live logins of a role's session. They are looked for among all live ones of the account, of which a quota
/// says how many there can be.
pub(super) fn revoke_of_session(
    connection: &Connection,
    account: &AccountId,
    session: &AccessKeyId,
    now: Time,
) -> Result<()> {
    let mut find = connection.prepare_cached(
        "SELECT l.tenant, l.id FROM tenants t CROSS JOIN registry_logins l
         WHERE t.account = ?1 AND l.tenant = t.id AND l.expires_at > ?2 AND l.revoked_at IS NULL AND l.session = ?3",
    )?;
    let found = find.query_map(params![account.as_str(), now.0, session.as_str()], |row| {
        Ok((row.get::<_, i64>(0)?, LoginId(row.get(1)?)))
    })?;
    for (tenant, login) in found.collect::<rusqlite::Result<Vec<_>>>()? {
        connection
            .prepare_cached("UPDATE registry_logins SET revoked_at = ?2 WHERE id = ?1")?
            .execute([login.0, now.0])?;
        uploads::end_of_login(connection, tenant, login)?;
    }
    Ok(())
}

/// A page of the logins that end after `now`, with numbers less than `before`. It looks at so many and no more.
fn page(connection: &Connection, tenant: i64, now: Time, before: i64, limit: usize) -> Result<LoginPage> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT p.id, p.can_push, p.can_pull, p.can_delete, s.name, p.owner, p.created_at, p.expires_at,
                p.revoked_at, p.last_used_at, p.last_push_at, p.last_push_address, p.reach, p.session, n.name,
                n.claims
         FROM (SELECT * FROM registry_logins WHERE tenant = ?1 AND id < ?2 ORDER BY id DESC LIMIT {LOOKED_AT}) AS p
         LEFT JOIN services s ON s.id = p.service
         LEFT JOIN role_sessions n ON n.key = p.session
         WHERE p.expires_at > ?3 AND (p.service IS NULL OR s.id IS NOT NULL)
         ORDER BY p.id DESC LIMIT ?4"
    ))?;
    let bound = i64::try_from(limit).unwrap_or(i64::MAX);
    let found = select.query_map(params![tenant, before, now.0, bound], |row| Ok(read_summary(row)))?;
    let logins: Vec<LoginSummary> = found.map(|login| login?).collect::<Result<_>>()?;
    let last = match logins.last() {
        Some(last) if logins.len() == limit => Some(last.id.0),
        _ => {
            let offset = LOOKED_AT - 1;
            let mut find = connection.prepare_cached(&format!(
                "SELECT id FROM registry_logins WHERE tenant = ?1 AND id < ?2
                 ORDER BY id DESC LIMIT 1 OFFSET {offset}"
            ))?;
            find.query_row([tenant, before], |row| row.get(0)).optional()?
        }
    };
    let Some(last) = last else { return Ok(LoginPage { logins, more: None }) };
    let mut is_more = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM registry_logins WHERE tenant = ?1 AND id < ?2)")?;
    let is_more: bool = is_more.query_row([tenant, last], |row| row.get(0))?;
    Ok(LoginPage { logins, more: is_more.then_some(LoginId(last)) })
}

/// The logins that ended before `before`, and of those that were revoked all but the newest, as many as one
/// transaction should forget.
fn ended(connection: &Connection, before: Time) -> Result<Vec<i64>> {
    let mut ended = connection.prepare_cached(
        "SELECT l.id FROM tenants t CROSS JOIN registry_logins l
         WHERE l.tenant = t.id AND l.expires_at < ?1 LIMIT ?2",
    )?;
    let old = ended.query_map([before.0, FORGOTTEN_AT_ONCE], |row| row.get(0))?;
    let old = old.collect::<rusqlite::Result<Vec<i64>>>()?;
    if !old.is_empty() {
        return Ok(old);
    }
    // Somebody may make and revoke logins without end.
    let mut revoked = connection.prepare_cached(
        "SELECT l.id FROM tenants t CROSS JOIN registry_logins l
         WHERE l.tenant = t.id AND l.revoked_at IS NOT NULL
           AND l.id <= (SELECT id FROM registry_logins WHERE tenant = t.id AND revoked_at IS NOT NULL
                        ORDER BY id DESC LIMIT 1 OFFSET ?1)
         LIMIT ?2",
    )?;
    let revoked = revoked.query_map([MOST_REVOKED, FORGOTTEN_AT_ONCE], |row| row.get(0))?;
    Ok(revoked.collect::<rusqlite::Result<_>>()?)
}

/// Forgets logins; what they put stays their owners'.
fn forget(connection: &Connection, ended: &[i64]) -> Result<usize> {
    for login in ended {
        // Once an owner and where they came from is enough, without a login.
        connection
            .prepare_cached(
                "DELETE FROM manifest_puts WHERE login = ?1 AND EXISTS (
                     SELECT 1 FROM manifest_puts p
                     WHERE p.manifest = manifest_puts.manifest AND p.owner = manifest_puts.owner
                       AND p.login IS NULL AND p.source IS NOT DISTINCT FROM manifest_puts.source)",
            )?
            .execute([login])?;
        connection
            .prepare_cached("UPDATE manifest_puts SET login = NULL WHERE login = ?1")?
            .execute([login])?;
        connection.prepare_cached("DELETE FROM tag_puts WHERE login = ?1")?.execute([login])?;
        connection.prepare_cached("DELETE FROM blob_puts WHERE login = ?1")?.execute([login])?;
        connection.prepare_cached("DELETE FROM registry_logins WHERE id = ?1")?.execute([login])?;
    }
    Ok(ended.len())
}

fn insert(
    connection: &Connection,
    login: &NewLogin,
    requires: Requires,
    quota: u32,
    counts: &LiveCounts,
) -> Result<Outcome<LoginCreated>> {
    let tenant = rows::ensure_tenant(&Transaction(connection), &login.tenant)?;
    let service: Option<String> = match login.service {
        None => None,
        Some(ServiceId(id)) => {
            let mut find =
                connection.prepare_cached("SELECT name FROM services WHERE tenant = ?1 AND id = ?2")?;
            match find.query_row([tenant, id], |row| row.get(0)).optional()? {
                Some(name) => Some(name),
                None => return Ok(Outcome::Unchanged(LoginCreated::NoSuchService)),
            }
        }
    };
    if requires == Requires::AnyService {
        let mut any =
            connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM services WHERE tenant = ?1)")?;
        if !any.query_row([tenant], |row| row.get::<_, bool>(0))? {
            return Ok(Outcome::Unchanged(LoginCreated::NoServiceYet));
        }
    }
    let (role, generation): (Option<i64>, Option<i64>) = match &login.session {
        None => (None, None),
        Some(session) => {
            let mut find = connection.prepare_cached(
                "SELECT r.number, r.generation FROM role_sessions n CROSS JOIN roles r
                 WHERE n.key = ?1 AND r.number = n.role AND r.generation = n.generation AND r.enabled = 1
                   AND n.account = ?2 AND n.owner = ?3",
            )?;
            let key = params![session.as_str(), login.tenant.account.as_str(), login.owner.as_str()];
            match find.query_row(key, |row| Ok((row.get(0)?, row.get(1)?))).optional()? {
                Some(found) => found,
                None => return Ok(Outcome::Unchanged(LoginCreated::SessionEnded)),
            }
        }
    };
    let mut insert = connection.prepare_cached(
        "INSERT INTO registry_logins (tenant, owner, can_push, can_pull, can_delete, service, password_hash,
                                      created_at, expires_at, role, generation, session, reach)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?;
    let id = LoginId(insert.insert(params![
        tenant,
        login.owner.as_str(),
        login.scope.push,
        login.scope.pull,
        login.scope.delete,
        login.service.map(|service| service.0),
        &login.password.0[..],
        login.created_at.0,
        login.expires_at.0,
        role,
        generation,
        login.session.as_ref().map(AccessKeyId::as_str),
        login_limits::write_reach(&login.reach)?,
    ])?);
    let account = &login.tenant.account;
    for (quota, owner, allowed) in
        [(Quota::RegistryLogins, None, quota), (Quota::LoginsOfPrincipal, Some(&login.owner), half(quota))]
    {
        counts.admit(quota, account, owner, allowed, || {
            count_live(connection, account, owner, login.created_at)
        })?;
    }
    let subject = service.unwrap_or_else(|| login.scope.words().join(","));
    let note = Note::of(EventKind::LoginIssued, &login.tenant).login(id).subject(subject);
    Ok(Outcome::Changed(LoginCreated::Created(id), note))
}

fn count_live(connection: &Connection, account: &AccountId, owner: Option<&Owner>, now: Time) -> Result<u64> {
    let mut count = connection.prepare_cached(
        "SELECT count(*) FROM registry_logins
         WHERE tenant IN (SELECT id FROM tenants WHERE account = ?1) AND expires_at > ?2 AND revoked_at IS NULL
           AND (?3 IS NULL OR owner = ?3)",
    )?;
    let key = params![account.as_str(), now.0, owner.map(Owner::as_str)];
    rows::unsigned(count.query_row(key, |row| row.get(0))?)
}

fn read_grant(row: &Row<'_>) -> Result<LoginLookup> {
    let facts = login_facts::read(row, 11)?;
    let tenant = Tenant {
        account: rows::account(row.get_ref(1)?.as_str().unwrap_or_default())?,
        region: rows::region(row.get_ref(2)?.as_str().unwrap_or_default())?,
    };
    let owner = rows::owner(row.get_ref(3)?.as_str().unwrap_or_default())?;
    let login = LoginId(row.get(0)?);
    let scope = Scope { push: row.get(4)?, pull: row.get(5)?, delete: row.get(6)? };
    if facts.ended().is_some() {
        return Ok(LoginLookup::Revoked(Revoked { login, tenant, owner, scope }));
    }
    let service = match (row.get(7)?, row.get(8)?) {
        (Some(id), Some(name)) => Some(ServiceGrant { id: ServiceId(id), name }),
        _ => None,
    };
    let reach = match row.get::<_, Option<String>>(9)? {
        Some(reach) => Some(Arc::new(login_limits::read_reach(Some(&reach))?)),
        None => None,
    };
    let session = row.get::<_, Option<String>>(10)?.as_deref().map(rows::access_key_id).transpose()?;
    let expires_at = facts.ends_at();
    Ok(LoginLookup::Live(Grant { login, tenant, owner, scope, service, reach, session, expires_at }))
}

fn read_summary(row: &Row<'_>) -> Result<LoginSummary> {
    let session = match row.get::<_, Option<String>>(13)? {
        Some(key) => {
            let source = sources::read_session_source(row.get(14)?, row.get(15)?)?;
            Some((rows::access_key_id(&key)?, source))
        }
        None => None,
    };
    Ok(LoginSummary {
        reach: login_limits::read_reach(row.get::<_, Option<String>>(12)?.as_deref())?,
        session,
        id: LoginId(row.get(0)?),
        scope: Scope { push: row.get(1)?, pull: row.get(2)?, delete: row.get(3)? },
        service: row.get(4)?,
        owner: rows::owner(row.get_ref(5)?.as_str().unwrap_or_default())?,
        created_at: Time(row.get(6)?),
        expires_at: Time(row.get(7)?),
        revoked_at: row.get::<_, Option<i64>>(8)?.map(Time),
        last_used_at: row.get::<_, Option<i64>>(9)?.map(Time),
        last_push: read_push(row)?,
    })
}

/// Reads `last_push_at, last_push_address`, the columns from the tenth on.
fn read_push(row: &Row<'_>) -> Result<Option<Push>> {
    let (Some(at), Some(address)) = (row.get(10)?, row.get::<_, Option<String>>(11)?) else {
        return Ok(None);
    };
    let address = address.parse().map_err(|_| rows::damaged("address", &address))?;
    Ok(Some(Push { at: Time(at), address }))
}
