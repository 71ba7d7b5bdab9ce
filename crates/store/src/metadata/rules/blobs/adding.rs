//! Gives blobs to repositories: adds new ones, and mounts those of other repositories.

use gangplank_core::{LoginId, Quotas, Tenant, Time};
use gangplank_oci::{Digest, RepositoryName};

use super::find_link;
use crate::Result;
use crate::blobs::ContentKey;
use crate::metadata::blobs::{MAX_BLOB_PUTS, MAX_CONFIGURATION, Mount, NewBlob};
use crate::metadata::rules::usage::Usage;
use crate::metadata::rules::{content_keys, holds, rows, uploads};
use crate::metadata::tx::{Asked, Level, Lock, Query, Tx, values};

/// Finds an undamaged blob that at least one repository of the tenant holds.
fn find_held(tx: &dyn Tx, tenant: &Tenant, digest: &Digest) -> Result<Option<i64>> {
    tx.find(&Query::column(
        "SELECT b.id FROM tenants t JOIN blobs b ON b.tenant = t.id
         WHERE t.account = ?1 AND t.region = ?2 AND b.digest = ?3 AND b.damaged = 0
           AND EXISTS (SELECT 1 FROM blob_links l WHERE l.blob = b.id)",
        values![tenant.account.as_str(), tenant.region.as_str(), *digest],
    ))
}

/// A login that will be recorded as an uploader. It is being locked.
struct Uploader {
    login: LoginId,
    locked: Asked<'static, LoginId>,
    /// The number of the login's last record.
    last: Asked<'static, i64>,
}

impl Uploader {
    fn begin(tx: &dyn Tx, login: Option<LoginId>) -> Result<Option<Self>> {
        let Some(login) = login else { return Ok(None) };
        let lock = Query::column("SELECT id FROM registry_logins WHERE id = ?1", values![login]);
        let last = "SELECT coalesce(max(number), 0) FROM blob_puts WHERE login = ?1";
        let locked = tx.begin_lock(Level::Login, Lock::Update, lock)?;
        Ok(Some(Self { login, locked, last: tx.begin(Query::column(last, values![login]))? }))
    }

    /// Waits for the lock; `None` if the login was forgotten meanwhile.
    fn find(self, tx: &dyn Tx) -> Result<Option<LockedUploader>> {
        let Some(_) = self.locked.find(tx)? else { return Ok(None) };
        Ok(Some(LockedUploader { login: self.login, last: self.last }))
    }
}

/// A locked login, and the number of its last record.
struct LockedUploader {
    login: LoginId,
    last: Asked<'static, i64>,
}

impl LockedUploader {
    /// Records that the login has uploaded a blob. Beyond [`MAX_BLOB_PUTS`] the oldest records go.
    fn note_put(self, tx: &dyn Tx, repository: i64, blob: i64) -> Result<()> {
        let number = self.last.one(tx)? + 1;
        tx.post(
            "INSERT INTO blob_puts (login, number, repository, blob) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (repository, blob, login) DO NOTHING",
            values![self.login, number, repository, blob],
        )?;
        if number > MAX_BLOB_PUTS {
            let forget = "DELETE FROM blob_puts WHERE login = ?1 AND number <= ?2";
            tx.post(forget, values![self.login, number - MAX_BLOB_PUTS])?;
        }
        Ok(())
    }
}

/// Content that the tenant has already.
struct Known {
    id: i64,
    key: ContentKey,
    is_damaged: bool,
    size: u64,
}

/// Locks the content with this digest.
fn lock_content(tx: &dyn Tx, tenant: i64, digest: &Digest) -> Result<Option<Known>> {
    let lock = Query::new(
        "SELECT id, key, damaged, size FROM blobs WHERE tenant = ?1 AND digest = ?2",
        values![tenant, *digest],
        |row| {
            Ok(Known {
                id: row.get(0)?,
                key: content_keys::read(row.text(1)?)?,
                is_damaged: row.get(2)?,
                size: rows::unsigned(row.get(3)?)?,
            })
        },
    );
    tx.lock_one(Level::Blob, Lock::Update, &lock)
}

pub(super) fn add(
    tx: &dyn Tx,
    tenant: &Tenant,
    name: &RepositoryName,
    blob: &NewBlob,
    now: Time,
) -> Result<Option<ContentKey>> {
    let put_by = Uploader::begin(tx, blob.put_by.filter(|_| blob.size <= MAX_CONFIGURATION))?;
    let within = match blob.within {
        Some(within) => Some((content_keys::begin_standing(tx, &blob.key)?, within)),
        None => None,
    };
    let session = blob.session.as_ref().map(|session| uploads::Publishing::begin(tx, session, tenant, name));
    let session = session.transpose()?;
    // From here on the repository gets no manifest and loses none.
    let repository = rows::begin_repository(tx, tenant, name, Lock::Share)?;
    let put_by = put_by.map(|put_by| put_by.find(tx)).transpose()?.flatten();
    if let Some((standing, within)) = within
        && !standing.one(tx)?.may_be_added(&blob.key, within)
    {
        if let Some(session) = &blob.session {
            uploads::end_as_nothing(tx, session, tenant, name)?;
        }
        return find_added(tx, tenant, name, blob);
    }
    if let Some(session) = session {
        // The bytes of an ended session may be deleted at any moment, so they must not become a blob.
        if !session.end(tx, &blob.key)? {
            return find_added(tx, tenant, name, blob);
        }
    }
    let mut usage = Usage::default();
    let repository = match repository.find(tx)? {
        Some(repository) => repository,
        None => rows::ensure_repository(tx, tenant, name, Lock::Share, &mut usage)?,
    };
    let now = tx.steady(now)?;
    let (id, key) = put_content(tx, repository.tenant, blob, now, &mut usage)?;
    holds::keep::put_link(tx, repository.id, id, now)?;
    if let Some(login) = put_by {
        login.note_put(tx, repository.id, id)?;
    }
    usage.write_within(tx, repository.tenant, &blob.quotas)?;
    Ok(Some(key))
}

