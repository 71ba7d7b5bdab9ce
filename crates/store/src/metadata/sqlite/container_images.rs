use async_trait::async_trait;
use gangplank_core::{EventKind, ImageName, Origin, Renewal, Tenant, Time};
use gangplank_oci::Digest;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::audit::Note;
use super::cache::Touched;
use super::{Sqlite, blobs, leases, manifests, registered, rows};
use crate::Result;
use crate::metadata::blobs::StoredBlob;
use crate::metadata::container_images::{
    ContainerImage, ContainerImages, ImageDeleted, ImageOutcome, NewImage,
};
use crate::metadata::manifests::{ManifestDigest, StoredManifest};

#[async_trait]
impl ContainerImages for Sqlite {
    async fn register_image(&self, tenant: &Tenant, image: NewImage, quota: u32) -> Result<ImageOutcome> {
        let (tenant, by) = (tenant.clone(), self.origin.clone());
        self.writer
            .write_touching(Touched::NOTHING, move |connection| {
                register(connection, &tenant, image, quota, by.as_deref())
            })
            .await
    }

    async fn images(&self, tenant: &Tenant, service: &str) -> Result<Option<Vec<ContainerImage>>> {
        self.read(|connection| {
            let Some(id) = find_service(connection, tenant, service)? else { return Ok(None) };
            let mut select = connection.prepare_cached(
                "SELECT i.number, i.label, m.digest, i.created_at
                 FROM container_images i JOIN manifests m ON m.id = i.manifest
                 WHERE i.service = ?1 ORDER BY i.number DESC",
            )?;
            let images = select.query_map([id], |row| {
                let (number, label) = (row.get(0)?, row.get(1)?);
                Ok(ContainerImage {
                    name: ImageName { service: service.to_owned(), label, number },
                    digest: row.get(2)?,
                    created_at: Time(row.get(3)?),
                })
            })?;
            Ok(Some(images.collect::<rusqlite::Result<_>>()?))
        })
    }

    async fn delete_image(&self, tenant: &Tenant, name: &ImageName, now: Time) -> Result<ImageDeleted> {
        let (tenant, name, by) = (tenant.clone(), name.clone(), self.origin.clone());
        self.writer
            .write_touching(Touched::NOTHING, move |connection| {
                let Some(service) = find_service(connection, &tenant, &name.service)? else {
                    return Ok(ImageDeleted::NoSuchService);
                };
                let mut delete = connection.prepare_cached(
                    "DELETE FROM container_images WHERE service = ?1 AND number = ?2 AND label = ?3
                     RETURNING manifest",
                )?;
                let key = params![service, name.number, name.label];
                let Some(manifest) = delete.query_row(key, |row| row.get(0)).optional()? else {
                    return Ok(ImageDeleted::NoSuchImage);
                };
                leases::renew_manifest(connection, manifest, Renewal::at(now))?;
                let note = Note { subject: Some(&name.to_string()), ..Note::of(&tenant) };
                note.write(connection, EventKind::ImageDeleted, by.as_deref())?;
                Ok(ImageDeleted::Deleted)
            })
            .await
    }

    async fn image_manifest(
        &self,
        tenant: &Tenant,
        service: i64,
        label: &str,
        number: i64,
    ) -> Result<Option<StoredManifest>> {
        self.read(|connection| {
            let mut find = connection.prepare_cached(
                "SELECT m.digest, m.media_type, m.body
                 FROM tenants t
                 JOIN services s ON s.tenant = t.id
                 JOIN container_images i ON i.service = s.id
                 JOIN manifests m ON m.id = i.manifest
                 WHERE t.account = ?1 AND t.region = ?2 AND s.id = ?3 AND i.number = ?4 AND i.label = ?5",
            )?;
            let key = params![tenant.account.as_str(), tenant.region.as_str(), service, number, label];
            Ok(find.query_row(key, manifests::read_stored).optional()?)
        })
    }

    async fn image_manifest_by_digest(
        &self,
        tenant: &Tenant,
        service: i64,
        digest: &ManifestDigest,
    ) -> Result<Option<StoredManifest>> {
        self.read(|connection| {
            // From the manifest up through the indexes that hold it, to one that is registered.
            let mut find = connection.prepare_cached(
                "WITH RECURSIVE holder (id, repository, digest, seed) AS (
                     SELECT m.id, m.repository, m.digest, m.id
                     FROM manifests m
                     CROSS JOIN repositories r ON r.id = m.repository
                     CROSS JOIN tenants t ON t.id = r.tenant
                     WHERE t.account = ?1 AND t.region = ?2 AND m.digest = ?4
                     UNION
                     SELECT p.id, p.repository, p.digest, h.seed
                     FROM holder h
                     CROSS JOIN manifest_children c ON c.repository = h.repository AND c.digest = h.digest
                     CROSS JOIN manifests p ON p.id = c.manifest)
                 SELECT m.digest, m.media_type, m.body
                 FROM holder h
                 CROSS JOIN container_images i ON i.manifest = h.id
                 CROSS JOIN manifests m ON m.id = h.seed
                 WHERE i.service = ?3 LIMIT 1",
            )?;
            let digest = digest.to_string();
            let key = params![tenant.account.as_str(), tenant.region.as_str(), service, digest];
            Ok(find.query_row(key, manifests::read_stored).optional()?)
        })
    }

    async fn image_blob(&self, tenant: &Tenant, service: i64, digest: &Digest) -> Result<Option<StoredBlob>> {
        self.read(|connection| {
            let mut find = connection.prepare_cached(
                "WITH RECURSIVE holder (id, repository, digest) AS (
                     SELECT m.id, m.repository, m.digest
                     FROM manifest_blobs b
                     JOIN manifests m ON m.id = b.manifest
                     WHERE b.digest = ?4 AND b.repository IN (
                         SELECT m.repository FROM container_images i JOIN manifests m ON m.id = i.manifest
                         WHERE i.service = ?3)
                     UNION
                     SELECT p.id, p.repository, p.digest
                     FROM holder h
                     CROSS JOIN manifest_children c ON c.repository = h.repository AND c.digest = h.digest
                     CROSS JOIN manifests p ON p.id = c.manifest)
                 SELECT x.size, x.key, x.damaged
                 FROM tenants t
                 JOIN services s ON s.tenant = t.id
                 JOIN blobs x ON x.tenant = t.id
                 WHERE t.account = ?1 AND t.region = ?2 AND s.id = ?3 AND x.digest = ?4
                   AND EXISTS (SELECT 1 FROM holder h CROSS JOIN container_images i ON i.manifest = h.id
                               WHERE i.service = ?3)",
            )?;
            let digest = digest.to_string();
            let key = params![tenant.account.as_str(), tenant.region.as_str(), service, digest];
            find.query_row(key, |row| Ok(blobs::read_stored(row))).optional()?.transpose()
        })
    }
}

