mod ending;

use std::sync::LazyLock;

use async_trait::async_trait;
use gangplank_core::login_facts::LoginFacts;
use gangplank_core::upload::{OpenSessions, Opening};
use gangplank_core::{LoginId, Owner, Time};

use super::login_facts::{self, COLUMNS, JOINS};
use super::{content_keys, rows};
use crate::Result;
use crate::blobs::{Checkpoint, ContentKey};
use crate::coordination::Epoch;
use crate::metadata::engine::{Engine, Terms};
use crate::metadata::store::Store;
use crate::metadata::tx::{Asked, Level, Lock, Query, Row, Tx, Value, values};
use crate::metadata::uploads::{Leaves, UploadOpened, UploadOwner, UploadSession, UploadTaken, Uploads};
use ending::{end, end_idle};

pub(crate) use ending::{Publishing, end_as_nothing, end_of_login, end_of_owner, end_of_session};

/// The condition on the session's id `?1` and its owner, `?2` to `?5`.
const OWNED: &str = "uploads.id = ?1 AND repository = ?4 AND owner = ?5
    AND tenant = (SELECT id FROM tenants WHERE account = ?2 AND region = ?3)";

/// The columns that [`read`] reads.
const SESSION: &str =
    "uploads.id, uploads.key, uploads.login, uploads.created_at, uploads.touched_at, uploads.received,
      uploads.hash_state, uploads.checkpoint, uploads.epoch";

#[async_trait]
impl<E: Engine> Uploads for Store<E> {
    async fn open_upload(
        &self,
        owner: &UploadOwner,
        session: UploadSession,
        quota: u32,
    ) -> Result<UploadOpened> {
        let owner = owner.clone();
        self.upkeep(Terms::tenant(&owner.tenant).takes_nothing().visible(), move |tx| {
            open(tx, &owner, &session, quota)
        })
        .await
    }

    async fn upload(&self, owner: &UploadOwner, id: &str) -> Result<Option<UploadSession>> {
        self.read_one(|tx| Ok(read_all(tx, OWNED, owned(owner, id))?.pop())).await
    }

    async fn take_upload(&self, owner: &UploadOwner, id: &str, epoch: Epoch) -> Result<UploadTaken> {
        let (owner, id) = (owner.clone(), id.to_owned());
        self.upkeep(Terms::tenant(&owner.tenant).takes_nothing().visible().repeatable(), move |tx| {
            take(tx, &owner, &id, epoch)
        })
        .await
    }

    async fn advance_upload(
        &self,
        owner: &UploadOwner,
        from: &Checkpoint,
        session: UploadSession,
    ) -> Result<bool> {
        let (owner, from) = (owner.clone(), from.clone());
        self.upkeep(Terms::tenant(&owner.tenant).takes_nothing().visible().repeatable(), move |tx| {
            advance(tx, &owner, &from, &session)
        })
        .await
    }

    async fn close_upload(
        &self,
        owner: &UploadOwner,
        id: &str,
        epoch: Epoch,
        leaves: Leaves,
    ) -> Result<bool> {
        let (owner, id) = (owner.clone(), id.to_owned());
        self.upkeep(Terms::tenant(&owner.tenant).takes_nothing(), move |tx| {
            let which = format!("{OWNED} AND epoch <= ?6");
            Ok(end(tx, Lock::Update, &which, owned_at(&owner, &id, epoch), leaves)? == 1)
        })
        .await
    }

    async fn close_stale_uploads(&self, idle: Time, opened: Time) -> Result<usize> {
        self.upkeep(Terms::server().takes_nothing(), move |tx| {
            // No session is idle for longer than it is open. So this reads the index of ages, and each step of an
            // upload spares an index of idle times.
            let which = "created_at <= ?3 AND (touched_at <= ?1 OR created_at <= ?2)";
            // A session that another transaction has locked is in use, so it is not stale.
            end(tx, Lock::SkipLocked, which, values![idle, opened, idle.max(opened)], Leaves::Bytes)
        })
        .await
    }

    async fn count_uploads(&self) -> Result<usize> {
        self.read_one(|tx| tx.one(&Query::column("SELECT count(*) FROM uploads", values![]))).await
    }

    async fn last_upload_epoch(&self) -> Result<Epoch> {
        let last = Query::column("SELECT coalesce(max(epoch), 0) FROM uploads", values![]);
        self.read_one(|tx| tx.one(&last).map(Epoch)).await
    }
}

