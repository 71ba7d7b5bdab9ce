//! The ends of upload sessions: their rows go, and their staged bytes are discarded.

use std::sync::LazyLock;

use gangplank_core::upload::GIVES_WAY_AFTER;
use gangplank_core::{AccessKeyId, AccountId, LoginId, Owner, Tenant, Time};
use gangplank_oci::RepositoryName;

use crate::Result;
use crate::blobs::ContentKey;
use crate::metadata::blobs::FedBy;
use crate::metadata::rules::content_keys;
use crate::metadata::tx::{Asked, Level, Lock, Query, Row, Tx, Value, values};
use crate::metadata::uploads::Leaves;

/// The condition on the session's id `?1`, its repository and its tenant, if no later writer than `?5` has taken it.
const FED_BY: &str = "uploads.id = ?1 AND repository = ?2
    AND tenant = (SELECT id FROM tenants WHERE account = ?3 AND region = ?4) AND epoch <= ?5";

/// Ends the oldest idle session of an account or of one login; `false` if none is idle at `now`. A session is
/// idle if it got no byte for [`GIVES_WAY_AFTER`].
pub(super) fn end_idle(tx: &dyn Tx, account: &AccountId, login: Option<LoginId>, now: Time) -> Result<bool> {
    let which = "tenant IN (SELECT id FROM tenants WHERE account = ?1) AND touched_at <= ?2
           AND (CAST(?3 AS BIGINT) IS NULL OR login = ?3)
         ORDER BY created_at, touched_at LIMIT 1";
    let values = values![account.as_str(), tx.steady(now)?.minus(GIVES_WAY_AFTER), login];
    let ended = lock_ending(tx, Lock::SkipLocked, which, values)?;
    end_locked(tx, &ended, |_| true)?;
    Ok(!ended.is_empty())
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

/// Ends sessions; returns how many. A request may still be writing to one of them. So the bytes go to the
/// list of discarded keys, and are deleted later.
pub(super) fn end<const N: usize>(
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

/// The session of a blob, while the session is being locked.
pub(crate) struct Publishing<'a> {
    session: Asked<'a, Ending>,
    keys: Asked<'a, ContentKey>,
}

impl<'a> Publishing<'a> {
    /// Locks the session.
    pub(crate) fn begin(
        tx: &dyn Tx,
        session: &'a FedBy,
        tenant: &'a Tenant,
        repository: &'a RepositoryName,
    ) -> Result<Self> {
        static TEXT: LazyLock<String> = LazyLock::new(|| ending(FED_BY));
        let find = Query::new(&TEXT, fed_by(session, tenant, repository), read_ending);
        let keys = Query::new("SELECT key FROM upload_keys WHERE upload = ?1", values![&session.id], |row| {
            content_keys::read(row.text(0)?)
        });
        Ok(Self { session: tx.begin_lock(Level::Session, Lock::Update, find)?, keys: tx.begin(keys)? })
    }

    /// Ends the session of a blob whose bytes are under the key `kept`; discards the other keys of the session.
    /// Returns `false` if there is no such session, or if the session has a later writer.
    pub(crate) fn end(self, tx: &dyn Tx, kept: &ContentKey) -> Result<bool> {
        let Some(ended) = self.session.find(tx)? else { return Ok(false) };
        let keys = self.keys.all(tx)?;
        // If the blob has another key, nothing is staged under this one.
        let all = keys.iter().chain([&ended.key]).filter(|key| *key != kept);
        content_keys::discard(tx, all, ended.fed)?;
        if !keys.is_empty() {
            tx.post("DELETE FROM upload_keys WHERE upload = ?1", values![&ended.id])?;
        }
        tx.post("DELETE FROM uploads WHERE id = ?1", values![&ended.id])?;
        Ok(true)
    }
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
    tx.lock(Level::Session, lock, &Query::new(&ending(which), values, read_ending))
}

fn ending(which: &str) -> String {
    format!("SELECT id, key, touched_at, checkpoint FROM uploads WHERE {which}")
}

fn read_ending(row: &Row<'_>) -> Result<Ending> {
    let key = content_keys::read(row.text(1)?)?;
    Ok(Ending { id: row.get(0)?, key, fed: row.get(2)?, checkpoint: row.get(3)? })
}

/// Deletes locked sessions, and discards those of their keys for which `goes` is true.
fn end_locked(tx: &dyn Tx, ended: &[Ending], goes: impl Fn(&ContentKey) -> bool) -> Result<()> {
    let (ids, mut others) = (ended.iter().map(|it| Value::from(&it.id)).collect::<Vec<_>>(), Vec::new());
    tx.query_each("SELECT key FROM upload_keys WHERE upload = ?1", 1, &ids, &mut |at, row| {
        others.push((content_keys::read(row.text(0)?)?, ended[at].fed));
        Ok(())
    })?;
    // Most sessions have no further keys, so there is often nothing to send.
    tx.post_each(
        "DELETE FROM upload_keys WHERE key = ?1",
        others.iter().map(|(key, _)| values![key.as_str()]),
    )?;
    for (other, fed) in others.iter().filter(|(key, _)| goes(key)) {
        content_keys::discard(tx, [other], *fed)?;
    }
    for it in ended.iter().filter(|it| goes(&it.key)) {
        content_keys::discard_upload(tx, &it.key, it.fed, it.checkpoint.as_deref())?;
    }
    tx.post_each("DELETE FROM uploads WHERE id = ?1", ended.iter().map(|it| values![&it.id]))
}