fn register(
    connection: &Connection,
    tenant: &Tenant,
    image: NewImage,
    quota: u32,
    by: Option<&Origin>,
) -> Result<ImageOutcome> {
    let Some(service) = find_service(connection, tenant, &image.service)? else {
        return Ok(ImageOutcome::NoSuchService);
    };
    if let Some(first) = find_retried(connection, service, &image)? {
        return Ok(ImageOutcome::Registered(first));
    }
    let digest = image.digest.to_string();
    let Some(manifest) = find_whole(connection, tenant, &digest)? else {
        return Ok(ImageOutcome::NoSuchManifest);
    };
    let mut count = connection.prepare_cached("SELECT count(*) FROM container_images WHERE service = ?1")?;
    if count.query_row([service], |row| row.get::<_, i64>(0))? >= i64::from(quota) {
        return Ok(ImageOutcome::QuotaReached);
    }
    let mut next = connection.prepare_cached(
        "UPDATE services SET last_image_number = last_image_number + 1 WHERE id = ?1
         RETURNING last_image_number",
    )?;
    let number = next.query_row([service], |row| row.get(0))?;
    let (made_by_key, made_by_invocation) =
        image.invocation.as_ref().map(|made_by| (made_by.access_key.as_str(), made_by.id.as_str())).unzip();
    let mut insert = connection.prepare_cached(
        "INSERT INTO container_images (service, number, label, manifest, created_at, made_by_key,
                                       made_by_invocation)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    insert.execute(params![
        service,
        number,
        image.label,
        manifest,
        image.created_at.0,
        made_by_key,
        made_by_invocation,
    ])?;
    let name = ImageName { service: image.service, label: image.label, number };
    let note = Note { digest: Some(&digest), subject: Some(&name.to_string()), ..Note::of(tenant) };
    note.write(connection, EventKind::ImageRegistered, by)?;
    Ok(ImageOutcome::Registered(ContainerImage { name, digest, created_at: image.created_at }))
}

/// The manifest in the first repository that has it with all it references; `sr` comes before the
/// others.
fn find_whole(connection: &Connection, tenant: &Tenant, digest: &str) -> Result<Option<i64>> {
    let mut select = connection.prepare_cached(
        "SELECT m.id FROM manifests m
         CROSS JOIN repositories r ON r.id = m.repository
         CROSS JOIN tenants t ON t.id = r.tenant
         WHERE m.digest = ?1 AND t.account = ?2 AND t.region = ?3
         ORDER BY r.name = 'sr' DESC, m.id",
    )?;
    let key = params![digest, tenant.account.as_str(), tenant.region.as_str()];
    for candidate in select.query_map(key, |row| row.get(0))? {
        let candidate = candidate?;
        if registered::is_whole(connection, candidate)? {
            return Ok(Some(candidate));
        }
    }
    Ok(None)
}

/// What an earlier attempt of the same invocation registered.
fn find_retried(connection: &Connection, service: i64, image: &NewImage) -> Result<Option<ContainerImage>> {
    let Some(made_by) = &image.invocation else { return Ok(None) };
    let mut find = connection.prepare_cached(
        "SELECT i.number, i.created_at FROM container_images i JOIN manifests m ON m.id = i.manifest
         WHERE i.service = ?1 AND i.made_by_key = ?2 AND i.made_by_invocation = ?3
           AND i.label = ?4 AND m.digest = ?5",
    )?;
    let digest = image.digest.to_string();
    let key = params![service, made_by.access_key.as_str(), made_by.id, image.label, digest];
    let found = find.query_row(key, |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    Ok(found.map(|(number, created_at)| ContainerImage {
        name: ImageName { service: image.service.clone(), label: image.label.clone(), number },
        digest,
        created_at: Time(created_at),
    }))
}

fn find_service(connection: &Connection, tenant: &Tenant, name: &str) -> Result<Option<i64>> {
    let Some(tenant) = rows::find_tenant(connection, tenant)? else { return Ok(None) };
    let mut find = connection.prepare_cached("SELECT id FROM services WHERE tenant = ?1 AND name = ?2")?;
    Ok(find.query_row(params![tenant, name], |row| row.get(0)).optional()?)
}
