use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use gangplank_core::grant::ServiceGrant;
use gangplank_core::quotas::half;
use gangplank_core::{
    AccessKeyId, AccountId, EventKind, Grant, LoginId, Origin, Owner, PasswordHash, Quota, Scope, Tenant,
    Time,
};

use super::audit::Note;
use super::live_counts::LiveCounts;
use super::login_facts::{self, COLUMNS, JOINS};
use super::{login_limits, rows, sources};
use crate::Result;
use crate::metadata::cache::Remembered;
use crate::metadata::engine::{Engine, Terms, Whose};
use crate::metadata::registry_logins::{
    LOOKED_AT, LoginCreated, LoginLookup, LoginPage, LoginSummary, NewLogin, Push, RegistryLogins, Requires,
    Revoked, Used,
};
use crate::metadata::rules::uploads;
use crate::metadata::store::{Outcome, Store};
use crate::metadata::tx::{Level, Lock, Named, Query, Row, Tx, values};

/// How many revoked logins of a tenant are kept before they end.
const MOST_REVOKED: i64 = 10_000;

/// How many logins one transaction forgets.
const FORGOTTEN_AT_ONCE: i64 = 500;

static BY_PASSWORD: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT l.id, t.account, t.region, l.owner, l.can_push, l.can_pull, l.can_delete,
                l.service, s.name, l.reach, l.session, {COLUMNS}
         FROM registry_logins l JOIN tenants t ON t.id = l.tenant {JOINS}
         WHERE l.password_hash = ?1"
    )
});

#[async_trait]
impl<E: Engine> RegistryLogins for Store<E> {
    async fn insert_login(
        &self,
        by: &Origin,
        login: NewLogin,
        requires: Requires,
        quota: u32,
    ) -> Result<LoginCreated> {
        let counts = Arc::clone(&self.live_counts);
        // A new login makes no cached answer untrue.
        self.change(by, Terms::tenant(&login.tenant).takes_nothing(), move |tx| {
            insert(tx, &login, requires, quota, &counts)
        })
        .await
    }

