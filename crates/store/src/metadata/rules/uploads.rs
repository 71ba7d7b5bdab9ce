use async_trait::async_trait;
use gangplank_core::upload::{GIVES_WAY_AFTER, OpenSessions, Opening};
use gangplank_core::{AccessKeyId, AccountId, LoginId, Owner, Tenant, Time};
use gangplank_oci::RepositoryName;

use super::login_facts::{self, COLUMNS, JOINS};
use super::{content_keys, rows};
use crate::Result;
use crate::blobs::{Checkpoint, ContentKey};
use crate::coordination::Epoch;
use crate::metadata::blobs::FedBy;
use crate::metadata::engine::{Engine, Terms};
use crate::metadata::store::Store;
use crate::metadata::tx::{Level, Lock, Query, Row, Tx, Value, values};
use crate::metadata::uploads::{Leaves, UploadOpened, UploadOwner, UploadSession, UploadTaken, Uploads};

/// The condition on the session's id `?1` and its owner, `?2` to `?5`.
const OWNED: &str = "uploads.id = ?1 AND repository = ?4 AND owner = ?5
    AND tenant = (SELECT id FROM tenants WHERE account = ?2 AND region = ?3)";

/// The condition on the session's id `?1`, its repository and its tenant, if no later writer than `?5` has taken it.
const FED_BY: &str = "uploads.id = ?1 AND repository = ?2
    AND tenant = (SELECT id FROM tenants WHERE account = ?3 AND region = ?4) AND epoch <= ?5";

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
            let which = "touched_at <= ?1 OR created_at <= ?2";
            // A session that another transaction has locked is in use, so it is not stale.
            end(tx, Lock::SkipLocked, which, values![idle, opened], Leaves::Bytes)
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
    if has_ended(tx, &owner.owner, session.login)? {
        return Ok(UploadOpened::LoginEnded);
    }
    let tenant = rows::ensure_tenant(tx, &owner.tenant)?;
    // The count takes no lock. If several processes open sessions, an account may get a few too many.
    let standing = tx.one(&Query::new(
        "SELECT count(*), count(*) FILTER (WHERE login = ?2) FROM uploads
         WHERE tenant IN (SELECT id FROM tenants WHERE account = ?1)",
        values![account.as_str(), session.login],
        |row| {
            let (of_account, of_login) = (rows::unsigned(row.get(0)?)?, rows::unsigned(row.get(1)?)?);
            Ok(OpenSessions { of_account, of_login })
        },
    ))?;
    let gives_way = match standing.admit(quota) {
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
    tx.run(
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

/// Whether a login has ended for another reason than its time; a body may take longer than the login lives. The
/// locks keep the answer true until the commit. So a transaction that ends the login finds the new session.
fn has_ended(tx: &dyn Tx, owner: &Owner, login: Option<LoginId>) -> Result<bool> {
    let Some(login) = login else { return Ok(false) };
    if let Some((_, role)) = owner.as_role() {
        let lock = Query::column("SELECT number FROM roles WHERE id = ?1", values![role.as_str()]);
        tx.lock::<i64>(Level::Principal, Lock::Share, &lock)?;
    } else {
        let lock = Query::column("SELECT id FROM access_keys WHERE id = ?1", values![owner.as_str()]);
        tx.lock::<String>(Level::Principal, Lock::Share, &lock)?;
    }
    let lock = Query::column("SELECT id FROM registry_logins WHERE id = ?1", values![login]);
    tx.lock::<LoginId>(Level::Login, Lock::Share, &lock)?;
    let text = format!(
        "SELECT {COLUMNS} FROM registry_logins l JOIN tenants t ON t.id = l.tenant {JOINS} WHERE l.id = ?1"
    );
    let facts = tx.find(&Query::new(&text, values![login], |row| login_facts::read(row, 0)))?;
    Ok(facts.is_some_and(|facts| facts.ended().is_some()))
}

/// Ends the oldest idle session of an account or of one login; `false` if none is idle at `now`. A session is
/// idle if it got no byte for [`GIVES_WAY_AFTER`].
fn end_idle(tx: &dyn Tx, account: &AccountId, login: Option<LoginId>, now: Time) -> Result<bool> {
    let which = "tenant IN (SELECT id FROM tenants WHERE account = ?1) AND touched_at <= ?2
           AND (CAST(?3 AS BIGINT) IS NULL OR login = ?3)
         ORDER BY created_at, touched_at LIMIT 1";
    let values = values![account.as_str(), tx.steady(now)?.minus(GIVES_WAY_AFTER), login];
    let ended = lock_ending(tx, Lock::SkipLocked, which, values)?;
    end_locked(tx, &ended, |_| true)?;
    Ok(!ended.is_empty())
}

fn take(tx: &dyn Tx, owner: &UploadOwner, id: &str, epoch: Epoch) -> Result<UploadTaken> {
    let text = format!("UPDATE uploads SET epoch = ?6 WHERE {OWNED} AND epoch <= ?6 RETURNING {SESSION}");
    let Some(mut session) = tx.find(&Query::new(&text, owned_at(owner, id, epoch), read))? else {
        let found = read_all(tx, OWNED, owned(owner, id))?;
        return Ok(if found.is_empty() { UploadTaken::NoSession } else { UploadTaken::ByLater });
    };
    session.checkpoint.keys = tx.all(&Query::new(
        "SELECT key FROM upload_keys WHERE upload = ?1 ORDER BY key",
        values![id],
        |row| content_keys::read(row.text(0)?),
    ))?;
    Ok(UploadTaken::Taken(session))
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
    tx.each("INSERT INTO upload_keys (key, upload) VALUES (?1, ?2)", keys).map(drop)
}

/// The checkpoints of all open sessions.
pub(crate) fn checkpoints(tx: &dyn Tx) -> Result<Vec<(ContentKey, Checkpoint)>> {
    let sessions = read_all(tx, "uploads.id IS NOT NULL", [])?;
    Ok(sessions.into_iter().map(|session| (session.key, session.checkpoint)).collect())
}

/// Ends the sessions that a login fed last.
pub(crate) fn end_of_login(tx: &dyn Tx, tenant: i64, login: LoginId) -> Result<()> {
    let which = "tenant = ?1 AND login = ?2 ORDER BY id";
    end(tx, Lock::Update, which, values![tenant, login], Leaves::Bytes).map(drop)
}

/// Ends the uploads that were last fed by a login of this role session. Logins that ended before `now` are left
/// out.
pub(crate) fn end_of_session(
    tx: &dyn Tx,
    account: &AccountId,
    session: &AccessKeyId,
    now: Time,
) -> Result<()> {
    let which = "tenant IN (SELECT id FROM tenants WHERE account = ?1)
        AND EXISTS (SELECT 1 FROM registry_logins l
                    WHERE l.id = uploads.login AND l.session = ?2 AND l.expires_at > ?3)
        ORDER BY id";
    let values = values![account.as_str(), session.as_str(), now];
    end(tx, Lock::Update, which, values, Leaves::Bytes).map(drop)
}

/// Ends the sessions of the logins of an access key or a role.
pub(crate) fn end_of_owner(tx: &dyn Tx, account: &AccountId, owner: &Owner) -> Result<()> {
    let which = "tenant IN (SELECT id FROM tenants WHERE account = ?1) AND owner = ?2 ORDER BY id";
    end(tx, Lock::Update, which, values![account.as_str(), owner.as_str()], Leaves::Bytes).map(drop)
}

/// Ends sessions; returns how many. A request may be writing to one, so its bytes go to the list of discarded
/// keys and are deleted later.
fn end<const N: usize>(
    tx: &dyn Tx,
    lock: Lock,
    which: &str,
    values: [Value<'_>; N],
    leaves: Leaves,
) -> Result<usize> {
    let ended = lock_ending(tx, lock, which, values)?;
    end_locked(tx, &ended, |_| leaves == Leaves::Bytes)?;
    Ok(ended.len())
}

/// Ends the session of a blob whose bytes are under the key `kept`; discards the other keys of the session.
/// `false` if there is no such session, or it has a later writer.
pub(crate) fn end_as_blob(
    tx: &dyn Tx,
    session: &FedBy,
    tenant: &Tenant,
    repository: &RepositoryName,
    kept: &ContentKey,
) -> Result<bool> {
    let mut ended = lock_ending(tx, Lock::Update, FED_BY, fed_by(session, tenant, repository))?;
    for it in &mut ended {
        // If the blob has another key, nothing is staged under this one.
        it.checkpoint = None;
    }
    end_locked(tx, &ended, |key| key != kept)?;
    Ok(!ended.is_empty())
}

/// Ends a session whose bytes must not become a blob; discards all its keys.
pub(crate) fn end_as_nothing(
    tx: &dyn Tx,
    session: &FedBy,
    tenant: &Tenant,
    repository: &RepositoryName,
) -> Result<()> {
    end(tx, Lock::Update, FED_BY, fed_by(session, tenant, repository), Leaves::Bytes).map(drop)
}

fn fed_by<'a>(session: &'a FedBy, tenant: &'a Tenant, repository: &'a RepositoryName) -> [Value<'a>; 5] {
    let FedBy { id, epoch } = session;
    values![id, repository.as_str(), tenant.account.as_str(), tenant.region.as_str(), epoch.0]
}

/// A locked session that is about to end.
struct Ending {
    id: String,
    key: ContentKey,
    fed: Time,
    /// The blob store's own part of the checkpoint, if there may be staged bytes to cancel.
    checkpoint: Option<Vec<u8>>,
}

fn lock_ending<const N: usize>(
    tx: &dyn Tx,
    lock: Lock,
    which: &str,
    values: [Value<'_>; N],
) -> Result<Vec<Ending>> {
    let text = format!("SELECT id, key, touched_at, checkpoint FROM uploads WHERE {which}");
    tx.lock(
        Level::Session,
        lock,
        &Query::new(&text, values, |row| {
            let key = content_keys::read(row.text(1)?)?;
            Ok(Ending { id: row.get(0)?, key, fed: row.get(2)?, checkpoint: row.get(3)? })
        }),
    )
}

/// Deletes locked sessions, and discards those of their keys for which `goes` is true.
fn end_locked(tx: &dyn Tx, ended: &[Ending], goes: impl Fn(&ContentKey) -> bool) -> Result<()> {
    let (ids, mut others) = (ended.iter().map(|it| Value::from(&it.id)).collect::<Vec<_>>(), Vec::new());
    let take = "DELETE FROM upload_keys WHERE upload = ?1 RETURNING key";
    tx.query_each(take, 1, &ids, &mut |at, row| {
        others.push((content_keys::read(row.text(0)?)?, ended[at].fed));
        Ok(())
    })?;
    for (other, fed) in others.iter().filter(|(key, _)| goes(key)) {
        content_keys::discard(tx, [other], *fed)?;
    }
    for it in ended.iter().filter(|it| goes(&it.key)) {
        content_keys::discard_upload(tx, &it.key, it.fed, it.checkpoint.as_deref())?;
    }
    tx.each("DELETE FROM uploads WHERE id = ?1", ended.iter().map(|it| values![&it.id])).map(drop)
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
