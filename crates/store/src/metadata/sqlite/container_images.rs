use async_trait::async_trait;
use gangplank_core::{EventKind, ImageName, Origin, Renewal, ServiceId, Tenant, Time};
use gangplank_oci::Digest;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::audit::Note;
use super::doors::Outcome;
use super::holds::closure::{Contents, Extent};
use super::writer::Whose;
use super::{Sqlite, blobs, deployments, holds, leases, manifests, sources};
use crate::Result;
use crate::metadata::blobs::StoredBlob;
use crate::metadata::cache::Touched;
use crate::metadata::container_images::{
    ContainerImage, ContainerImages, ImageDeleted, ImageOutcome, NewImage,
};
use crate::metadata::manifests::{ManifestDigest, StoredManifest};
use crate::metadata::sqlite::transaction::Transaction;

#[async_trait]
impl ContainerImages for Sqlite {
    async fn register_image(
        &self,
        by: &Origin,
        tenant: &Tenant,
        image: NewImage,
        quota: u32,
    ) -> Result<ImageOutcome> {
        let (tenant, origin) = (tenant.clone(), by.clone());
        self.engine
            .doors
            .change(by, Whose::of(&tenant), Touched::NOTHING, move |connection| {
                register(connection, &origin, &tenant, image, quota)
            })
            .await
    }

    async fn images(&self, tenant: &Tenant, service: ServiceId) -> Result<Option<Vec<ContainerImage>>> {
        self.engine.read(|connection| {
            let Some(name) = service_name(connection, tenant, service)? else { return Ok(None) };
            let mut select = connection.prepare_cached(
                "SELECT number, label, digest, created_at FROM container_images
                 WHERE service = ?1 ORDER BY number DESC",
            )?;
            let images = select.query_map([service.0], |row| {
                let (number, label) = (row.get(0)?, row.get(1)?);
                Ok(ContainerImage {
                    name: ImageName { service: name.clone(), label, number },
                    digest: row.get(2)?,
                    created_at: Time(row.get(3)?),
                })
            })?;
            Ok(Some(images.collect::<rusqlite::Result<_>>()?))
        })
    }

    async fn delete_image(
        &self,
        by: &Origin,
        tenant: &Tenant,
        service: ServiceId,
        label: &str,
        number: i64,
        now: Time,
    ) -> Result<ImageDeleted> {
        let (tenant, label) = (tenant.clone(), label.to_owned());
        self.engine
            .doors
            .change(by, Whose::of(&tenant), Touched::NOTHING, move |connection| {
                let Some(name) = service_name(connection, &tenant, service)? else {
                    return Ok(Outcome::Unchanged(ImageDeleted::NoSuchService));
                };
                let mut find = connection.prepare_cached(
                    "SELECT manifest FROM container_images WHERE service = ?1 AND number = ?2 AND label = ?3",
                )?;
                let found = find.query_row(params![service.0, number, label], |row| row.get(0)).optional()?;
                let Some(manifest) = found else {
                    return Ok(Outcome::Unchanged(ImageDeleted::NoSuchImage));
                };
                if let Some(version) = deployments::made_of(connection, service, number)? {
                    return Ok(Outcome::Unchanged(ImageDeleted::InUse(version)));
                }
                end_registration(connection, (service.0, number), manifest, now)?;
                let name = ImageName { service: name, label, number };
                let note = Note::of(EventKind::ImageDeleted, &tenant).subject(&name);
                Ok(Outcome::Changed(ImageDeleted::Deleted, note))
            })
            .await
    }

    async fn image_manifest(
        &self,
        tenant: &Tenant,
        service: ServiceId,
        label: &str,
        number: i64,
    ) -> Result<Option<StoredManifest>> {
        self.engine.read(|connection| {
            let mut find = connection.prepare_cached(
                "SELECT m.digest, m.media_type, m.body
                 FROM tenants t
                 JOIN services s ON s.tenant = t.id
                 JOIN container_images i ON i.service = s.id
                 JOIN manifests m ON m.id = i.manifest
                 WHERE t.account = ?1 AND t.region = ?2 AND s.id = ?3 AND i.number = ?4 AND i.label = ?5",
            )?;
            let key = params![tenant.account.as_str(), tenant.region.as_str(), service.0, number, label];
            Ok(find.query_row(key, manifests::read_stored).optional()?)
        })
    }