    async fn login(&self, password: &PasswordHash) -> Result<LoginLookup> {
        let remembered = match Remembered::find(self.engine.caches().map(|it| &it.logins), password) {
            Ok(grant) => return Ok(LoginLookup::Live(grant)),
            Err(remembered) => remembered,
        };
        let found =
            self.read_one(|tx| tx.find(&Query::new(&BY_PASSWORD, values![&password.0[..]], read_grant)));
        let found = found.await?.unwrap_or(LoginLookup::Unknown);
        if let LoginLookup::Live(grant) = &found {
            remembered.keep(*password, grant.clone());
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
        self.read_long(Whose::of(&tenant), move |tx| {
            let Some(tenant) = rows::find_tenant(tx, &tenant)? else {
                return Ok(LoginPage::default());
            };
            page(tx, tenant, now, before.map_or(i64::MAX, |before| before.0), limit)
        })
        .await
    }

    async fn revoke_login(&self, by: &Origin, tenant: &Tenant, id: LoginId, now: Time) -> Result<bool> {
        let tenant = tenant.clone();
        self.change(by, Terms::tenant(&tenant), move |tx| {
            let Some(row) = rows::find_tenant(tx, &tenant)? else { return Ok(Outcome::Unchanged(false)) };
            let find = "SELECT revoked_at IS NOT NULL FROM registry_logins WHERE id = ?1 AND tenant = ?2";
            let find = Query::<bool>::column(find, values![id, row]);
            let Some(is_revoked) = tx.lock_one(Level::Login, Lock::Update, &find)? else {
                return Ok(Outcome::Unchanged(false));
            };
            if is_revoked {
                return Ok(Outcome::Unchanged(true));
            }
            tx.post("UPDATE registry_logins SET revoked_at = ?2 WHERE id = ?1", values![id, now])?;
            uploads::end_of_login(tx, row, id)?;
            Ok(Outcome::Changed(true, Note::of(EventKind::LoginRevoked, &tenant).login(id)))
        })
        .await
    }

    async fn logins_of_server(&self, now: Time) -> Result<Vec<(Tenant, LoginId)>> {
        self.read_long(Whose::Server, move |tx| {
            tx.all(&Query::new(
                "SELECT t.account, t.region, l.id FROM tenants t CROSS JOIN registry_logins l
                 WHERE l.tenant = t.id AND l.expires_at > ?1 AND l.revoked_at IS NULL AND l.owner = ?2",
                values![now, Owner::server().as_str()],
                |row| Ok((rows::tenant(row)?, row.get(2)?)),
            ))
        })
        .await
    }

    async fn note_use(&self, mut used: Vec<(LoginId, Used)>) -> Result<()> {
        used.sort_by_key(|(login, _)| login.0);
        self.upkeep(Terms::server().takes_nothing().repeatable(), move |tx| {
            tx.post_each(
                "UPDATE registry_logins SET last_used_at = ?2, last_push_at = coalesce(?3, last_push_at),
                                            last_push_address = coalesce(?4, last_push_address)
                 WHERE id = ?1",
                used.iter().map(|(login, Used { at, push })| {
                    let (pushed_at, address) = push.map(|push| (push.at, push.address.to_string())).unzip();
                    values![*login, *at, pushed_at, address]
                }),
            )
        })
        .await
    }

    async fn forget_logins(&self, before: Time) -> Result<usize> {
        let ended = self.read_long(Whose::Server, move |tx| ended(tx, before)).await?;
        if ended.is_empty() {
            return Ok(0);
        }
        self.upkeep(Terms::server(), move |tx| forget(tx, &ended)).await
    }
}

/// Revokes the live logins of a role's session, and ends their uploads. The search goes through all live logins
/// of the account; a quota bounds their number.
pub(crate) fn revoke_of_session(
    tx: &dyn Tx,
    account: &AccountId,
    session: &AccessKeyId,
    now: Time,
) -> Result<()> {
    let logins: Vec<LoginId> = tx.lock(
        Level::Login,
        Lock::Update,
        &Query::column(
            "SELECT id FROM registry_logins
             WHERE tenant IN (SELECT id FROM tenants WHERE account = ?1) AND expires_at > ?2
               AND revoked_at IS NULL AND session = ?3 ORDER BY id",
            values![account.as_str(), now, session.as_str()],
        ),
    )?;
    if logins.is_empty() {
        return Ok(());
    }
    let revoke = "UPDATE registry_logins SET revoked_at = ?2 WHERE id = ?1";
    tx.post_each(revoke, logins.into_iter().map(|login| values![login, now]))?;
    uploads::end_of_session(tx, account, session, now)
}

/// A page of the logins with numbers below `before` that end after `now`. It looks at no more than `LOOKED_AT`
/// rows.
fn page(tx: &dyn Tx, tenant: i64, now: Time, before: i64, limit: usize) -> Result<LoginPage> {
    let text = format!(
        "SELECT p.id, p.can_push, p.can_pull, p.can_delete, s.name, p.owner, p.created_at, p.expires_at,
                p.revoked_at, p.last_used_at, p.last_push_at, p.last_push_address, p.reach, p.session, n.name,
                n.claims
         FROM (SELECT id, can_push, can_pull, can_delete, service, owner, created_at, expires_at, revoked_at,
                      last_used_at, last_push_at, last_push_address, reach, session
               FROM registry_logins WHERE tenant = ?1 AND id < ?2 ORDER BY id DESC LIMIT {LOOKED_AT}) AS p
         LEFT JOIN services s ON s.id = p.service
         LEFT JOIN role_sessions n ON n.key = p.session
         WHERE p.expires_at > ?3 AND (p.service IS NULL OR s.id IS NOT NULL)
         ORDER BY p.id DESC LIMIT ?4"
    );
    let values = values![tenant, before, now, rows::limit(limit)];
    let logins = tx.all(&Query::new(&text, values, read_summary))?;
    let last = match logins.last() {
        Some(last) if logins.len() == limit => Some(last.id.0),
        _ => {
            let offset = LOOKED_AT - 1;
            let text = format!(
                "SELECT id FROM registry_logins WHERE tenant = ?1 AND id < ?2
                 ORDER BY id DESC LIMIT 1 OFFSET {offset}"
            );
            tx.find(&Query::column(&text, values![tenant, before]))?
        }
    };
    let Some(last) = last else { return Ok(LoginPage { logins, more: None }) };
    let is_more: bool = tx.one(&Query::column(
        "SELECT EXISTS (SELECT 1 FROM registry_logins WHERE tenant = ?1 AND id < ?2)",
        values![tenant, last],
    ))?;
    Ok(LoginPage { logins, more: is_more.then_some(LoginId(last)) })
}

/// Some logins to forget, in order: the logins that ended before `before`. If there are none, these are revoked
/// logins beyond the newest [`MOST_REVOKED`].
fn ended(tx: &dyn Tx, before: Time) -> Result<Vec<LoginId>> {
    let mut ended: Vec<LoginId> = tx.all(&Query::column(
        "SELECT l.id FROM tenants t CROSS JOIN registry_logins l
         WHERE l.tenant = t.id AND l.expires_at < ?1 LIMIT ?2",
        values![before, FORGOTTEN_AT_ONCE],
    ))?;
    if ended.is_empty() {
        // A caller may make and revoke any number of logins.
        ended = tx.all(&Query::column(
            "SELECT l.id FROM tenants t CROSS JOIN registry_logins l
             WHERE l.tenant = t.id AND l.revoked_at IS NOT NULL
               AND l.id <= (SELECT id FROM registry_logins WHERE tenant = t.id AND revoked_at IS NOT NULL
                            ORDER BY id DESC LIMIT 1 OFFSET ?1)
             LIMIT ?2",
            values![MOST_REVOKED, FORGOTTEN_AT_ONCE],
        ))?;
    }
    ended.sort_unstable_by_key(|login| login.0);
    Ok(ended)
}

/// Forgets logins. The manifests that they put stay recorded under their owners.
fn forget(tx: &dyn Tx, ended: &[LoginId]) -> Result<usize> {
    let each = || ended.iter().map(|login| values![*login]);
    let find = "SELECT id FROM registry_logins WHERE id = ?1";
    let ids: Vec<_> = ended.iter().map(|login| (*login).into()).collect();
    tx.lock_each((Level::Login, Lock::Update), find, 1, &ids, &mut |_, _| Ok(()))?;
    // When the login is forgotten, one record for each owner and source is enough.
    tx.each(
        "INSERT INTO manifest_puts (manifest, owner, login, source)
         SELECT p.manifest, p.owner, NULL, p.source FROM manifest_puts p
         WHERE p.login = ?1 AND NOT EXISTS (
             SELECT 1 FROM manifest_puts o
             WHERE o.manifest = p.manifest AND o.owner = p.owner AND o.login IS NULL
               AND o.source IS NOT DISTINCT FROM p.source)",
        each(),
    )?;
    tx.post_each("DELETE FROM manifest_puts WHERE login = ?1", each())?;
    tx.post_each("DELETE FROM tag_puts WHERE login = ?1", each())?;
    tx.post_each("DELETE FROM blob_puts WHERE login = ?1", each())?;
    tx.post_each("DELETE FROM registry_logins WHERE id = ?1", each())?;
    Ok(ended.len())
}

fn insert(
    tx: &dyn Tx,
    login: &NewLogin,
    requires: Requires,
    quota: u32,
    counts: &LiveCounts,
) -> Result<Outcome<LoginCreated>> {
    let account = &login.tenant.account;
    // The lock is taken when the tenant is known, so that others wait for it for a shorter time.
    let tenant = rows::find_tenant(tx, &login.tenant)?;
    tx.lock_named(Named::Account(account))?;
    let (role, generation) = match &login.session {
        None => (None, None),
        Some(session) => match rely_on_session(tx, login, session)? {
            Some((role, generation)) => (Some(role), Some(generation)),
            None => return Ok(Outcome::Unchanged(LoginCreated::SessionEnded)),
        },
    };
    let tenant = tenant.map_or_else(|| rows::ensure_tenant(tx, &login.tenant), Ok)?;
    let service = login.service.map(|id| {
        let find = "SELECT name FROM services WHERE tenant = ?1 AND id = ?2";
        tx.begin(Query::<String>::column(find, values![tenant, id]))
    });
    let service = service.transpose()?;
    // A login that lacks its service is not inserted.
    let id = tx.begin(Query::<LoginId>::column(
        "INSERT INTO registry_logins (tenant, owner, can_push, can_pull, can_delete, service, password_hash,
                                      created_at, expires_at, role, generation, session, reach)
         SELECT CAST(?1 AS BIGINT), ?2, CAST(?3 AS BIGINT), CAST(?4 AS BIGINT), CAST(?5 AS BIGINT),
                CAST(?6 AS BIGINT), ?7, CAST(?8 AS BIGINT), CAST(?9 AS BIGINT), CAST(?10 AS BIGINT),
                CAST(?11 AS BIGINT), ?12, ?13
         WHERE (CAST(?6 AS BIGINT) IS NULL OR EXISTS (SELECT 1 FROM services WHERE tenant = ?1 AND id = ?6))
           AND (CAST(?14 AS BIGINT) = 0 OR EXISTS (SELECT 1 FROM services WHERE tenant = ?1))
         RETURNING id",
        values![
            tenant,
            login.owner.as_str(),
            login.scope.push,
            login.scope.pull,
            login.scope.delete,
            login.service,
            &login.password.0[..],
            login.created_at,
            login.expires_at,
            role,
            generation,
            login.session.as_ref().map(AccessKeyId::as_str),
            login_limits::write_reach(&login.reach)?,
            requires == Requires::AnyService,
        ],
    ))?;
    let live = tx.begin(live(account, &login.owner, login.created_at))?;
    let (service, id) = match (service.map(|service| service.find(tx)).transpose()?, id.find(tx)?) {
        (Some(None), _) => return Ok(Outcome::Unchanged(LoginCreated::NoSuchService)),
        (_, None) => return Ok(Outcome::Unchanged(LoginCreated::NoServiceYet)),
        (service, Some(id)) => (service.flatten(), id),
    };
    let quotas = [(Quota::RegistryLogins, quota), (Quota::LoginsOfPrincipal, half(quota))];
    counts.admit((account, &login.owner), quotas, || live.one(tx))?;
    let subject = service.unwrap_or_else(|| login.scope.words().join(","));
    let note = Note::of(EventKind::LoginIssued, &login.tenant).login(id).subject(subject);
    Ok(Outcome::Changed(LoginCreated::Created(id), note))
}

