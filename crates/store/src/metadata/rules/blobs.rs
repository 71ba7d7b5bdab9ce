use async_trait::async_trait;
use gangplank_core::{EventKind, LoginId, Origin, Quotas, Renewal, Tenant, Time};
use gangplank_oci::{Digest, RepositoryName};

use super::audit::Note;
use super::usage::Usage;
use super::{content_keys, holds, leases, rows, uploads};
use crate::Result;
use crate::blobs::ContentKey;
use crate::metadata::blobs::{
    BlobDeleted, BlobLinks, Discarded, MAX_BLOB_PUTS, MAX_CONFIGURATION, Mount, NewBlob, SeenBlob, StoredBlob,
};
use crate::metadata::engine::{Engine, Terms, Whose};
use crate::metadata::store::{Outcome, Store};
use crate::metadata::tx::{Level, Lock, Query, Row, Tx, values};

#[async_trait]
impl<E: Engine> BlobLinks for Store<E> {
    async fn find_blob(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        digest: &Digest,
        renewal: Option<Renewal>,
    ) -> Result<Option<StoredBlob>> {
        Ok(self.find(None, tenant, repository, digest, renewal).await?.map(|seen| seen.blob))
    }

    async fn find_blob_seen_by(
        &self,
        login: LoginId,
        tenant: &Tenant,
        repository: &RepositoryName,
        digest: &Digest,
        renewal: Option<Renewal>,
    ) -> Result<Option<SeenBlob>> {
        self.find(Some(login), tenant, repository, digest, renewal).await
    }

    async fn tenant_content(&self, tenant: &Tenant, digest: &Digest) -> Result<Option<StoredBlob>> {
        self.read_one(|tx| {
            tx.find(&Query::new(
                "SELECT b.size, b.key, b.damaged FROM tenants t JOIN blobs b ON b.tenant = t.id
                 WHERE t.account = ?1 AND t.region = ?2 AND b.digest = ?3",
                values![tenant.account.as_str(), tenant.region.as_str(), *digest],
                read_stored,
            ))
        })
        .await
    }

    async fn add_blob(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        blob: NewBlob,
        now: Time,
    ) -> Result<Option<ContentKey>> {
        let (tenant, repository) = (tenant.clone(), repository.clone());
        self.upkeep(Terms::tenant(&tenant).takes_nothing(), move |tx| {
            add(tx, &tenant, &repository, &blob, now)
        })
        .await
    }

    async fn mount_blob(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        mount: Mount,
        now: Time,
        quotas: &Quotas,
    ) -> Result<bool> {
        let (tenant, repository, quotas) = (tenant.clone(), repository.clone(), *quotas);
        self.upkeep(Terms::tenant(&tenant).takes_nothing().repeatable(), move |tx| {
            mount_from(tx, &tenant, &repository, &mount, now, &quotas)
        })
        .await
    }

    async fn delete_blob(
        &self,
        by: &Origin,
        tenant: &Tenant,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<BlobDeleted> {
        let (tenant, repository, digest, now) = (tenant.clone(), repository.clone(), *digest, by.steady);
        self.change(by, Terms::tenant(&tenant).takes_nothing(), move |tx| {
            delete(tx, &tenant, &repository, &digest, now)
        })
        .await
    }

    async fn mark_damaged(&self, key: &ContentKey) -> Result<bool> {
        self.mark(key, true).await
    }

    async fn mark_whole(&self, key: &ContentKey) -> Result<bool> {
        self.mark(key, false).await
    }

    async fn unknown_content(&self, keys: Vec<ContentKey>) -> Result<Vec<ContentKey>> {
        self.read_long(Whose::Server, move |tx| content_keys::unknown(tx, &keys)).await
    }

    async fn discarded(&self, until: Time, limit: usize) -> Result<Vec<Discarded>> {
        self.read_one(|tx| content_keys::discarded(tx, until, limit)).await
    }

    async fn forget_discarded(&self, keys: Vec<ContentKey>) -> Result<()> {
        self.upkeep(Terms::server().takes_nothing().repeatable(), move |tx| content_keys::forget(tx, &keys))
            .await
    }
}

#[expect(private_bounds, reason = "engines are made in this crate alone")]
impl<E: Engine> Store<E> {
    async fn find(
        &self,
        login: Option<LoginId>,
        tenant: &Tenant,
        repository: &RepositoryName,
        digest: &Digest,
        renewal: Option<Renewal>,
    ) -> Result<Option<SeenBlob>> {
        let look = |tx: &dyn Tx| {
            let Some(link) = find_link(tx, tenant, repository, digest, login)? else { return Ok(None) };
            let of_all = renewal.map(|renewal| leases::of_all(tx, renewal)).transpose()?;
            let is_stale = of_all.is_some_and(|renewal| link.leased_at <= renewal.stale);
            Ok(Some((link, renewal.filter(|_| is_stale))))
        };
        let now = match self.read_one(look).await? {
            Some((_, Some(renewal))) => renewal.now,
            Some((link, None)) => return Ok(Some(link.seen)),
            None => return Ok(None),
        };
        let (tenant, repository, digest) = (tenant.clone(), repository.clone(), *digest);
        self.upkeep(Terms::tenant(&tenant).takes_nothing().repeatable(), move |tx| {
            renew(tx, &tenant, &repository, &digest, login, now)
        })
        .await
    }