fn open(tx: &dyn Tx, owner: &UploadOwner, session: &UploadSession, quota: u32) -> Result<UploadOpened> {
    let account = &owner.tenant.account;
    let facts = begin_facts(tx, &owner.owner, session.login)?;
    // The count takes no lock. If several processes open sessions, an account may get a few too many.
    let standing = tx.begin(Query::new(
        "SELECT count(*), count(*) FILTER (WHERE u.login = ?2) FROM tenants t CROSS JOIN uploads u
         WHERE t.account = ?1 AND u.tenant = t.id",
        values![account.as_str(), session.login],
        |row| {
            let (of_account, of_login) = (rows::unsigned(row.get(0)?)?, rows::unsigned(row.get(1)?)?);
            Ok(OpenSessions { of_account, of_login })
        },
    ))?;
    let tenant = rows::ensure_tenant(tx, &owner.tenant)?;
    let facts = facts.map(|facts| facts.find(tx)).transpose()?.flatten();
    if facts.is_some_and(|facts| facts.ended().is_some()) {
        return Ok(UploadOpened::LoginEnded);
    }
    let gives_way = match standing.one(tx)?.admit(quota) {
        Opening::Free => None,
        Opening::InPlaceOfLogins => Some(session.login),
        Opening::InPlaceOfAccounts => Some(None),
    };
    let mut opened = UploadOpened::Opened;
    if let Some(of_login) = gives_way {
        if !end_idle(tx, account, of_login, session.created_at)? {
            return Ok(UploadOpened::TooMany);
        }
        opened = UploadOpened::InPlaceOfAnother;
    }
    tx.post(
        "INSERT INTO uploads (id, key, tenant, repository, owner, login, received, hash_state, checkpoint,
                              created_at, touched_at, epoch)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        values![
            &session.id,
            session.key.as_str(),
            tenant,
            owner.repository.as_str(),
            owner.owner.as_str(),
            session.login,
            rows::signed(session.checkpoint.received)?,
            &session.checkpoint.hash_state,
            &session.checkpoint.opaque,
            tx.steady(session.created_at)?,
            tx.steady(session.touched_at)?,
            session.epoch.0,
        ],
    )?;
    add_keys(tx, &session.checkpoint.keys, &session.id)?;
    Ok(opened)
}

/// Selects the facts that decide whether the login `?1` has ended.
static FACTS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {COLUMNS} FROM registry_logins l JOIN tenants t ON t.id = l.tenant {JOINS} WHERE l.id = ?1"
    )
});

/// Asks whether a login has been ended early. A login that ran out counts as good, because a body may take
/// longer than the login lives. The locks keep the answer true until the commit. So a transaction that ends the
/// login finds the new session.
fn begin_facts(
    tx: &dyn Tx,
    owner: &Owner,
    login: Option<LoginId>,
) -> Result<Option<Asked<'static, LoginFacts>>> {
    let Some(login) = login else { return Ok(None) };
    if let Some((_, role)) = owner.as_role() {
        let role_row = "SELECT number FROM roles WHERE id = ?1";
        tx.hold(Level::Principal, Lock::Share, role_row, &values![role.as_str()])?;
    } else {
        let key_row = "SELECT id FROM access_keys WHERE id = ?1";
        tx.hold(Level::Principal, Lock::Share, key_row, &values![owner.as_str()])?;
    }
    let login_row = "SELECT id FROM registry_logins WHERE id = ?1";
    tx.hold(Level::Login, Lock::Share, login_row, &values![login])?;
    tx.begin(Query::new(&FACTS, values![login], |row| login_facts::read(row, 0))).map(Some)
}

fn take(tx: &dyn Tx, owner: &UploadOwner, id: &str, epoch: Epoch) -> Result<UploadTaken> {
    let take = format!("UPDATE uploads SET epoch = ?6 WHERE {OWNED} AND epoch <= ?6");
    tx.post(&take, owned_at(owner, id, epoch))?;
    Ok(match read_all(tx, OWNED, owned(owner, id))?.pop() {
        None => UploadTaken::NoSession,
        Some(session) if session.epoch != epoch => UploadTaken::ByLater,
        Some(session) => UploadTaken::Taken(session),
    })
}