/// The role and the generation of the session that asks for a login; `None` if the session has ended. The lock
/// makes a revocation of the session wait until the login is inserted. Then the revocation finds it.
fn rely_on_session(tx: &dyn Tx, login: &NewLogin, session: &AccessKeyId) -> Result<Option<(i64, i64)>> {
    tx.lock_one(
        Level::Principal,
        Lock::Share,
        &Query::new(
            "SELECT n.role, n.generation FROM role_sessions n
             WHERE n.key = ?1 AND n.account = ?2 AND n.owner = ?3
               AND EXISTS (SELECT 1 FROM roles r
                           WHERE r.number = n.role AND r.generation = n.generation AND r.enabled = 1)",
            values![session.as_str(), login.tenant.account.as_str(), login.owner.as_str()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        ),
    )
}

/// Counts the live logins of an account, and those of an owner among them.
fn live<'a>(account: &'a AccountId, owner: &'a Owner, now: Time) -> Query<'a, [u64; 2]> {
    Query::new(
        "SELECT count(*), count(*) FILTER (WHERE owner = ?3) FROM registry_logins
         WHERE tenant IN (SELECT id FROM tenants WHERE account = ?1) AND expires_at > ?2 AND revoked_at IS NULL",
        values![account.as_str(), now, owner.as_str()],
        |row| Ok([row.get(0)?, row.get(1)?]),
    )
}

fn read_grant(row: &Row<'_>) -> Result<LoginLookup> {
    let facts = login_facts::read(row, 11)?;
    let tenant = Tenant { account: rows::account(row.text(1)?)?, region: rows::region(row.text(2)?)? };
    let owner = rows::owner(row.text(3)?)?;
    let login = row.get(0)?;
    let scope = Scope { push: row.get(4)?, pull: row.get(5)?, delete: row.get(6)? };
    if facts.ended().is_some() {
        return Ok(LoginLookup::Revoked(Revoked { login, tenant, owner, scope }));
    }
    let service = match (row.get(7)?, row.get(8)?) {
        (Some(id), Some(name)) => Some(ServiceGrant { id, name }),
        _ => None,
    };
    let reach = match row.get::<Option<String>>(9)? {
        Some(reach) => Some(Arc::new(login_limits::read_reach(Some(&reach))?)),
        None => None,
    };
    let session = row.get::<Option<String>>(10)?.as_deref().map(rows::access_key_id).transpose()?;
    let expires_at = facts.ends_at();
    Ok(LoginLookup::Live(Grant { login, tenant, owner, scope, service, reach, session, expires_at }))
}

fn read_summary(row: &Row<'_>) -> Result<LoginSummary> {
    let session = match row.get::<Option<String>>(13)? {
        Some(key) => {
            let source = sources::read_session_source(row.get(14)?, row.get(15)?)?;
            Some((rows::access_key_id(&key)?, source))
        }
        None => None,
    };
    Ok(LoginSummary {
        reach: login_limits::read_reach(row.get::<Option<String>>(12)?.as_deref())?,
        session,
        id: row.get(0)?,
        scope: Scope { push: row.get(1)?, pull: row.get(2)?, delete: row.get(3)? },
        service: row.get(4)?,
        owner: rows::owner(row.text(5)?)?,
        created_at: row.get(6)?,
        expires_at: row.get(7)?,
        revoked_at: row.get(8)?,
        last_used_at: row.get(9)?,
        last_push: read_push(row)?,
    })
}

/// Reads `last_push_at, last_push_address`, the columns from the tenth on.
fn read_push(row: &Row<'_>) -> Result<Option<Push>> {
    let (Some(at), Some(address)) = (row.get(10)?, row.get::<Option<String>>(11)?) else { return Ok(None) };
    let address = address.parse().map_err(|_| rows::damaged("address", &address))?;
    Ok(Some(Push { at, address }))
}
