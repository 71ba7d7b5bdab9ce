use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use gangplank_core::login_facts::RoleFacts;
use gangplank_core::policy::PermissionPolicy;
use gangplank_core::quotas::half;
use gangplank_core::role::{TokenHash, is_session_key};
use gangplank_core::{AccessKeyId, AccountId, EventKind, Origin, Quota, RoleId, RoleName, SessionName, Time};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::audit::Note;
use super::doors::Outcome;
use super::live_counts::LiveCounts;
use super::writer::Whose;
use super::{Sqlite, access_keys, registry_logins, roles, rows, sources};
use crate::Result;
use crate::metadata::cache::{Found, Touched};
use crate::metadata::role_sessions::{
    Credential, FoundSession, LOOKED_AT, NewSession, RoleSession, RoleSessions, SessionMade, SessionPage,
};
use crate::metadata::roles::MOST_REMEMBERED;
use crate::metadata::sqlite::transaction::Transaction;

/// How many sessions that ended before their time an account is remembered to have had, and its live ones with them.
const MOST_KEPT: i64 = 20_000;

/// How many sessions one transaction forgets.
const FORGOTTEN_AT_ONCE: i64 = 500;

/// What a session has in place of its role's generation when it was ended alone: that of no role.
const REVOKED: i64 = -1;

/// The columns of a session in `role_sessions n`, in the order of [`read`].
const COLUMNS: &str =
    "n.key, n.account, n.owner, n.name, n.sealed_secret, n.token, n.policy, n.claims, n.created_at,
    n.expires_at";

#[async_trait]
impl RoleSessions for Sqlite {
    async fn insert_session(&self, by: &Origin, session: NewSession, quota: u32) -> Result<SessionMade> {
        let counts = Arc::clone(&self.live_counts);
        let whose = Whose::Account(session.role.account.clone());
        self.engine
            .doors
            // A new key is not kept yet, and a role that is assumed loses no right.
            .change(by, whose, Touched::NOTHING, move |connection| {
                insert(connection, &session, quota, &counts)
            })
            .await
    }

    async fn credential(&self, id: &AccessKeyId) -> Result<Option<Credential>> {
        let began = match self.engine.caches.credentials.find(id) {
            Found::Hit(found) => return Ok(Some(found)),
            Found::Miss(began) => began,
        };
        let found = self.engine.read_one(|connection| {
            if is_session_key(id)
                && let Some(session) = find(connection, id)?
            {
                return Ok(Some(Credential::Session(Arc::new(session))));
            }
            let key = access_keys::find(connection, id)?;
            Ok(key.map(|key| Credential::AccessKey(Arc::new(key))))
        })?;
        if let Some(found) = &found {
            self.engine.caches.credentials.keep(id.clone(), found.clone(), began);
        }
        Ok(found)
    }

    async fn sessions(
        &self,
        account: &AccountId,
        role: &RoleName,
        now: Time,
        before: Option<i64>,
        limit: usize,
    ) -> Result<SessionPage> {
        let (account, role) = (account.clone(), role.clone());
        self.engine
            .read_long(Whose::Account(account.clone()), move |connection| {
                let Some((role, _)) = roles::find(connection, &account, &role)? else {
                    return Ok(SessionPage::default());
                };
                page(connection, role, now, before.unwrap_or(i64::MAX), limit)
            })
            .await
    }

    async fn revoke_session(
        &self,
        by: &Origin,
        account: &AccountId,
        role: &RoleName,
        key: &AccessKeyId,
        now: Time,
    ) -> Result<bool> {
        let (account, role, key) = (account.clone(), role.clone(), key.clone());
        self.engine
            .doors
            .change(by, Whose::Account(account.clone()), Touched::EVERYTHING, move |connection| {
                revoke(connection, &account, &role, &key, now)
            })
            .await
    }

    async fn forget_sessions(&self, before: Time) -> Result<usize> {
        let ended = self.engine.read_long(Whose::Server, move |connection| ended(connection, before)).await?;
        if ended.is_empty() {
            self.forget_sources().await?;
            return Ok(0);
        }
        self.engine
            .doors
            .upkeep(Whose::Server, Touched::EVERYTHING, move |connection| {
                let mut forget = connection.prepare_cached("DELETE FROM role_sessions WHERE number = ?1")?;
                for number in &ended {
                    forget.execute([number])?;
                }
                Ok(ended.len())
            })
            .await
    }
}

impl Sqlite {
    /// Forgets a part of the sources that nothing refers to.
    async fn forget_sources(&self) -> Result<()> {
        let after = self.sources_swept.load(Ordering::Relaxed);
        let (unused, last) = self
            .engine
            .read_long(Whose::Server, move |connection| sources::unused(&Transaction(connection), after))
            .await?;
        if !unused.is_empty() {
            let forget = move |connection: &Connection| sources::forget(&Transaction(connection), &unused);
            self.engine.doors.upkeep(Whose::Server, Touched::NOTHING, forget).await?;
        }
        self.sources_swept.store(last, Ordering::Relaxed);
        Ok(())
    }
}

