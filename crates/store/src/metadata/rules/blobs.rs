mod adding;
mod removing;

use std::time::Duration;

use async_trait::async_trait;
use gangplank_core::{LoginId, Origin, Quotas, Renewal, Tenant, Time};
use gangplank_oci::{Digest, RepositoryName};

use super::{content_keys, leases, rows};
use crate::Result;
use crate::blobs::ContentKey;
use crate::metadata::blobs::{
    Backlog, BlobDeleted, BlobLinks, Discarded, MAX_CONFIGURATION, Mount, NewBlob, SeenBlob, StoredBlob,
};
use crate::metadata::engine::{Engine, Terms, Whose};
use crate::metadata::store::Store;
use crate::metadata::tx::{Level, Lock, Query, Row, Tx, values};

pub(crate) use removing::{forget_unlinked, lock_contents, unlink};

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
        self.upkeep(Terms::tenant(&tenant).takes_nothing().repeatable(), move |tx| {
            adding::add(tx, &tenant, &repository, &blob, now)
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
            adding::mount(tx, &tenant, &repository, &mount, now, &quotas)
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
            removing::delete(tx, &tenant, &repository, &digest, now)
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

    async fn discard_orphans(
        &self,
        orphans: Vec<Discarded>,
        older_than: Duration,
        now: Time,
    ) -> Result<usize> {
        self.upkeep(Terms::server().takes_nothing(), move |tx| {
            content_keys::discard_orphans(tx, &orphans, older_than, tx.steady(now)?)
        })
        .await
    }

    async fn discarded(&self, until: Time, limit: usize) -> Result<Vec<Discarded>> {
        self.read_one(|tx| content_keys::discarded(tx, until, limit)).await
    }

    async fn discarded_backlog(&self) -> Result<Backlog> {
        self.read_long(Whose::Server, content_keys::backlog).await
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

/// Finds a blob of a repository. With `login`, the answer also says whether the blob is a configuration and
/// whether that login uploaded it.
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
    tx.post(
        "UPDATE blob_links SET leased_at = ?3 WHERE repository = ?1 AND blob = ?2 AND leased_at < ?3",
        values![repository_row, blob, tx.steady(now)?],
    )?;
    Ok(find_link(tx, tenant, repository, digest, login)?.map(|link| link.seen))
}

/// Reads `size, key, damaged`, the first three columns.
pub(crate) fn read_stored(row: &Row<'_>) -> Result<StoredBlob> {
    Ok(StoredBlob {
        size: rows::unsigned(row.get(0)?)?,
        key: content_keys::read(row.text(1)?)?,
        damaged: row.get(2)?,
    })
}
