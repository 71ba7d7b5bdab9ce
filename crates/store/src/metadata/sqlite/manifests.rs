use async_trait::async_trait;
use gangplank_core::{EventKind, LoginId, Renewal, Tenant, Time};
use gangplank_oci::{Digest, Reference, RepositoryName, Tag};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::audit::Note;
use super::cache::Touched;
use super::{Sqlite, leases, registered, rows};
use crate::metadata::manifests::{
    MAX_REFERRER_BYTES, MAX_REFERRERS, ManifestDeleted, ManifestOutcome, Manifests, NewManifest, Referrer,
    Referrers, StoredManifest,
};
use crate::{Result, StoreError};

#[async_trait]
impl Manifests for Sqlite {
    async fn put_manifest(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        manifest: NewManifest,
    ) -> Result<ManifestOutcome> {
        let (tenant, repository) = (tenant.clone(), repository.clone());
        let by = self.origin.clone();
        self.writer
            .write_touching(Touched::NOTHING, move |connection| {
                let outcome = put(connection, &tenant, &repository, &manifest)?;
                if outcome == ManifestOutcome::Stored {
                    let tags: Vec<&str> = manifest.tags.iter().map(Tag::as_str).collect();
                    let tags = tags.join(",");
                    let note = Note {
                        repository: Some(repository.as_str()),
                        digest: Some(&manifest.digest.to_string()),
                        subject: Some(tags.as_str()).filter(|tags| !tags.is_empty()),
                        ..Note::of(&tenant)
                    };
                    note.write(connection, EventKind::ManifestPushed, by.as_deref())?;
                }
                Ok(outcome)
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
            self.read_one(|connection| find(connection, tenant, repository, reference, put_by))?
        else {
            return Ok(None);
        };
        let Some(renewal) = renewal.filter(|renewal| found.leased_at <= renewal.stale) else {
            return Ok(Some(found.manifest));
        };
        let (tenant, repository, reference) = (tenant.clone(), repository.clone(), reference.clone());
        self.writer
            .write_touching(Touched::NOTHING, move |connection| {
                // Looked up anew: since the first look it may have gone, or the tag have moved.
                let Some(found) = find(connection, &tenant, &repository, &reference, put_by)? else {
                    return Ok(None);
                };
                leases::renew_manifest(connection, found.id, renewal)?;
                Ok(Some(found.manifest))
            })
            .await
    }

    async fn delete_manifest(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        digest: &Digest,
        now: Time,
    ) -> Result<ManifestDeleted> {
        let (tenant, repository, digest) = (tenant.clone(), repository.clone(), digest.to_string());
        let by = self.origin.clone();
        self.writer
            .write_touching(Touched::NOTHING, move |connection| {
                let outcome = delete(connection, &tenant, &repository, &digest, now)?;
                if outcome == ManifestDeleted::Deleted {
                    let note = Note {
                        repository: Some(repository.as_str()),
                        digest: Some(&digest),
                        ..Note::of(&tenant)
                    };
                    note.write(connection, EventKind::ManifestDeleted, by.as_deref())?;
                }
                Ok(outcome)
            })
            .await
    }

    async fn referrers(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        digest: &Digest,
        artifact_type: Option<&str>,
        after: i64,
    ) -> Result<Referrers> {
        self.read(|connection| {
            let Some(repository) = rows::find_repository(connection, tenant, repository)? else {
                return Ok(Referrers::default());
            };
            let mut select = connection.prepare_cached(
                "SELECT digest, media_type, size, artifact_type, annotations, id FROM manifests
                 WHERE repository = ?1 AND subject = ?2 AND (?3 IS NULL OR artifact_type = ?3) AND id > ?4
                 ORDER BY id",
            )?;
            let mut found = select.query(params![repository, digest.to_string(), artifact_type, after])?;
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
                    OR EXISTS (SELECT 1 FROM manifest_puts p WHERE p.manifest = m.id AND p.login = ?5))"
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

fn put(
    connection: &Connection,
    tenant: &Tenant,
    repository: &RepositoryName,
    manifest: &NewManifest,
) -> Result<ManifestOutcome> {
    let held_by = rows::find_repository(connection, tenant, repository)?;
    if let Some(refusal) = check_blobs(connection, held_by, manifest)? {
        return Ok(refusal);
    }
    let depth = match check_children(connection, held_by, manifest)? {
        Ok(depth) if depth <= manifest.max_depth => depth,
        Ok(_) => return Ok(ManifestOutcome::TooDeep),
        Err(refusal) => return Ok(refusal),
    };
    let repository = match held_by {
        Some(repository) => repository,
        None => rows::ensure_repository(connection, tenant, repository)?,
    };
    let digest = manifest.digest.to_string();
    let mut find =
        connection.prepare_cached("SELECT id FROM manifests WHERE repository = ?1 AND digest = ?2")?;
    let known = find.query_row(params![repository, digest], |row| row.get(0)).optional()?;
    let id: i64 = match known {
        Some(id) => {
            leases::renew_manifest(connection, id, manifest.lease)?;
            id
        }
        None => insert(connection, repository, &digest, depth, manifest)?,
    };
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO manifest_puts (manifest, login)
             SELECT ?1, id FROM registry_logins WHERE id = ?2",
        )?
        .execute([id, manifest.login.0])?;
    let mut tag = connection.prepare_cached(
        "INSERT INTO tags (repository, name, manifest) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET manifest = excluded.manifest",
    )?;
    for name in &manifest.tags {
        tag.execute(params![repository, name.as_str(), id])?;
    }
    Ok(ManifestOutcome::Stored)
}

/// Checks that every blob is there. A repository that does not exist yet holds none.
fn check_blobs(
    connection: &Connection,
    repository: Option<i64>,
    manifest: &NewManifest,
) -> Result<Option<ManifestOutcome>> {
    let mut find = connection.prepare_cached(
        "SELECT b.size FROM repositories r
         JOIN blobs b ON b.tenant = r.tenant
         JOIN blob_links l ON l.repository = r.id AND l.blob = b.id
         WHERE r.id = ?1 AND b.digest = ?2 AND b.damaged = 0",
    )?;
    for blob in &manifest.view.blobs {
        let size =
            find.query_row(params![repository, blob.digest.to_string()], |row| row.get(0)).optional()?;
        match size.map(rows::unsigned).transpose()? {
            None if manifest.may_be_absent.contains(&blob.digest) => {}
            None => return Ok(Some(ManifestOutcome::BlobUnknown(blob.digest))),
            Some(actual) if actual != blob.size => {
                return Ok(Some(ManifestOutcome::SizeMismatch { digest: blob.digest, actual }));
            }
            Some(_) => {}
        }
    }
    Ok(None)
}

/// Checks that every child is there, and says how deep the manifest is.
fn check_children(
    connection: &Connection,
    repository: Option<i64>,
    manifest: &NewManifest,
) -> Result<std::result::Result<u32, ManifestOutcome>> {
    let mut find = connection
        .prepare_cached("SELECT size, depth FROM manifests WHERE repository = ?1 AND digest = ?2")?;
    let mut depth = 0;
    for child in &manifest.view.children {
        let key = params![repository, child.digest.to_string()];
        let found = find.query_row(key, |row| Ok((row.get(0)?, row.get::<_, u32>(1)?))).optional()?;
        let Some((size, child_depth)) = found else {
            return Ok(Err(ManifestOutcome::ChildUnknown(child.digest)));
        };
        let actual = rows::unsigned(size)?;
        if actual != child.size {
            return Ok(Err(ManifestOutcome::SizeMismatch { digest: child.digest, actual }));
        }
        depth = depth.max(child_depth + 1);
    }
    Ok(Ok(depth))
}

fn insert(
    connection: &Connection,
    repository: i64,
    digest: &str,
    depth: u32,
    manifest: &NewManifest,
) -> Result<i64> {
    let view = &manifest.view;
    let annotations = serde_json::to_string(&view.annotations)
        .map_err(|error| StoreError::Damaged(format!("annotations: {error}")))?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO manifests (repository, digest, media_type, artifact_type, subject, annotations, depth,
                                created_at, size, body, leased_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    let id = insert.insert(params![
        repository,
        digest,
        view.media_type,
        view.artifact_type,
        view.subject.as_ref().map(|subject| subject.digest.to_string()),
        annotations,
        depth,
        manifest.now.0,
        rows::signed(manifest.body.len() as u64)?,
        manifest.body,
        manifest.lease.now.0,
    ])?;
    let references = [
        (
            &view.blobs,
            "INSERT OR IGNORE INTO manifest_blobs (repository, digest, manifest) VALUES (?1, ?2, ?3)",
        ),
        (
            &view.children,
            "INSERT OR IGNORE INTO manifest_children (repository, digest, manifest) VALUES (?1, ?2, ?3)",
        ),
    ];
    for (descriptors, sql) in references {
        let mut insert = connection.prepare_cached(sql)?;
        for descriptor in descriptors {
            insert.execute(params![repository, descriptor.digest.to_string(), id])?;
        }
    }
    Ok(id)
}

fn delete(
    connection: &Connection,
    tenant: &Tenant,
    repository: &RepositoryName,
    digest: &str,
    now: Time,
) -> Result<ManifestDeleted> {
    let Some(repository) = rows::find_repository(connection, tenant, repository)? else {
        return Ok(ManifestDeleted::NoSuchManifest);
    };
    if registered::manifest_is_registered(connection, repository, digest)? {
        return Ok(ManifestDeleted::Registered);
    }
    let mut find =
        connection.prepare_cached("SELECT id FROM manifests WHERE repository = ?1 AND digest = ?2")?;
    let Some(manifest) = find.query_row(params![repository, digest], |row| row.get(0)).optional()? else {
        return Ok(ManifestDeleted::NoSuchManifest);
    };
    leases::renew_parts(connection, manifest, Renewal::at(now))?;
    connection.prepare_cached("DELETE FROM manifests WHERE id = ?1")?.execute([manifest])?;
    Ok(ManifestDeleted::Deleted)
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
