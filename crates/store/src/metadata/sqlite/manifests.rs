use async_trait::async_trait;
use gangplank_core::{EventKind, LoginId, Origin, Renewal, Tenant, Time};
use gangplank_oci::{Digest, Reference, RepositoryName};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::audit::Note;
use super::doors::Outcome;
use super::put_manifest::put;
use super::usage::Usage;
use super::writer::Whose;
use super::{Sqlite, holds, leases, rows, tags};
use crate::Result;
use crate::metadata::cache::Touched;
use crate::metadata::manifests::{
    MAX_REFERRER_BYTES, MAX_REFERRERS, ManifestDeleted, ManifestOutcome, Manifests, NewManifest, Referrer,
    Referrers, StoredManifest,
};
use crate::metadata::sqlite::transaction::Transaction;

#[async_trait]
impl Manifests for Sqlite {
    async fn put_manifest(
        &self,
        by: &Origin,
        tenant: &Tenant,
        repository: &RepositoryName,
        manifest: NewManifest,
    ) -> Result<ManifestOutcome> {
        let (tenant, repository, origin) = (tenant.clone(), repository.clone(), by.clone());
        self.engine
            .doors
            .change(by, Whose::of(&tenant), Touched::NOTHING, move |connection| {
                put(connection, &tenant, &repository, &manifest, &origin)
            })
            .await
    }

    async fn manifest(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        reference: &Reference,
        put_by: Option<LoginId>,
        renewal: Option<Renewal>,
    ) -> Result<Option<StoredManifest>> {
        let Some(found) =
            self.engine.read_one(|connection| find(connection, tenant, repository, reference, put_by))?
        else {
            return Ok(None);
        };
        let Some(renewal) = renewal.filter(|renewal| found.leased_at <= renewal.stale) else {
            return Ok(Some(found.manifest));
        };
        let (tenant, repository, reference) = (tenant.clone(), repository.clone(), reference.clone());
        self.engine
            .doors
            .upkeep(Whose::of(&tenant), Touched::NOTHING, move |connection| {
                // Looked up anew: since the first look it may have gone, or the tag have moved.
                let Some(found) = find(connection, &tenant, &repository, &reference, put_by)? else {
                    return Ok(None);
                };
                leases::renew_manifest(&Transaction(connection), found.id, renewal)?;
                Ok(Some(found.manifest))
            })
            .await
    }

    async fn delete_manifest(
        &self,
        by: &Origin,
        tenant: &Tenant,
        repository: &RepositoryName,
        digest: &Digest,
        now: Time,
    ) -> Result<ManifestDeleted> {
        let (tenant, repository, digest) = (tenant.clone(), repository.clone(), digest.to_string());
        self.engine
            .doors
            .change(by, Whose::of(&tenant), Touched::NOTHING, move |connection| {
                delete(connection, &tenant, &repository, &digest, now)
            })
            .await
    }

    async fn referrers(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        digest: &Digest,
        artifact_type: Option<&str>,
        put_by: Option<LoginId>,
        after: i64,
    ) -> Result<Referrers> {
        let (tenant, repository) = (tenant.clone(), repository.clone());
        let (digest, artifact_type) = (digest.to_string(), artifact_type.map(str::to_owned));
        self.engine.read_long(Whose::of(&tenant), move |connection| {
            let Some(repository) = rows::find_repository(&Transaction(connection), &tenant, &repository)? else {
                return Ok(Referrers::default());
            };
            let mut select = connection.prepare_cached(
                "SELECT digest, media_type, size, artifact_type, coalesce(annotations, '{}'), id FROM manifests m
                 WHERE repository = ?1 AND subject = ?2 AND (?3 IS NULL OR artifact_type = ?3) AND id > ?4
                   AND (?5 IS NULL
                        OR EXISTS (SELECT 1 FROM manifest_puts p WHERE p.manifest = m.id AND p.login = ?5))
                 ORDER BY id",
            )?;
            let put_by = put_by.map(|login| login.0);
            let key = params![repository, digest, artifact_type, after, put_by];
            let mut found = select.query(key)?;
            let (mut referrers, mut bytes) = (Referrers::default(), 0);
            let mut last = after;
            while let Some(row) = found.next()? {
                let referrer = read_referrer(row)?;
                bytes += referrer.annotations.len();
                let full = referrers.page.len() == MAX_REFERRERS || bytes > MAX_REFERRER_BYTES;
                if full && !referrers.page.is_empty() {
                    referrers.more = Some(last);
                    break;
                }
                last = row.get(5)?;
                referrers.page.push(referrer);
            }
            Ok(referrers)
        })
        .await
    }
}

struct Found {
    id: i64,
    leased_at: Time,
    manifest: StoredManifest,
}