fn advance(tx: &dyn Tx, owner: &UploadOwner, from: &Checkpoint, session: &UploadSession) -> Result<bool> {
    let UploadSession { id, checkpoint, .. } = session;
    let touched_at = tx.steady(session.touched_at)?;
    // A caller that continues from another checkpoint, or a caller that a later writer has replaced, changes nothing.
    let text = format!(
        "UPDATE uploads SET received = ?7, hash_state = ?8, checkpoint = ?9, touched_at = ?10, login = ?11,
                            epoch = ?12
         WHERE {OWNED} AND received = ?6 AND epoch <= ?12"
    );
    let advanced = tx.run(
        &text,
        values![
            id,
            owner.tenant.account.as_str(),
            owner.tenant.region.as_str(),
            owner.repository.as_str(),
            owner.owner.as_str(),
            rows::signed(from.received)?,
            rows::signed(checkpoint.received)?,
            &checkpoint.hash_state,
            &checkpoint.opaque,
            touched_at,
            session.login,
            session.epoch.0,
        ],
    )?;
    if advanced == 0 {
        return is_at(tx, owner, session);
    }
    let left = from.keys.iter().filter(|key| !checkpoint.keys.contains(key));
    let left = tx.find_each(
        "DELETE FROM upload_keys WHERE key = ?1 AND upload = ?2 RETURNING key",
        left.map(|key| values![key.as_str(), id]),
        |row| content_keys::read(row.text(0)?),
    )?;
    content_keys::discard(tx, left.iter().flatten(), touched_at)?;
    add_keys(tx, checkpoint.keys.iter().filter(|key| !from.keys.contains(key)), id)?;
    Ok(true)
}

/// Whether the session has reached its new checkpoint already: an earlier run of this rule may have been
/// committed.
fn is_at(tx: &dyn Tx, owner: &UploadOwner, session: &UploadSession) -> Result<bool> {
    let Some(found) = read_all(tx, OWNED, owned(owner, &session.id))?.pop() else { return Ok(false) };
    let mut checkpoint = session.checkpoint.clone();
    checkpoint.keys.sort();
    Ok(found.checkpoint == checkpoint && found.login == session.login && found.epoch == session.epoch)
}

fn add_keys<'k>(tx: &dyn Tx, keys: impl IntoIterator<Item = &'k ContentKey>, upload: &str) -> Result<()> {
    let keys = keys.into_iter().map(|key| values![key.as_str(), upload]);
    tx.post_each("INSERT INTO upload_keys (key, upload) VALUES (?1, ?2)", keys)
}

/// The checkpoints of all open sessions.
pub(crate) fn checkpoints(tx: &dyn Tx) -> Result<Vec<(ContentKey, Checkpoint)>> {
    let sessions = read_all(tx, "uploads.id IS NOT NULL", [])?;
    Ok(sessions.into_iter().map(|session| (session.key, session.checkpoint)).collect())
}

fn owned<'a>(owner: &'a UploadOwner, id: &'a str) -> [Value<'a>; 5] {
    values![
        id,
        owner.tenant.account.as_str(),
        owner.tenant.region.as_str(),
        owner.repository.as_str(),
        owner.owner.as_str(),
    ]
}

fn owned_at<'a>(owner: &'a UploadOwner, id: &'a str, epoch: Epoch) -> [Value<'a>; 6] {
    let [id, account, region, repository, owner] = owned(owner, id);
    [id, account, region, repository, owner, Value::from(epoch.0)]
}

/// The sessions that meet a condition, each with its further keys in order.
fn read_all<const N: usize>(tx: &dyn Tx, which: &str, values: [Value<'_>; N]) -> Result<Vec<UploadSession>> {
    let text = format!(
        "SELECT {SESSION}, k.key FROM uploads LEFT JOIN upload_keys k ON k.upload = uploads.id
         WHERE {which} ORDER BY uploads.id, k.key"
    );
    let mut sessions: Vec<UploadSession> = Vec::new();
    tx.query(&text, &values, &mut |row| {
        let id = row.text(0)?;
        if sessions.last().is_none_or(|last| last.id != id) {
            sessions.push(read(row)?);
        }
        let other: Option<String> = row.get(9)?;
        if let (Some(session), Some(other)) = (sessions.last_mut(), other) {
            session.checkpoint.keys.push(content_keys::read(&other)?);
        }
        Ok(())
    })?;
    Ok(sessions)
}

/// Reads the columns of [`SESSION`]. The further keys come from other rows.
fn read(row: &Row<'_>) -> Result<UploadSession> {
    let checkpoint = Checkpoint {
        received: rows::unsigned(row.get(5)?)?,
        hash_state: row.get(6)?,
        keys: Vec::new(),
        opaque: row.get(7)?,
    };
    Ok(UploadSession {
        id: row.get(0)?,
        key: content_keys::read(row.text(1)?)?,
        login: row.get(2)?,
        checkpoint,
        created_at: row.get(3)?,
        touched_at: row.get(4)?,
        epoch: Epoch(row.get(8)?),
    })
}