    async fn mark(&self, key: &ContentKey, damaged: bool) -> Result<bool> {
        let key = key.clone();
        self.upkeep(Terms::server().takes_nothing().repeatable(), move |tx| {
            let mark = "UPDATE blobs SET damaged = ?2 WHERE key = ?1";
            Ok(tx.run(mark, values![key.as_str(), damaged])? == 1)
        })
        .await
    }
}

struct Link {
    blob: i64,
    leased_at: Time,
    seen: SeenBlob,
}

/// Finds a blob of a repository. With `login`, also whether it is a configuration and whether that login
/// uploaded it.
fn find_link(
    tx: &dyn Tx,
    tenant: &Tenant,
    repository: &RepositoryName,
    digest: &Digest,
    login: Option<LoginId>,
) -> Result<Option<Link>> {
    let (account, region, name) = (tenant.account.as_str(), tenant.region.as_str(), repository.as_str());
    let read: fn(&Row<'_>) -> Result<Link> = |row| {
        Ok(Link {
            blob: row.get(3)?,
            leased_at: row.get(4)?,
            seen: SeenBlob { blob: read_stored(row)?, is_configuration: row.get(5)?, is_own: row.get(6)? },
        })
    };
    let Some(login) = login else {
        return tx.find(&Query::new(
            "SELECT b.size, b.key, b.damaged, l.blob, l.leased_at, FALSE, FALSE
             FROM tenants t
             JOIN repositories r ON r.tenant = t.id
             JOIN blobs b ON b.tenant = t.id
             JOIN blob_links l ON l.repository = r.id AND l.blob = b.id
             WHERE t.account = ?1 AND t.region = ?2 AND r.name = ?3 AND b.digest = ?4",
            values![account, region, name, *digest],
            read,
        ));
    };
    tx.find(&Query::new(
        "SELECT b.size, b.key, b.damaged, l.blob, l.leased_at,
                b.size <= ?6 AND EXISTS (SELECT 1 FROM manifest_blobs c
                                         WHERE c.repository = r.id AND c.digest = ?4 AND c.is_config = 1),
                EXISTS (SELECT 1 FROM blob_puts p
                        WHERE p.repository = r.id AND p.blob = b.id AND p.login = ?5)
         FROM tenants t
         JOIN repositories r ON r.tenant = t.id
         JOIN blobs b ON b.tenant = t.id
         JOIN blob_links l ON l.repository = r.id AND l.blob = b.id
         WHERE t.account = ?1 AND t.region = ?2 AND r.name = ?3 AND b.digest = ?4",
        values![account, region, name, *digest, login, rows::signed(MAX_CONFIGURATION)?],
        read,
    ))
}

/// Finds an undamaged blob that at least one repository of the tenant holds.
fn find_held(tx: &dyn Tx, tenant: &Tenant, digest: &Digest) -> Result<Option<i64>> {
    tx.find(&Query::column(
        "SELECT b.id FROM tenants t JOIN blobs b ON b.tenant = t.id
         WHERE t.account = ?1 AND t.region = ?2 AND b.digest = ?3 AND b.damaged = 0
           AND EXISTS (SELECT 1 FROM blob_links l WHERE l.blob = b.id)",
        values![tenant.account.as_str(), tenant.region.as_str(), *digest],
    ))
}

/// Renews the lease and returns the blob. Link and content are read again under the lock: since the first look
/// the repository may have lost the blob, and the content may have been replaced.
fn renew(
    tx: &dyn Tx,
    tenant: &Tenant,
    repository: &RepositoryName,
    digest: &Digest,
    login: Option<LoginId>,
    now: Time,
) -> Result<Option<SeenBlob>> {
    // From here on collection skips the link. If collection was faster, the link is gone.
    let lock = Query::new(
        "SELECT repository, blob FROM blob_links
         WHERE repository = (SELECT id FROM repositories
                             WHERE tenant = (SELECT id FROM tenants WHERE account = ?1 AND region = ?2)
                               AND name = ?3)
           AND blob = (SELECT id FROM blobs
                       WHERE tenant = (SELECT id FROM tenants WHERE account = ?1 AND region = ?2)
                         AND digest = ?4)",
        values![tenant.account.as_str(), tenant.region.as_str(), repository.as_str(), *digest],
        |row| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?)),
    );
    let Some((repository_row, blob)) = tx.lock_one(Level::Link, Lock::Update, &lock)? else {
        return Ok(None);
    };
    tx.run(
        "UPDATE blob_links SET leased_at = ?3 WHERE repository = ?1 AND blob = ?2 AND leased_at < ?3",
        values![repository_row, blob, tx.steady(now)?],
    )?;
    Ok(find_link(tx, tenant, repository, digest, login)?.map(|link| link.seen))
}

