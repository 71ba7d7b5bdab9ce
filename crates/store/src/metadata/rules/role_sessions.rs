use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use gangplank_core::login_facts::RoleFacts;
use gangplank_core::policy::PermissionPolicy;
use gangplank_core::quotas::half;
use gangplank_core::role::{TokenHash, is_session_key};
use gangplank_core::{AccessKeyId, AccountId, EventKind, Origin, Quota, RoleId, RoleName, SessionName, Time};

use super::audit::Note;
use super::live_counts::LiveCounts;
use super::{access_keys, registry_logins, roles, rows, sources};
use crate::metadata::cache::Remembered;
use crate::metadata::engine::{Engine, Terms, Whose};
use crate::metadata::role_sessions::{
    Credential, FoundSession, LOOKED_AT, NewSession, RoleSession, RoleSessions, SessionMade, SessionPage,
};
use crate::metadata::roles::MOST_REMEMBERED;
use crate::metadata::store::{Outcome, Store};
use crate::metadata::tx::{Level, Lock, Named, Query, Row, Tx, values};
use crate::{Result, StoreError};

/// How many sessions of an account are kept, counting live ones, before those that ended early are forgotten.
const MOST_KEPT: i64 = 20_000;

/// How many sessions one transaction forgets.
const FORGOTTEN_AT_ONCE: i64 = 500;

/// The generation of a session that was revoked by itself. No role has this generation.
const REVOKED: i64 = -1;

/// The columns of a session in `role_sessions n`, in the order of [`read`].
const COLUMNS: &str =
    "n.key, n.account, n.owner, n.name, n.sealed_secret, n.token, n.policy, n.claims, n.created_at,
    n.expires_at";

#[async_trait]
impl<E: Engine> RoleSessions for Store<E> {
    async fn insert_session(&self, by: &Origin, session: NewSession, quota: u32) -> Result<SessionMade> {
        let counts = Arc::clone(&self.live_counts);
        // No cached answer becomes untrue: the new key is in no cache yet, and assuming a role takes no rights
        // away.
        let terms = Terms::of(Whose::Account(session.role.account.clone())).takes_nothing();
        self.change(by, terms, move |tx| insert(tx, &session, quota, &counts)).await
    }

    async fn credential(&self, id: &AccessKeyId) -> Result<Option<Credential>> {
        let remembered = match Remembered::find(self.engine.caches().map(|it| &it.credentials), id) {
            Ok(found) => return Ok(Some(found)),
            Err(remembered) => remembered,
        };
        let found = self.read_credential(id).await?;
        if let Some(found) = &found {
            remembered.keep(id.clone(), found.clone());
        }
        Ok(found)
    }