fn find(
    connection: &Connection,
    tenant: &Tenant,
    repository: &RepositoryName,
    reference: &Reference,
    put_by: Option<LoginId>,
) -> Result<Option<Found>> {
    let mut find = connection.prepare_cached(match reference {
        Reference::Tag(_) => {
            "SELECT m.digest, m.media_type, m.body, m.id, m.leased_at
             FROM tenants t
             JOIN repositories r ON r.tenant = t.id
             JOIN tags g ON g.repository = r.id
             JOIN manifests m ON m.id = g.manifest
             WHERE t.account = ?1 AND t.region = ?2 AND r.name = ?3 AND g.name = ?4
               AND (?5 IS NULL
                    OR EXISTS (SELECT 1 FROM manifest_puts p WHERE p.manifest = m.id AND p.login = ?5)
                   AND EXISTS (SELECT 1 FROM tag_puts s
                               WHERE s.repository = r.id AND s.tag = g.name AND s.login = ?5))"
        }
        Reference::Digest(_) => {
            "SELECT m.digest, m.media_type, m.body, m.id, m.leased_at
             FROM tenants t
             JOIN repositories r ON r.tenant = t.id
             JOIN manifests m ON m.repository = r.id
             WHERE t.account = ?1 AND t.region = ?2 AND r.name = ?3 AND m.digest = ?4
               AND (?5 IS NULL
                    OR EXISTS (SELECT 1 FROM manifest_puts p WHERE p.manifest = m.id AND p.login = ?5))"
        }
    })?;
    let reference = reference.to_string();
    let key = params![
        tenant.account.as_str(),
        tenant.region.as_str(),
        repository.as_str(),
        reference,
        put_by.map(|login| login.0),
    ];
    let read = |row: &Row<'_>| {
        Ok(Found { id: row.get(3)?, leased_at: Time(row.get(4)?), manifest: read_stored(row)? })
    };
    Ok(find.query_row(key, read).optional()?)
}

fn delete(
    connection: &Connection,
    tenant: &Tenant,
    name: &RepositoryName,
    digest: &str,
    now: Time,
) -> Result<Outcome<ManifestDeleted>> {
    let Some(repository) = rows::find_repository(&Transaction(connection), tenant, name)? else {
        return Ok(Outcome::Unchanged(ManifestDeleted::NoSuchManifest));
    };
    let mut find =
        connection.prepare_cached("SELECT id FROM manifests WHERE repository = ?1 AND digest = ?2")?;
    let Some(manifest) = find.query_row(params![repository, digest], |row| row.get(0)).optional()? else {
        return Ok(Outcome::Unchanged(ManifestDeleted::NoSuchManifest));
    };
    if holds::closure::needs_manifest(connection, manifest)? {
        return Ok(Outcome::Unchanged(ManifestDeleted::Registered));
    }
    leases::renew_parts(&Transaction(connection), manifest, Renewal::at(now))?;
    let mut usage = Usage::default();
    remove(connection, manifest, &mut usage)?;
    usage.write(&Transaction(connection), rows::ensure_tenant(&Transaction(connection), tenant)?)?;
    let note = Note::of(EventKind::ManifestDeleted, tenant).repository(name).digest(digest);
    Ok(Outcome::Changed(ManifestDeleted::Deleted, note))
}

/// Removes a manifest, its tags, and who put it; it lets go of what it held. Says how many bytes it had.
pub(super) fn remove(connection: &Connection, manifest: i64, usage: &mut Usage) -> Result<u64> {
    holds::keep::manifest_leaves(connection, manifest)?;
    tags::forget_puts(&Transaction(connection), manifest)?;
    let tags = connection.prepare_cached("DELETE FROM tags WHERE manifest = ?1")?.execute([manifest])?;
    usage.tags -= i64::try_from(tags).unwrap_or(i64::MAX);
    connection.prepare_cached("DELETE FROM manifest_puts WHERE manifest = ?1")?.execute([manifest])?;
    let mut delete = connection.prepare_cached("DELETE FROM manifests WHERE id = ?1 RETURNING size")?;
    let size: i64 = delete.query_row([manifest], |row| row.get(0))?;
    usage.manifest_bytes -= size;
    usage.manifests -= 1;
    rows::unsigned(size)
}

/// Reads `digest, media_type, body`, the first three columns.
pub(super) fn read_stored(row: &Row<'_>) -> rusqlite::Result<StoredManifest> {
    Ok(StoredManifest { digest: row.get(0)?, media_type: row.get(1)?, body: row.get(2)? })
}

fn read_referrer(row: &Row<'_>) -> Result<Referrer> {
    Ok(Referrer {
        digest: row.get(0)?,
        media_type: row.get(1)?,
        size: rows::unsigned(row.get(2)?)?,
        artifact_type: row.get(3)?,
        annotations: row.get(4)?,
    })
}