/// Locks a login that is about to be recorded as an uploader; `None` if it was forgotten meanwhile.
fn lock_login(tx: &dyn Tx, login: Option<LoginId>) -> Result<Option<LoginId>> {
    let Some(login) = login else { return Ok(None) };
    let lock = Query::column("SELECT id FROM registry_logins WHERE id = ?1", values![login]);
    tx.lock_one(Level::Login, Lock::Update, &lock)
}

/// Records that a locked login has uploaded a blob. Beyond [`MAX_BLOB_PUTS`] the oldest records go.
fn note_put(tx: &dyn Tx, login: LoginId, repository: i64, blob: i64) -> Result<()> {
    let number: Option<i64> = tx.find(&Query::column(
        "INSERT INTO blob_puts (login, number, repository, blob)
         VALUES (?1, 1 + coalesce((SELECT max(number) FROM blob_puts WHERE login = ?1), 0), ?2, ?3)
         ON CONFLICT (repository, blob, login) DO NOTHING
         RETURNING number",
        values![login, repository, blob],
    ))?;
    if let Some(number) = number.filter(|number| *number > MAX_BLOB_PUTS) {
        let forget = "DELETE FROM blob_puts WHERE login = ?1 AND number <= ?2";
        tx.run(forget, values![login, number - MAX_BLOB_PUTS])?;
    }
    Ok(())
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

fn add(
    tx: &dyn Tx,
    tenant: &Tenant,
    name: &RepositoryName,
    blob: &NewBlob,
    now: Time,
) -> Result<Option<ContentKey>> {
    let put_by = lock_login(tx, blob.put_by.filter(|_| blob.size <= MAX_CONFIGURATION))?;
    let (now, mut usage) = (tx.steady(now)?, Usage::default());
    if let Some(session) = &blob.session {
        // The bytes of an ended session may be deleted at any moment, so they must not become a blob.
        if !uploads::end_as_blob(tx, session, tenant, name, &blob.key)? {
            return Ok(None);
        }
    }
    // From here on no manifest comes to or leaves the repository.
    let repository = rows::ensure_repository(tx, tenant, name, Lock::Share, &mut usage)?;
    let (id, key) = put_content(tx, repository.tenant, blob, now, &mut usage)?;
    holds::keep::put_link(tx, repository.id, id, now)?;
    if let Some(login) = put_by {
        note_put(tx, login, repository.id, id)?;
    }
    usage.write_within(tx, repository.tenant, &blob.quotas)?;
    Ok(Some(key))
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
        if let Some(known) = lock_content(tx, tenant, &blob.digest)? {
            break known;
        }
        // Another transaction may insert the same row at the same time.
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
    };
    if known.key == blob.key {
        return Ok((known.id, known.key));
    }
    // The caller may have read the row before the damage was noted.
    if !known.is_damaged && blob.damaged.as_ref() != Some(&known.key) {
        content_keys::discard(tx, [&blob.key], now)?;
        return Ok((known.id, known.key));
    }
    tx.run(
        "UPDATE blobs SET key = ?2, size = ?3, damaged = 0 WHERE id = ?1",
        values![known.id, blob.key.as_str(), rows::signed(blob.size)?],
    )?;
    content_keys::discard(tx, [&known.key], now)?;
    usage.remove_content(known.size)?;
    usage.add_content(blob.size)?;
    Ok((known.id, blob.key.clone()))
}