    async fn credential_now(&self, id: &AccessKeyId) -> Result<Option<Credential>> {
        // If this process alone writes, the cache is exact.
        if self.engine.is_exclusive() { self.credential(id).await } else { self.read_credential(id).await }
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
        self.read_long(Whose::Account(account.clone()), move |tx| {
            let Some((role, _)) = roles::find(tx, &account, &role)? else {
                return Ok(SessionPage::default());
            };
            page(tx, role, now, before.unwrap_or(i64::MAX), limit)
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
        self.change(by, Terms::of(Whose::Account(account.clone())), move |tx| {
            revoke(tx, &account, &role, &key, now)
        })
        .await
    }

    async fn forget_sessions(&self, before: Time) -> Result<usize> {
        let ended = self.read_long(Whose::Server, move |tx| ended(tx, before)).await?;
        if ended.is_empty() {
            self.forget_sources().await?;
            return Ok(0);
        }
        self.upkeep(Terms::server(), move |tx| {
            let forget = "DELETE FROM role_sessions WHERE number = ?1";
            tx.post_each(forget, ended.iter().map(|number| values![*number]))?;
            Ok(ended.len())
        })
        .await
    }
}

#[expect(private_bounds, reason = "engines are made in this crate alone")]
impl<E: Engine> Store<E> {
    async fn read_credential(&self, id: &AccessKeyId) -> Result<Option<Credential>> {
        let session = if is_session_key(id) { self.read_one(|tx| find(tx, id)).await? } else { None };
        Ok(match session {
            Some(session) => Some(Credential::Session(Arc::new(session))),
            None => {
                let key = self.read_one(|tx| access_keys::find(tx, id)).await?;
                key.map(|key| Credential::AccessKey(Arc::new(key)))
            }
        })
    }

    /// Deletes some of the sources that nothing refers to.
    async fn forget_sources(&self) -> Result<()> {
        let after = self.sources_swept.load(Ordering::Relaxed);
        let (unused, last) = self.read_long(Whose::Server, move |tx| sources::unused(tx, after)).await?;
        if !unused.is_empty() {
            let forget = move |tx: &dyn Tx| sources::forget(tx, &unused);
            self.upkeep(Terms::server().takes_nothing(), forget).await?;
        }
        self.sources_swept.store(last, Ordering::Relaxed);
        Ok(())
    }
}

/// The facts about a role that is being assumed.
struct Assumed {
    number: i64,
    generation: i64,
    remembered: String,
    /// Whether the new session's key id is or was in use.
    is_key_taken: bool,
}

fn insert(
    tx: &dyn Tx,
    session: &NewSession,
    quota: u32,
    counts: &LiveCounts,
) -> Result<Outcome<SessionMade>> {
    let role = &session.role;
    tx.lock_named(Named::Account(&role.account))?;
    let Some(Assumed { number, generation, remembered, is_key_taken }) = assume(tx, session)? else {
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
        let remember = "UPDATE roles SET remembered = ?2 WHERE number = ?1";
        tx.post(remember, values![number, sources::write_claims(&remembered)?])?;
    }
    if is_key_taken {
        return Err(StoreError::unavailable(format!("the key id {} is taken", session.key)));
    }
    let note_use = "UPDATE roles SET last_assumed_at = ?2 WHERE number = ?1";
    tx.post(note_use, values![number, session.created_at])?;
    tx.post(
        "INSERT INTO role_sessions (key, account, role, owner, generation, name, sealed_secret, token, policy, claims,
                                    created_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        values![
            session.key.as_str(),
            role.account.as_str(),
            number,
            role.owner().as_str(),
            generation,
            session.name.as_str(),
            &session.sealed_secret,
            &session.token.0[..],
            session.policy.as_ref().map(PermissionPolicy::to_json),
            sources::write_claims(&session.claims)?,
            session.created_at,
            session.expires_at,
        ],
    )?;
    let quotas = [(Quota::RoleSessions, quota), (Quota::SessionsOfRole, half(quota))];
    counts.admit((&role.account, &role.owner()), quotas, || {
        count_live(tx, &role.account, number, session.created_at)
    })?;
    let note = Note::of_account(EventKind::AssumeRoleWithWebIdentity, &role.account).subject(&role.name);
    Ok(Outcome::Changed(SessionMade::Made, note))
}

/// Locks the role, if it is enabled and unchanged since its trust policy was evaluated.
fn assume(tx: &dyn Tx, NewSession { role, key, .. }: &NewSession) -> Result<Option<Assumed>> {
    tx.lock_one(
        Level::Principal,
        Lock::Update,
        &Query::new(
            "SELECT number, generation, remembered,
                    EXISTS (SELECT 1 FROM access_keys WHERE id = ?5)
                        OR EXISTS (SELECT 1 FROM deleted_access_keys WHERE id = ?5)
                        OR EXISTS (SELECT 1 FROM role_sessions WHERE key = ?5)
             FROM roles WHERE account = ?1 AND name = ?2 AND id = ?3 AND revision = ?4 AND enabled = 1",
            values![role.account.as_str(), role.name.as_str(), role.id.as_str(), role.revision, key.as_str()],
            |row| {
                Ok(Assumed {
                    number: row.get(0)?,
                    generation: row.get(1)?,
                    remembered: row.get(2)?,
                    is_key_taken: row.get(3)?,
                })
            },
        ),
    )
}

fn revoke(
    tx: &dyn Tx,
    account: &AccountId,
    role: &RoleName,
    key: &AccessKeyId,
    now: Time,
) -> Result<Outcome<bool>> {
    let found = tx.lock_one(
        Level::Principal,
        Lock::Update,
        &Query::new(
            "SELECT n.number, n.generation = (SELECT generation FROM roles WHERE number = n.role)
             FROM role_sessions n
             WHERE n.key = ?3 AND n.role = (SELECT number FROM roles WHERE account = ?1 AND name = ?2)",
            values![account.as_str(), role.as_str(), key.as_str()],
            |row| Ok((row.get::<i64>(0)?, row.get::<bool>(1)?)),
        ),
    )?;
    let Some((number, is_live)) = found else { return Ok(Outcome::Unchanged(false)) };
    if !is_live {
        return Ok(Outcome::Unchanged(true));
    }
    tx.post("UPDATE role_sessions SET generation = ?2 WHERE number = ?1", values![number, REVOKED])?;
    registry_logins::revoke_of_session(tx, account, key, now)?;
    let note = Note::of_account(EventKind::RevokeRoleSession, account).subject(format!("{role}/{key}"));
    Ok(Outcome::Changed(true, note))
}

/// How many live sessions an account has, and how many of them belong to a role.
fn count_live(tx: &dyn Tx, account: &AccountId, role: i64, now: Time) -> Result<[u64; 2]> {
    tx.one(&Query::new(
        "SELECT count(*), count(*) FILTER (WHERE n.role = ?3) FROM role_sessions n CROSS JOIN roles r
         WHERE n.account = ?1 AND n.expires_at > ?2 AND r.number = n.role AND r.generation = n.generation",
        values![account.as_str(), now, role],
        |row| Ok([row.get(0)?, row.get(1)?]),
    ))
}

/// A page of a role's live sessions with numbers below `before`. It looks at no more than `LOOKED_AT` rows.
fn page(tx: &dyn Tx, role: i64, now: Time, before: i64, limit: usize) -> Result<SessionPage> {
    let offset = LOOKED_AT - 1;
    let text = format!(
        "SELECT number FROM role_sessions WHERE role = ?1 AND number < ?2
         ORDER BY number DESC LIMIT 1 OFFSET {offset}"
    );
    let last_looked_at: Option<i64> = tx.find(&Query::column(&text, values![role, before]))?;
    let text = format!(
        "SELECT {COLUMNS}, n.number FROM role_sessions n CROSS JOIN roles r
         WHERE n.role = ?1 AND n.number < ?2 AND n.number >= ?3 AND n.expires_at > ?4
           AND r.number = n.role AND r.generation = n.generation
         ORDER BY n.number DESC LIMIT ?5"
    );
    let found: Vec<(RoleSession, i64)> = tx.all(&Query::new(
        &text,
        values![role, before, last_looked_at.unwrap_or(0), now, rows::limit(limit)],
        |row| Ok((read(row)?, row.get(10)?)),
    ))?;
    let last = match found.last() {
        Some((_, last)) if found.len() == limit => Some(*last),
        _ => last_looked_at,
    };
    let sessions = found.into_iter().map(|(session, _)| session).collect();
    let Some(last) = last else { return Ok(SessionPage { sessions, more: None }) };
    let is_more: bool = tx.one(&Query::column(
        "SELECT EXISTS (SELECT 1 FROM role_sessions WHERE role = ?1 AND number < ?2)",
        values![role, last],
    ))?;
    Ok(SessionPage { sessions, more: is_more.then_some(last) })
}

/// Some sessions to forget, in order: the sessions that ended before `before`. If there are none, these are
/// sessions beyond [`MOST_KEPT`] that their role or a revocation ended.
fn ended(tx: &dyn Tx, before: Time) -> Result<Vec<i64>> {
    let mut ended: Vec<i64> = tx.all(&Query::column(
        "SELECT number FROM role_sessions WHERE expires_at < ?1 LIMIT ?2",
        values![before, FORGOTTEN_AT_ONCE],
    ))?;
    if ended.is_empty() {
        // A caller may make any number of sessions and disable their role.
        ended = tx.all(&Query::column(
            "SELECT n.number FROM (SELECT DISTINCT account FROM access_keys) AS a CROSS JOIN role_sessions n
             LEFT JOIN roles r ON r.number = n.role
             WHERE n.account = a.account AND r.generation IS DISTINCT FROM n.generation
               AND n.number <= (SELECT number FROM role_sessions WHERE account = a.account
                                ORDER BY number DESC LIMIT 1 OFFSET ?1)
             LIMIT ?2",
            values![MOST_KEPT, FORGOTTEN_AT_ONCE],
        ))?;
    }
    ended.sort_unstable();
    Ok(ended)
}

fn find(tx: &dyn Tx, id: &AccessKeyId) -> Result<Option<FoundSession>> {
    static WITH_ROLE: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT {COLUMNS}, n.generation, r.enabled, r.generation, {of_role}
             FROM role_sessions n LEFT JOIN roles r ON r.number = n.role WHERE n.key = ?1",
            of_role = roles::COLUMNS
        )
    });
    tx.find(&Query::new(&WITH_ROLE, values![id.as_str()], |row| {
        let (made_in, role) = (row.get(10)?, row.get::<Option<bool>>(11)?.zip(row.get(12)?));
        let is_live = role
            .is_some_and(|(is_enabled, generation)| RoleFacts { is_enabled, generation, made_in }.is_live());
        let role = if is_live { Some(roles::read(row, 13)?) } else { None };
        Ok(FoundSession { session: read(row)?, role })
    }))
}

/// Reads [`COLUMNS`].
fn read(row: &Row<'_>) -> Result<RoleSession> {
    let (owner, name) = (row.text(2)?, row.text(3)?);
    let (role_name, role): (RoleName, RoleId) =
        rows::owner(owner)?.as_role().ok_or_else(|| rows::damaged("role", owner))?;
    let policy = row.get::<Option<String>>(6)?;
    let policy = policy.map(|policy| {
        // The stored form can be longer than the limit for the text of a session policy, so the other limit applies.
        PermissionPolicy::parse(&policy).map(Arc::new).map_err(|_| rows::damaged("session policy", &policy))
    });
    Ok(RoleSession {
        key: rows::access_key_id(row.text(0)?)?,
        account: rows::account(row.text(1)?)?,
        role,
        role_name,
        name: SessionName::parse(name).map_err(|_| rows::damaged("session", name))?,
        sealed_secret: row.get(4)?,
        token: TokenHash(row.get(5)?),
        policy: policy.transpose()?,
        claims: sources::read_claims(row.text(7)?)?,
        created_at: row.get(8)?,
        expires_at: row.get(9)?,
    })
}
