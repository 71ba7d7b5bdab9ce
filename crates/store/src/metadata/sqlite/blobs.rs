use async_trait::async_trait;
use gangplank_core::{EventKind, LoginId, Origin, Quotas, Renewal, Tenant, Time};
use gangplank_oci::{Digest, RepositoryName};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::audit::Note;
use super::doors::Outcome;
use super::usage::Usage;
use super::writer::Whose;
use super::{Sqlite, content_keys, holds, rows, uploads};
use crate::Result;
use crate::blobs::ContentKey;
use crate::metadata::blobs::{
    BlobDeleted, BlobLinks, Discarded, MAX_BLOB_PUTS, MAX_CONFIGURATION, Mount, NewBlob, SeenBlob, StoredBlob,
};
use crate::metadata::cache::Touched;
use crate::metadata::sqlite::transaction::Transaction;

#[async_trait]
impl BlobLinks for Sqlite {
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
        self.engine.read_one(|connection| {
            let mut find = connection.prepare_cached(
                "SELECT b.size, b.key, b.damaged FROM tenants t JOIN blobs b ON b.tenant = t.id
                 WHERE t.account = ?1 AND t.region = ?2 AND b.digest = ?3",
            )?;
            let digest = digest.to_string();
            let key = params![tenant.account.as_str(), tenant.region.as_str(), digest];
            find.query_row(key, |row| Ok(read_stored(row))).optional()?.transpose()
        })
    }

    async fn add_blob(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        blob: NewBlob,
        now: Time,
    ) -> Result<Option<ContentKey>> {
        let (tenant, repository) = (tenant.clone(), repository.clone());
        self.engine
            .doors
            .upkeep(Whose::of(&tenant), Touched::NOTHING, move |connection| {
                add(connection, &tenant, &repository, blob, now)
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
        let Mount { from, digest, seen_by } = mount;
        let (tenant, repository, quotas) = (tenant.clone(), repository.clone(), *quotas);
        self.engine
            .doors
            .upkeep(Whose::of(&tenant), Touched::NOTHING, move |connection| {
                let held = match &from {
                    Some(from) => find_link(connection, &tenant, from, &digest, seen_by)?
                        .filter(|link| !link.seen.blob.damaged)
                        .filter(|link| seen_by.is_none() || link.seen.may_be_known())
                        .map(|link| (link.blob, link.seen.is_own)),
                    None if seen_by.is_some() => None,
                    None => find_held(connection, &tenant, &digest)?.map(|blob| (blob, false)),
                };
                let Some((blob, is_own)) = held else { return Ok(false) };
                let (tenant, mut usage) =
                    (rows::ensure_tenant(&Transaction(connection), &tenant)?, Usage::default());
                let repository =
                    rows::ensure_repository(&Transaction(connection), tenant, &repository, &mut usage)?;
                holds::keep::put_link(connection, repository, blob, now)?;
                if let Some(login) = seen_by.filter(|_| is_own) {
                    note_put(connection, login, repository, blob)?;
                }
                usage.write_within(&Transaction(connection), tenant, &quotas)?;
                Ok(true)
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
        self.engine
            .doors
            .change(by, Whose::of(&tenant), Touched::NOTHING, move |connection| {
                delete(connection, &tenant, &repository, &digest, now)
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
        self.engine.read_long(Whose::Server, move |connection| content_keys::unknown(connection, keys)).await
    }

    async fn discarded(&self, until: Time, limit: usize) -> Result<Vec<Discarded>> {
        self.engine.read_one(|connection| content_keys::discarded(connection, until, limit))
    }

    async fn forget_discarded(&self, keys: Vec<ContentKey>) -> Result<()> {
        self.engine
            .doors
            .upkeep(Whose::Server, Touched::NOTHING, move |connection| {
                content_keys::forget(connection, &keys)
            })
            .await
    }
}

impl Sqlite {
    async fn find(
        &self,
        login: Option<LoginId>,
        tenant: &Tenant,
        repository: &RepositoryName,
        digest: &Digest,
        renewal: Option<Renewal>,
    ) -> Result<Option<SeenBlob>> {
        let found =
            self.engine.read_one(|connection| find_link(connection, tenant, repository, digest, login))?;
        let Some(link) = found else { return Ok(None) };
        let Some(renewal) = renewal.filter(|renewal| link.leased_at <= renewal.stale) else {
            return Ok(Some(link.seen));
        };
        let now = renewal.now;
        let (tenant, repository, digest) = (tenant.clone(), repository.clone(), *digest);
        self.engine
            .doors
            .upkeep(Whose::of(&tenant), Touched::NOTHING, move |connection| {
                renew(connection, &tenant, &repository, &digest, login, now)
            })
            .await
    }

    async fn mark(&self, key: &ContentKey, damaged: bool) -> Result<bool> {
        let key = key.clone();
        self.engine
            .doors
            .upkeep(Whose::Server, Touched::NOTHING, move |connection| {
                let mut mark = connection.prepare_cached("UPDATE blobs SET damaged = ?2 WHERE key = ?1")?;
                Ok(mark.execute(params![key.as_str(), damaged])? == 1)
            })
            .await
    }
}

struct Link {
    repository: i64,
    blob: i64,
    leased_at: Time,
    seen: SeenBlob,
}

/// A blob of a repository; with `login`, also how that login stands to it.
fn find_link(
    connection: &Connection,
    tenant: &Tenant,
    repository: &RepositoryName,
    digest: &Digest,
    login: Option<LoginId>,
) -> Result<Option<Link>> {
    let mut find = connection.prepare_cached(if login.is_none() {
        "SELECT b.size, b.key, b.damaged, l.repository, l.blob, l.leased_at, FALSE, FALSE
         FROM tenants t
         JOIN repositories r ON r.tenant = t.id
         JOIN blobs b ON b.tenant = t.id
         JOIN blob_links l ON l.repository = r.id AND l.blob = b.id
         WHERE t.account = ?1 AND t.region = ?2 AND r.name = ?3 AND b.digest = ?4"
    } else {
        "SELECT b.size, b.key, b.damaged, l.repository, l.blob, l.leased_at,
                b.size <= ?6 AND EXISTS (SELECT 1 FROM manifest_blobs c
                                         WHERE c.repository = r.id AND c.digest = ?4 AND c.is_config = 1),
                EXISTS (SELECT 1 FROM blob_puts p
                        WHERE p.repository = r.id AND p.blob = b.id AND p.login = ?5)
         FROM tenants t
         JOIN repositories r ON r.tenant = t.id
         JOIN blobs b ON b.tenant = t.id
         JOIN blob_links l ON l.repository = r.id AND l.blob = b.id
         WHERE t.account = ?1 AND t.region = ?2 AND r.name = ?3 AND b.digest = ?4"
    })?;
    let digest = digest.to_string();
    let (account, region, name) = (tenant.account.as_str(), tenant.region.as_str(), repository.as_str());
    let read = |row: &Row<'_>| -> Result<Link> {
        Ok(Link {
            repository: row.get(3)?,
            blob: row.get(4)?,
            leased_at: Time(row.get(5)?),
            seen: SeenBlob { blob: read_stored(row)?, is_configuration: row.get(6)?, is_own: row.get(7)? },
        })
    };
    let read = |row: &Row<'_>| Ok(read(row));
    match login {
        None => find.query_row(params![account, region, name, digest], read),
        Some(LoginId(login)) => {
            let most = rows::signed(MAX_CONFIGURATION)?;
            find.query_row(params![account, region, name, digest, login, most], read)
        }
    }
    .optional()?
    .transpose()
}

/// A blob that any repository of the tenant holds, and that is not damaged.
fn find_held(connection: &Connection, tenant: &Tenant, digest: &Digest) -> Result<Option<i64>> {
    let mut find = connection.prepare_cached(
        "SELECT b.id FROM tenants t JOIN blobs b ON b.tenant = t.id
         WHERE t.account = ?1 AND t.region = ?2 AND b.digest = ?3 AND b.damaged = 0
           AND EXISTS (SELECT 1 FROM blob_links l WHERE l.blob = b.id)",
    )?;
    let digest = digest.to_string();
    let key = params![tenant.account.as_str(), tenant.region.as_str(), digest];
    Ok(find.query_row(key, |row| row.get(0)).optional()?)
}

/// Renews a lease and hands out what it is on. Both are looked up anew: since the caller looked, the
/// hold may have ended, its rows may be another blob's, and the content may have been replaced.
fn renew(
    connection: &Connection,
    tenant: &Tenant,
    repository: &RepositoryName,
    digest: &Digest,
    login: Option<LoginId>,
    now: Time,
) -> Result<Option<SeenBlob>> {
    let Some(link) = find_link(connection, tenant, repository, digest, login)? else { return Ok(None) };
    holds::keep::put_link(connection, link.repository, link.blob, now)?;
    Ok(Some(link.seen))
}

/// Keeps that a login has uploaded a blob, and forgets the oldest of what it uploaded if that is too much. The login
/// may have been forgotten meanwhile.
fn note_put(connection: &Connection, login: LoginId, repository: i64, blob: i64) -> Result<()> {
    let mut note = connection.prepare_cached(
        "INSERT INTO blob_puts (login, number, repository, blob)
         SELECT l.id, 1 + coalesce((SELECT max(number) FROM blob_puts WHERE login = ?1), 0), ?2, ?3
         FROM registry_logins l WHERE l.id = ?1
         ON CONFLICT (repository, blob, login) DO NOTHING
         RETURNING number",
    )?;
    let number: Option<i64> =
        note.query_row(params![login.0, repository, blob], |row| row.get(0)).optional()?;
    if let Some(number) = number.filter(|number| *number > MAX_BLOB_PUTS) {
        let mut forget =
            connection.prepare_cached("DELETE FROM blob_puts WHERE login = ?1 AND number <= ?2")?;
        forget.execute(params![login.0, number - MAX_BLOB_PUTS])?;
    }
    Ok(())
}

fn add(
    connection: &Connection,
    tenant: &Tenant,
    repository: &RepositoryName,
    blob: NewBlob,
    now: Time,
) -> Result<Option<ContentKey>> {
    let name = repository;
    let (tenant, mut usage) = (rows::ensure_tenant(&Transaction(connection), tenant)?, Usage::default());
    if let Some(session) = blob.session {
        // Its bytes may be on their way out, so they must not become a blob's.
        if !uploads::end_as_blob(connection, &session, tenant, name, &blob.key)? {
            return Ok(None);
        }
    }
    let repository = rows::ensure_repository(&Transaction(connection), tenant, name, &mut usage)?;
    let digest = blob.digest.to_string();
    let put_by = blob.put_by.filter(|_| blob.size <= MAX_CONFIGURATION);
    let mut find = connection
        .prepare_cached("SELECT id, key, damaged, size FROM blobs WHERE tenant = ?1 AND digest = ?2")?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let known: Option<(i64, String, bool, i64)> = find.query_row(params![tenant, digest], read).optional()?;
    // The caller may have looked before the damage was found.
    let was_damaged = |known: &str| blob.damaged.as_ref().is_some_and(|damaged| damaged.as_str() == known);
    let (id, key) = match known {
        None => {
            let mut insert = connection
                .prepare_cached("INSERT INTO blobs (tenant, digest, size, key) VALUES (?1, ?2, ?3, ?4)")?;
            let id = insert.insert(params![tenant, digest, rows::signed(blob.size)?, blob.key.as_str()])?;
            usage.add_content(blob.size)?;
            (id, blob.key)
        }
        Some((id, known, damaged, size))
            if known != blob.key.as_str() && (damaged || was_damaged(&known)) =>
        {
            let mut replace = connection
                .prepare_cached("UPDATE blobs SET key = ?2, size = ?3, damaged = 0 WHERE id = ?1")?;
            replace.execute(params![id, blob.key.as_str(), rows::signed(blob.size)?])?;
            content_keys::discard(connection, &known, now)?;
            usage.remove_content(rows::unsigned(size)?)?;
            usage.add_content(blob.size)?;
            (id, blob.key)
        }
        Some((id, known, ..)) => {
            if known != blob.key.as_str() {
                content_keys::discard(connection, blob.key.as_str(), now)?;
            }
            (id, content_keys::read(&known)?)
        }
    };
    holds::keep::put_link(connection, repository, id, now)?;
    if let Some(login) = put_by {
        note_put(connection, login, repository, id)?;
    }
    usage.write_within(&Transaction(connection), tenant, &blob.quotas)?;
    Ok(Some(key))
}

fn delete(
    connection: &Connection,
    tenant: &Tenant,
    repository: &RepositoryName,
    digest: &Digest,
    now: Time,
) -> Result<Outcome<BlobDeleted>> {
    let Some(link) = find_link(connection, tenant, repository, digest, None)? else {
        return Ok(Outcome::Unchanged(BlobDeleted::NoSuchBlob));
    };
    if holds::closure::needs_blob(connection, link.repository, link.blob)? {
        return Ok(Outcome::Unchanged(BlobDeleted::Registered));
    }
    let mut usage = Usage::default();
    unlink(connection, link.repository, link.blob, now, &mut usage)?;
    usage.write(&Transaction(connection), rows::ensure_tenant(&Transaction(connection), tenant)?)?;
    let note = Note::of(EventKind::BlobDeleted, tenant).repository(repository).digest(digest);
    Ok(Outcome::Changed(BlobDeleted::Deleted, note))
}

/// Takes a blob from a repository. If it was the last that had it, the bytes are discarded: how many those are.
pub(super) fn unlink(
    connection: &Connection,
    repository: i64,
    blob: i64,
    now: Time,
    usage: &mut Usage,
) -> Result<Option<u64>> {
    connection
        .prepare_cached("DELETE FROM blob_puts WHERE repository = ?1 AND blob = ?2")?
        .execute([repository, blob])?;
    connection
        .prepare_cached("DELETE FROM blob_links WHERE repository = ?1 AND blob = ?2")?
        .execute([repository, blob])?;
    let mut orphan = connection.prepare_cached(
        "DELETE FROM blobs WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM blob_links WHERE blob = ?1)
         RETURNING size, key",
    )?;
    let content = orphan.query_row([blob], |row| Ok((row.get(0)?, row.get::<_, String>(1)?))).optional()?;
    let Some((size, key)) = content else { return Ok(None) };
    content_keys::discard(connection, &key, now)?;
    let size = rows::unsigned(size)?;
    usage.remove_content(size)?;
    Ok(Some(size))
}

/// Reads `size, key, damaged`, the first three columns.
pub(super) fn read_stored(row: &Row<'_>) -> Result<StoredBlob> {
    Ok(StoredBlob {
        size: rows::unsigned(row.get(0)?)?,
        key: content_keys::read(row.get_ref(1)?.as_str().unwrap_or_default())?,
        damaged: row.get(2)?,
    })
}