fn mount_from(
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
    let put_by = lock_login(tx, seen_by.filter(|_| is_own))?;
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
        note_put(tx, login, repository.id, blob)?;
    }
    usage.write_within(tx, repository.tenant, quotas)?;
    Ok(true)
}

fn delete(
    tx: &dyn Tx,
    tenant: &Tenant,
    name: &RepositoryName,
    digest: &Digest,
    now: Time,
) -> Result<Outcome<BlobDeleted>> {
    let Some(repository) = rows::lock_repository(tx, tenant, name, Lock::Update)? else {
        return Ok(Outcome::Unchanged(BlobDeleted::NoSuchBlob));
    };
    let Some(link) = find_link(tx, tenant, name, digest, None)? else {
        return Ok(Outcome::Unchanged(BlobDeleted::NoSuchBlob));
    };
    if holds::closure::needs_blob(tx, repository.id, link.blob)? {
        return Ok(Outcome::Unchanged(BlobDeleted::Registered));
    }
    lock_contents(tx, [link.blob], Lock::Update)?;
    let mut usage = Usage::default();
    unlink(tx, &[(repository.id, link.blob)], tx.steady(now)?, &mut usage)?;
    usage.write(tx, repository.tenant)?;
    let note = Note::of(EventKind::BlobDeleted, tenant).repository(name).digest(digest);
    Ok(Outcome::Changed(BlobDeleted::Deleted, note))
}

/// Locks contents, given in ascending order, and returns those that exist. With [`Lock::SkipLocked`], those
/// that somebody else has locked are left out.
pub(crate) fn lock_contents(
    tx: &dyn Tx,
    blobs: impl IntoIterator<Item = i64>,
    lock: Lock,
) -> Result<Vec<i64>> {
    let (blobs, mut found) = (blobs.into_iter().map(Into::into).collect::<Vec<_>>(), Vec::new());
    tx.lock_each((Level::Blob, lock), "SELECT id FROM blobs WHERE id = ?1", 1, &blobs, &mut |_, row| {
        found.push(row.get(0)?);
        Ok(())
    })?;
    Ok(found)
}

/// Removes blobs from repositories of one tenant, and discards the bytes that no repository has any more.
/// Returns how many contents were discarded, and their bytes. The repositories and the contents must be locked
/// with `Update`.
pub(crate) fn unlink(tx: &dyn Tx, links: &[(i64, i64)], now: Time, usage: &mut Usage) -> Result<(u64, u64)> {
    let each = || links.iter().map(|(repository, blob)| values![*repository, *blob]);
    tx.each("DELETE FROM blob_puts WHERE repository = ?1 AND blob = ?2", each())?;
    tx.each("DELETE FROM blob_links WHERE repository = ?1 AND blob = ?2", each())?;
    let (contents, bytes) = forget_unlinked(tx, links.iter().map(|(_, blob)| *blob), now)?;
    usage.remove_content(bytes)?;
    Ok((contents, bytes))
}

/// Deletes those of these contents that no repository has, and discards their bytes. Returns how many contents
/// were discarded, and their bytes. They must be locked with `Update`.
pub(crate) fn forget_unlinked(
    tx: &dyn Tx,
    blobs: impl IntoIterator<Item = i64>,
    now: Time,
) -> Result<(u64, u64)> {
    let forgotten = tx.find_each(
        "DELETE FROM blobs WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM blob_links WHERE blob = ?1)
         RETURNING size, key",
        blobs.into_iter().map(|blob| values![blob]),
        |row| Ok((rows::unsigned(row.get(0)?)?, content_keys::read(row.text(1)?)?)),
    )?;
    let (mut contents, mut bytes) = (0, 0);
    for (size, _) in forgotten.iter().flatten() {
        contents += 1;
        bytes += size;
    }
    content_keys::discard(tx, forgotten.iter().flatten().map(|(_, key)| key), now)?;
    Ok((contents, bytes))
}

/// Reads `size, key, damaged`, the first three columns.
pub(crate) fn read_stored(row: &Row<'_>) -> Result<StoredBlob> {
    Ok(StoredBlob {
        size: rows::unsigned(row.get(0)?)?,
        key: content_keys::read(row.text(1)?)?,
        damaged: row.get(2)?,
    })
}