/// Finds the key of a blob that this same call added before, when the answer to its commit was lost.
fn find_added(
    tx: &dyn Tx,
    tenant: &Tenant,
    name: &RepositoryName,
    blob: &NewBlob,
) -> Result<Option<ContentKey>> {
    tx.find(&Query::new(
        "SELECT b.key FROM tenants t
         JOIN repositories r ON r.tenant = t.id
         JOIN blobs b ON b.tenant = t.id
         JOIN blob_links l ON l.repository = r.id AND l.blob = b.id
         WHERE t.account = ?1 AND t.region = ?2 AND r.name = ?3 AND b.digest = ?4
           AND (b.key = ?5
                OR EXISTS (SELECT 1 FROM discarded d WHERE d.key = ?5 AND d.checkpoint IS NULL))",
        values![
            tenant.account.as_str(),
            tenant.region.as_str(),
            name.as_str(),
            blob.digest,
            blob.key.as_str(),
        ],
        |row| content_keys::read(row.text(0)?),
    ))
}

/// Gives the content to the tenant. Returns its row, and the key under which its bytes are from then on.
fn put_content(
    tx: &dyn Tx,
    tenant: i64,
    blob: &NewBlob,
    now: Time,
    usage: &mut Usage,
) -> Result<(i64, ContentKey)> {
    let known = loop {
        // Most content is new, so the row is inserted before anything is looked for.
        let made = tx.find(&Query::column(
            "INSERT INTO blobs (tenant, digest, size, key) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (tenant, digest) DO NOTHING
             RETURNING id",
            values![tenant, blob.digest, rows::signed(blob.size)?, blob.key.as_str()],
        ))?;
        if let Some(id) = made {
            usage.add_content(blob.size)?;
            return Ok((id, blob.key.clone()));
        }
        // Another transaction may remove the row meanwhile.
        if let Some(known) = lock_content(tx, tenant, &blob.digest)? {
            break known;
        }
    };
    if known.key == blob.key {
        return Ok((known.id, known.key));
    }
    // The caller may have read the row before the damage was recorded.
    if !known.is_damaged && blob.damaged.as_ref() != Some(&known.key) {
        content_keys::discard(tx, [&blob.key], now)?;
        return Ok((known.id, known.key));
    }
    tx.post(
        "UPDATE blobs SET key = ?2, size = ?3, damaged = 0 WHERE id = ?1",
        values![known.id, blob.key.as_str(), rows::signed(blob.size)?],
    )?;
    content_keys::discard(tx, [&known.key], now)?;
    usage.remove_content(known.size)?;
    usage.add_content(blob.size)?;
    Ok((known.id, blob.key.clone()))
}

pub(super) fn mount(
    tx: &dyn Tx,
    tenant: &Tenant,
    name: &RepositoryName,
    Mount { from, digest, seen_by }: &Mount,
    now: Time,
    quotas: &Quotas,
) -> Result<bool> {
    let held = match from {
        Some(from) => find_link(tx, tenant, from, digest, *seen_by)?
            .filter(|link| !link.seen.blob.damaged)
            .filter(|link| seen_by.is_none() || link.seen.may_be_known())
            .map(|link| (link.blob, link.seen.is_own)),
        None if seen_by.is_some() => None,
        None => find_held(tx, tenant, digest)?.map(|blob| (blob, false)),
    };
    let Some((blob, is_own)) = held else { return Ok(false) };
    let put_by = Uploader::begin(tx, seen_by.filter(|_| is_own))?;
    let put_by = put_by.map(|put_by| put_by.find(tx)).transpose()?.flatten();
    let mut usage = Usage::default();
    let repository = rows::ensure_repository(tx, tenant, name, Lock::Update, &mut usage)?;
    // While the content is locked, its last repository cannot let it go.
    let lock = Query::column("SELECT id FROM blobs WHERE id = ?1 AND damaged = 0", values![blob]);
    if tx.lock_one::<i64>(Level::Blob, Lock::Share, &lock)?.is_none() {
        rows::take_back(tx, &repository, &mut usage)?;
        return Ok(false);
    }
    holds::keep::put_link(tx, repository.id, blob, tx.steady(now)?)?;
    if let Some(login) = put_by {
        login.note_put(tx, repository.id, blob)?;
    }
    usage.write_within(tx, repository.tenant, quotas)?;
    Ok(true)
}