    async fn image_manifest_by_digest(
        &self,
        tenant: &Tenant,
        service: ServiceId,
        digest: &ManifestDigest,
    ) -> Result<Option<StoredManifest>> {
        self.engine.read_one(|connection| {
            // An image itself, or a manifest below one.
            let mut find = connection.prepare_cached(
                "SELECT m.digest, m.media_type, m.body
                 FROM (SELECT manifest FROM container_images WHERE service = ?3 AND digest = ?4
                       UNION ALL
                       SELECT manifest FROM image_manifests WHERE service = ?3 AND digest = ?4
                       LIMIT 1) AS found
                 CROSS JOIN services s CROSS JOIN tenants t CROSS JOIN manifests m
                 WHERE s.id = ?3 AND t.id = s.tenant AND t.account = ?1 AND t.region = ?2
                   AND m.id = found.manifest",
            )?;
            let digest = digest.to_string();
            let key = params![tenant.account.as_str(), tenant.region.as_str(), service.0, digest];
            Ok(find.query_row(key, manifests::read_stored).optional()?)
        })
    }

    async fn image_blob(
        &self,
        tenant: &Tenant,
        service: ServiceId,
        digest: &Digest,
    ) -> Result<Option<StoredBlob>> {
        self.engine.read_one(|connection| {
            let mut find = connection.prepare_cached(
                "SELECT x.size, x.key, x.damaged
                 FROM tenants t CROSS JOIN services s CROSS JOIN blobs x
                 WHERE t.account = ?1 AND t.region = ?2 AND s.id = ?3 AND s.tenant = t.id
                   AND x.tenant = t.id AND x.digest = ?4
                   AND EXISTS (SELECT 1 FROM image_blobs c WHERE c.blob = x.id AND c.service = s.id)",
            )?;
            let digest = digest.to_string();
            let key = params![tenant.account.as_str(), tenant.region.as_str(), service.0, digest];
            find.query_row(key, |row| Ok(blobs::read_stored(row))).optional()?.transpose()
        })
    }
}

/// A manifest that may be registered.
struct Candidate {
    manifest: i64,
    contents: Contents,
}

fn register(
    connection: &Connection,
    by: &Origin,
    tenant: &Tenant,
    image: NewImage,
    quota: u32,
) -> Result<Outcome<ImageOutcome>> {
    let Some(service) = service_name(connection, tenant, image.service)? else {
        return Ok(Outcome::Unchanged(ImageOutcome::NoSuchService));
    };
    if let Some(first) = find_retried(connection, &service, &image)? {
        return Ok(Outcome::Unchanged(ImageOutcome::Registered(first)));
    }
    let digest = image.digest.to_string();
    let Some(Candidate { manifest, contents }) = find_whole(connection, tenant, &digest)? else {
        return Ok(Outcome::Unchanged(ImageOutcome::NoSuchManifest));
    };
    if contents.is_too_much() {
        return Ok(Outcome::Unchanged(ImageOutcome::TooManyContents));
    }
    let mut count = connection.prepare_cached("SELECT count(*) FROM container_images WHERE service = ?1")?;
    if count.query_row([image.service.0], |row| row.get::<_, i64>(0))? >= i64::from(quota) {
        return Ok(Outcome::Unchanged(ImageOutcome::QuotaReached));
    }
    let mut next = connection.prepare_cached(
        "UPDATE services SET last_image_number = last_image_number + 1 WHERE id = ?1
         RETURNING last_image_number",
    )?;
    let number: i64 = next.query_row([image.service.0], |row| row.get(0))?;
    let (made_by, invocation) =
        image.invocation.as_ref().map(|made_by| (made_by.owner.as_str(), made_by.id.as_str())).unzip();
    let mut insert = connection.prepare_cached(
        "INSERT INTO container_images (service, number, label, manifest, digest, created_at, made_by, invocation,
                                       source)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    insert.execute(params![
        image.service.0,
        number,
        image.label,
        manifest,
        digest,
        image.created_at.0,
        made_by,
        invocation,
        sources::keep(&Transaction(connection), by)?,
    ])?;
    holds::closure::keep(connection, (image.service.0, number), &contents)?;
    holds::keep::refresh(connection, manifest)?;
    let name = ImageName { service, label: image.label, number };
    let note = Note::of(EventKind::ImageRegistered, tenant).digest(&digest).subject(&name);
    let image = ContainerImage { name, digest, created_at: image.created_at };
    Ok(Outcome::Changed(ImageOutcome::Registered(image), note))
}