fn insert(
    connection: &Connection,
    session: &NewSession,
    quota: u32,
    counts: &LiveCounts,
) -> Result<Outcome<SessionMade>> {
    let role = &session.role;
    let mut find = connection.prepare_cached(
        "SELECT number, generation, remembered FROM roles
         WHERE account = ?1 AND name = ?2 AND id = ?3 AND revision = ?4 AND enabled = 1",
    )?;
    let key = params![role.account.as_str(), role.name.as_str(), role.id.as_str(), role.revision];
    let found = find
        .query_row(key, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?)));
    let Some((number, generation, remembered)) = found.optional()? else {
        return Ok(Outcome::Unchanged(SessionMade::RoleChanged));
    };
    let mut remembered = sources::read_claims(&remembered)?;
    let before = remembered.len();
    for (key, value) in &session.remember {
        let kept = remembered.entry(key.clone()).or_insert_with(|| value.clone());
        if kept != value {
            let (key, remembered) = (key.clone(), kept.clone());
            return Ok(Outcome::Unchanged(SessionMade::RemembersAnother { key, remembered }));
        }
    }
    if remembered.len() > before {
        if remembered.len() > MOST_REMEMBERED {
            return Ok(Outcome::Unchanged(SessionMade::RemembersTooMuch));
        }
        let mut remember = connection.prepare_cached("UPDATE roles SET remembered = ?2 WHERE number = ?1")?;
        remember.execute(params![number, sources::write_claims(&remembered)?])?;
    }
    let mut assume = connection.prepare_cached("UPDATE roles SET last_assumed_at = ?2 WHERE number = ?1")?;
    assume.execute([number, session.created_at.0])?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO role_sessions (key, account, role, owner, generation, name, sealed_secret, token, policy, claims,
                                    created_at, expires_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12
         WHERE NOT EXISTS (SELECT 1 FROM access_keys WHERE id = ?1)
           AND NOT EXISTS (SELECT 1 FROM deleted_access_keys WHERE id = ?1)",
    )?;
    let made = insert.execute(params![
        session.key.as_str(),
        role.account.as_str(),
        number,
        role.owner().as_str(),
        generation,
        session.name.as_str(),
        session.sealed_secret,
        &session.token.0[..],
        session.policy.as_ref().map(PermissionPolicy::to_json),
        sources::write_claims(&session.claims)?,
        session.created_at.0,
        session.expires_at.0,
    ])?;
    if made == 0 {
        return Err(crate::StoreError::unavailable(format!("the key id {} is taken", session.key)));
    }
    for (quota, role, allowed) in
        [(Quota::RoleSessions, None, quota), (Quota::SessionsOfRole, Some(number), half(quota))]
    {
        let owner = role.map(|_| session.role.owner());
        let account = &session.role.account;
        counts.admit(quota, account, owner.as_ref(), allowed, || {
            count_live(connection, account, role, session.created_at)
        })?;
    }
    let note = Note::of_account(EventKind::AssumeRoleWithWebIdentity, &role.account).subject(&role.name);
    Ok(Outcome::Changed(SessionMade::Made, note))
}

fn revoke(
    connection: &Connection,
    account: &AccountId,
    role: &RoleName,
    key: &AccessKeyId,
    now: Time,
) -> Result<Outcome<bool>> {
    let mut find = connection.prepare_cached(
        "SELECT n.number, n.generation = r.generation FROM roles r CROSS JOIN role_sessions n
         WHERE r.account = ?1 AND r.name = ?2 AND n.key = ?3 AND n.role = r.number",
    )?;
    let named = params![account.as_str(), role.as_str(), key.as_str()];
    let found = find.query_row(named, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?)));
    let Some((number, is_live)) = found.optional()? else { return Ok(Outcome::Unchanged(false)) };
    if !is_live {
        return Ok(Outcome::Unchanged(true));
    }
    connection
        .prepare_cached("UPDATE role_sessions SET generation = ?2 WHERE number = ?1")?
        .execute([number, REVOKED])?;
    registry_logins::revoke_of_session(connection, account, key, now)?;
    let note = Note::of_account(EventKind::RevokeRoleSession, account).subject(format!("{role}/{key}"));
    Ok(Outcome::Changed(true, note))
}

fn count_live(connection: &Connection, account: &AccountId, role: Option<i64>, now: Time) -> Result<u64> {
    let mut count = connection.prepare_cached(
        "SELECT count(*) FROM role_sessions n CROSS JOIN roles r
         WHERE n.account = ?1 AND n.expires_at > ?2 AND r.number = n.role AND r.generation = n.generation
           AND (?3 IS NULL OR n.role = ?3)",
    )?;
    rows::unsigned(count.query_row(params![account.as_str(), now.0, role], |row| row.get(0))?)
}

/// A page of the live sessions of a role, with numbers less than `before`. It looks at so many and no more.
fn page(connection: &Connection, role: i64, now: Time, before: i64, limit: usize) -> Result<SessionPage> {
    let offset = LOOKED_AT - 1;
    let mut find = connection.prepare_cached(&format!(
        "SELECT number FROM role_sessions WHERE role = ?1 AND number < ?2
         ORDER BY number DESC LIMIT 1 OFFSET {offset}"
    ))?;
    let last_looked_at: Option<i64> = find.query_row([role, before], |row| row.get(0)).optional()?;
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, n.number FROM role_sessions n CROSS JOIN roles r
         WHERE n.role = ?1 AND n.number < ?2 AND n.number >= ?3 AND n.expires_at > ?4
           AND r.number = n.role AND r.generation = n.generation
         ORDER BY n.number DESC LIMIT ?5"
    ))?;
    let bound = i64::try_from(limit).unwrap_or(i64::MAX);
    let values = params![role, before, last_looked_at.unwrap_or(0), now.0, bound];
    let found = select
        .query_map(values, |row| Ok(read(row).and_then(|session| Ok((session, row.get::<_, i64>(10)?)))))?;
    let found: Vec<(RoleSession, i64)> = found.map(|session| session?).collect::<Result<_>>()?;
    let last = match found.last() {
        Some((_, last)) if found.len() == limit => Some(*last),
        _ => last_looked_at,
    };
    let sessions = found.into_iter().map(|(session, _)| session).collect();
    let Some(last) = last else { return Ok(SessionPage { sessions, more: None }) };
    let mut is_more = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM role_sessions WHERE role = ?1 AND number < ?2)")?;
    let is_more: bool = is_more.query_row([role, last], |row| row.get(0))?;
    Ok(SessionPage { sessions, more: is_more.then_some(last) })
}

/// The sessions that ended before `before`, and of those that their role ended all but the newest, as many as one
/// transaction should forget.
fn ended(connection: &Connection, before: Time) -> Result<Vec<i64>> {
    let mut ended =
        connection.prepare_cached("SELECT number FROM role_sessions WHERE expires_at < ?1 LIMIT ?2")?;
    let old = ended.query_map([before.0, FORGOTTEN_AT_ONCE], |row| row.get(0))?;
    let old = old.collect::<rusqlite::Result<Vec<i64>>>()?;
    if !old.is_empty() {
        return Ok(old);
    }
    // Somebody may make sessions and disable their role without end.
    let mut given_up = connection.prepare_cached(
        "SELECT n.number FROM (SELECT DISTINCT account FROM access_keys) AS a CROSS JOIN role_sessions n
         LEFT JOIN roles r ON r.number = n.role
         WHERE n.account = a.account AND r.generation IS DISTINCT FROM n.generation
           AND n.number <= (SELECT number FROM role_sessions WHERE account = a.account
                            ORDER BY number DESC LIMIT 1 OFFSET ?1)
         LIMIT ?2",
    )?;
    let given_up = given_up.query_map([MOST_KEPT, FORGOTTEN_AT_ONCE], |row| row.get(0))?;
    Ok(given_up.collect::<rusqlite::Result<_>>()?)
}

fn find(connection: &Connection, id: &AccessKeyId) -> Result<Option<FoundSession>> {
    let mut find = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, n.generation, r.enabled, r.generation, {of_role}
         FROM role_sessions n LEFT JOIN roles r ON r.number = n.role WHERE n.key = ?1",
        of_role = roles::COLUMNS
    ))?;
    let found = find.query_row([id.as_str()], |row| {
        Ok(read(row).and_then(|session| {
            let role = row.get::<_, Option<bool>>(11)?.zip(row.get(12)?);
            let made_in = row.get(10)?;
            let is_live = role.is_some_and(|(is_enabled, generation)| {
                RoleFacts { is_enabled, generation, made_in }.is_live()
            });
            let role = if is_live { Some(roles::read(row, 13)?) } else { None };
            Ok(FoundSession { session, role })
        }))
    });
    found.optional()?.transpose()
}

/// Reads [`COLUMNS`].
fn read(row: &Row<'_>) -> Result<RoleSession> {
    let text = |column: usize| -> Result<&str> {
        row.get_ref(column)?.as_str().map_err(|_| rows::damaged("session", ""))
    };
    let (role_name, role): (RoleName, RoleId) =
        rows::owner(text(2)?)?.as_role().ok_or_else(|| rows::damaged("role", text(2).unwrap_or("")))?;
    let policy = row.get::<_, Option<String>>(6)?;
    let policy = policy.map(|policy| {
        // A session's may be as long as a kept one here: what it was made of was shorter.
        PermissionPolicy::parse(&policy).map(Arc::new).map_err(|_| rows::damaged("session policy", &policy))
    });
    Ok(RoleSession {
        key: rows::access_key_id(text(0)?)?,
        account: rows::account(text(1)?)?,
        role,
        role_name,
        name: SessionName::parse(text(3)?).map_err(|_| rows::damaged("session", text(3).unwrap_or("")))?,
        sealed_secret: row.get(4)?,
        token: TokenHash(row.get(5)?),
        policy: policy.transpose()?,
        claims: sources::read_claims(text(7)?)?,
        created_at: Time(row.get(8)?),
        expires_at: Time(row.get(9)?),
    })
}