/// Ends a registration: its contents are forgotten, and the grace period of its manifest begins.
pub(super) fn end_registration(
    connection: &Connection,
    image: (i64, i64),
    manifest: i64,
    now: Time,
) -> Result<()> {
    holds::closure::forget(connection, image)?;
    let sql = "DELETE FROM container_images WHERE service = ?1 AND number = ?2";
    connection.prepare_cached(sql)?.execute([image.0, image.1])?;
    holds::keep::refresh(connection, manifest)?;
    leases::renew_manifest(&Transaction(connection), manifest, Renewal::at(now))
}

/// The manifest in the first repository that has it with all it references; `sr` comes before the
/// others.
fn find_whole(connection: &Connection, tenant: &Tenant, digest: &str) -> Result<Option<Candidate>> {
    let mut select = connection.prepare_cached(
        "SELECT m.id FROM manifests m
         CROSS JOIN repositories r CROSS JOIN tenants t
         WHERE m.digest = ?1 AND r.id = m.repository AND t.id = r.tenant
           AND t.account = ?2 AND t.region = ?3
         ORDER BY CASE WHEN r.name = 'sr' THEN 0 ELSE 1 END, m.id",
    )?;
    let key = params![digest, tenant.account.as_str(), tenant.region.as_str()];
    for manifest in select.query_map(key, |row| row.get(0))? {
        let manifest = manifest?;
        let contents = holds::closure::contents(connection, manifest, Extent::OneImage)?;
        if contents.is_whole() {
            return Ok(Some(Candidate { manifest, contents }));
        }
    }
    Ok(None)
}

/// What an earlier attempt of the same invocation registered.
fn find_retried(connection: &Connection, service: &str, image: &NewImage) -> Result<Option<ContainerImage>> {
    let Some(made_by) = &image.invocation else { return Ok(None) };
    let mut find = connection.prepare_cached(
        "SELECT number, created_at FROM container_images
         WHERE service = ?1 AND made_by = ?2 AND invocation = ?3 AND label = ?4 AND digest = ?5",
    )?;
    let digest = image.digest.to_string();
    let key = params![image.service.0, made_by.owner.as_str(), made_by.id, image.label, digest];
    let found = find.query_row(key, |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    Ok(found.map(|(number, created_at)| ContainerImage {
        name: ImageName { service: service.to_owned(), label: image.label.clone(), number },
        digest,
        created_at: Time(created_at),
    }))
}

/// The name of a service, if the tenant has it.
fn service_name(connection: &Connection, tenant: &Tenant, service: ServiceId) -> Result<Option<String>> {
    let mut find = connection.prepare_cached(
        "SELECT s.name FROM services s CROSS JOIN tenants t
         WHERE s.id = ?1 AND t.id = s.tenant AND t.account = ?2 AND t.region = ?3",
    )?;
    let key = params![service.0, tenant.account.as_str(), tenant.region.as_str()];
    Ok(find.query_row(key, |row| row.get(0)).optional()?)
}
