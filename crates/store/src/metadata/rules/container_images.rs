use async_trait::async_trait;
use gangplank_core::{EventKind, ImageName, Origin, ServiceId, Tenant, Time};
use gangplank_oci::Digest;

use super::audit::Note;
use super::{blobs, deployments, leases, manifests, rows, sources};
use crate::Result;
use crate::metadata::blobs::StoredBlob;
use crate::metadata::container_images::{
    ContainerImage, ContainerImages, ImageDeleted, ImageOutcome, NewImage,
};
use crate::metadata::engine::{Engine, Terms};
use crate::metadata::manifests::{ManifestDigest, StoredManifest};
use crate::metadata::rules::holds;
use crate::metadata::rules::holds::closure::{Contents, Extent};
use crate::metadata::store::{Outcome, Store};
use crate::metadata::tx::{Asked, DigestText, Level, Lock, Query, Tx, values};

/// Selects the name of the service `?1`, if it belongs to the account `?2` and the region `?3`.
const NAME: &str = "SELECT name FROM services
    WHERE id = ?1 AND tenant = (SELECT id FROM tenants WHERE account = ?2 AND region = ?3)";

#[async_trait]
impl<E: Engine> ContainerImages for Store<E> {
    async fn register_image(
        &self,
        by: &Origin,
        tenant: &Tenant,
        image: NewImage,
        quota: u32,
    ) -> Result<ImageOutcome> {
        let (tenant, origin) = (tenant.clone(), by.clone());
        self.change(by, Terms::tenant(&tenant).takes_nothing(), move |tx| {
            register(tx, &origin, &tenant, &image, quota)
        })
        .await
    }

    async fn images(&self, tenant: &Tenant, service: ServiceId) -> Result<Option<Vec<ContainerImage>>> {
        self.read(|tx| {
            let Some(name) = tx.find(&name_of(tenant, service))? else { return Ok(None) };
            let images = tx.all(&Query::new(
                "SELECT number, label, digest, created_at FROM container_images
                 WHERE service = ?1 ORDER BY number DESC",
                values![service],
                |row| Ok((row.get(0)?, row.get(1)?, row.get::<DigestText>(2)?.0, row.get(3)?)),
            ))?;
            let images = images.into_iter().map(|(number, label, digest, created_at)| ContainerImage {
                name: ImageName { service: name.clone(), label, number },
                digest,
                created_at,
            });
            Ok(Some(images.collect()))
        })
        .await
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
        self.change(by, Terms::tenant(&tenant).takes_nothing(), move |tx| {
            delete(tx, &tenant, service, (&label, number), now)
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
        self.read_one(|tx| {
            tx.find(&Query::new(
                "SELECT m.digest, m.media_type, m.body
                 FROM tenants t
                 JOIN services s ON s.tenant = t.id
                 JOIN container_images i ON i.service = s.id
                 JOIN manifests m ON m.id = i.manifest
                 WHERE t.account = ?1 AND t.region = ?2 AND s.id = ?3 AND i.number = ?4 AND i.label = ?5",
                values![tenant.account.as_str(), tenant.region.as_str(), service, number, label],
                manifests::read_stored,
            ))
        })
        .await
    }

    async fn image_manifest_by_digest(
        &self,
        tenant: &Tenant,
        service: ServiceId,
        digest: &ManifestDigest,
    ) -> Result<Option<StoredManifest>> {
        self.read_one(|tx| {
            // The digest may be an image's own, or the digest of a manifest below it.
            tx.find(&Query::new(
                "SELECT m.digest, m.media_type, m.body
                 FROM (SELECT manifest FROM container_images WHERE service = ?3 AND digest = ?4
                       UNION ALL
                       SELECT manifest FROM image_manifests WHERE service = ?3 AND digest = ?4
                       LIMIT 1) AS found
                 CROSS JOIN services s CROSS JOIN tenants t CROSS JOIN manifests m
                 WHERE s.id = ?3 AND t.id = s.tenant AND t.account = ?1 AND t.region = ?2
                   AND m.id = found.manifest",
                values![tenant.account.as_str(), tenant.region.as_str(), service, *digest],
                manifests::read_stored,
            ))
        })
        .await
    }

    async fn image_blob(
        &self,
        tenant: &Tenant,
        service: ServiceId,
        digest: &Digest,
    ) -> Result<Option<StoredBlob>> {
        self.read_one(|tx| {
            tx.find(&Query::new(
                "SELECT x.size, x.key, x.damaged
                 FROM tenants t CROSS JOIN services s CROSS JOIN blobs x
                 WHERE t.account = ?1 AND t.region = ?2 AND s.id = ?3 AND s.tenant = t.id
                   AND x.tenant = t.id AND x.digest = ?4
                   AND EXISTS (SELECT 1 FROM image_blobs c WHERE c.blob = x.id AND c.service = s.id)",
                values![tenant.account.as_str(), tenant.region.as_str(), service, *digest],
                blobs::read_stored,
            ))
        })
        .await
    }
}

/// A complete manifest that may be registered.
struct Candidate {
    manifest: i64,
    contents: Contents,
}

fn register(
    tx: &dyn Tx,
    by: &Origin,
    tenant: &Tenant,
    image: &NewImage,
    quota: u32,
) -> Result<Outcome<ImageOutcome>> {
    // Queries that need no earlier answer are all sent at once.
    let service = tx.begin_lock(Level::Service, Lock::Update, numbered(tenant, image.service))?;
    let retried = begin_retried(tx, image)?;
    let count = tx.begin(Query::<i64>::column(
        "SELECT count(*) FROM container_images WHERE service = ?1",
        values![image.service],
    ))?;
    let places = Places::begin(tx, tenant, &image.digest)?;
    let acting = sources::Acting::begin(tx, by)?;
    let Some((service, last)) = service.find(tx)? else {
        return Ok(Outcome::Unchanged(ImageOutcome::NoSuchService));
    };
    if let Some((number, created_at)) = retried.map(|retried| retried.find(tx)).transpose()?.flatten() {
        let name = ImageName { service, label: image.label.clone(), number };
        let first = ContainerImage { name, digest: image.digest.to_string(), created_at };
        return Ok(Outcome::Unchanged(ImageOutcome::Registered(first)));
    }
    let source = acting.look(tx)?;
    let Some(Candidate { manifest, contents }) = places.find_whole(tx)? else {
        return Ok(Outcome::Unchanged(ImageOutcome::NoSuchManifest));
    };
    if contents.is_too_much() {
        return Ok(Outcome::Unchanged(ImageOutcome::TooManyContents));
    }
    if count.one(tx)? >= i64::from(quota) {
        return Ok(Outcome::Unchanged(ImageOutcome::QuotaReached));
    }
    let source = source.keep(tx)?;
    // From here on the rule waits for no answer.
    let held = "SELECT id FROM manifests WHERE id = ?1";
    tx.hold(Level::Manifest, Lock::Update, held, &values![manifest])?;
    let number = last + 1;
    tx.post("UPDATE services SET last_image_number = ?2 WHERE id = ?1", values![image.service, number])?;
    let (made_by, call) = rows::call(image.invocation.as_ref());
    tx.post(
        "INSERT INTO container_images (service, number, label, manifest, digest, created_at, made_by, invocation,
                                       source)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        values![
            image.service,
            number,
            &image.label,
            manifest,
            image.digest,
            image.created_at,
            made_by,
            call,
            source,
        ],
    )?;
    holds::closure::keep(tx, (image.service, number), &contents)?;
    holds::keep::refresh_each(tx, &[manifest])?;
    let name = ImageName { service, label: image.label.clone(), number };
    let digest = image.digest.to_string();
    let note = Note::of(EventKind::ImageRegistered, tenant).digest(&digest).subject(&name);
    let image = ContainerImage { name, digest, created_at: image.created_at };
    Ok(Outcome::Changed(ImageOutcome::Registered(image), note))
}

/// Ends a registration. Its recorded contents are deleted, and the grace period of its manifest begins.
fn delete(
    tx: &dyn Tx,
    tenant: &Tenant,
    service: ServiceId,
    (label, number): (&str, i64),
    now: Time,
) -> Result<Outcome<ImageDeleted>> {
    let Some(name) = lock_service(tx, tenant, service)? else {
        return Ok(Outcome::Unchanged(ImageDeleted::NoSuchService));
    };
    let find = "SELECT manifest FROM container_images WHERE service = ?1 AND number = ?2 AND label = ?3";
    let held = rows::lock_manifests(tx, find, values![service, number, label])?;
    if held.is_empty() {
        return Ok(Outcome::Unchanged(ImageDeleted::NoSuchImage));
    }
    if let Some(version) = deployments::made_of(tx, service, number)? {
        return Ok(Outcome::Unchanged(ImageDeleted::InUse(version)));
    }
    holds::closure::forget(tx, (service, number))?;
    let end = "DELETE FROM container_images WHERE service = ?1 AND number = ?2";
    tx.post(end, values![service, number])?;
    leases::let_go(tx, &held, now)?;
    let name = ImageName { service: name, label: label.to_owned(), number };
    let note = Note::of(EventKind::ImageDeleted, tenant).subject(&name);
    Ok(Outcome::Changed(ImageDeleted::Deleted, note))
}

/// Forgets all registrations of a service.
pub(crate) fn forget_all(tx: &dyn Tx, service: ServiceId) -> Result<()> {
    holds::closure::forget_all(tx, service)?;
    tx.post("DELETE FROM container_images WHERE service = ?1", values![service])
}

/// The repositories that have a manifest, and the manifest in each.
struct Places<'a> {
    /// The repositories. The second value tells whether the repository is `sr`.
    repositories: Asked<'a, (i64, bool)>,
    /// The manifests, each with its repository.
    manifests: Asked<'a, (i64, i64)>,
}

impl<'a> Places<'a> {
    fn begin(tx: &dyn Tx, tenant: &'a Tenant, digest: &Digest) -> Result<Self> {
        let values = values![*digest, tenant.account.as_str(), tenant.region.as_str()];
        // While these repositories are locked, nobody removes these manifests or their parts from them.
        let repositories = Query::new(
            "SELECT r.id, r.name = 'sr' FROM repositories r
             WHERE r.id IN (SELECT repository FROM manifests WHERE digest = ?1)
               AND EXISTS (SELECT 1 FROM tenants t WHERE t.id = r.tenant AND t.account = ?2 AND t.region = ?3)
             ORDER BY r.id",
            values.clone(),
            |row| Ok((row.get(0)?, row.get(1)?)),
        );
        let manifests = Query::new(
            "SELECT m.repository, m.id FROM manifests m
             WHERE m.digest = ?1 AND EXISTS (
                 SELECT 1 FROM repositories r CROSS JOIN tenants t
                 WHERE r.id = m.repository AND t.id = r.tenant AND t.account = ?2 AND t.region = ?3)
             ORDER BY m.id",
            values,
            |row| Ok((row.get(0)?, row.get(1)?)),
        );
        Ok(Self {
            repositories: tx.begin_lock(Level::Repository, Lock::Share, repositories)?,
            manifests: tx.begin(manifests)?,
        })
    }

    /// The manifest in the first repository that has it with everything that it references; `sr` comes first.
    fn find_whole(self, tx: &dyn Tx) -> Result<Option<Candidate>> {
        let (mut repositories, manifests) = (self.repositories.all(tx)?, self.manifests.all(tx)?);
        repositories.sort_by_key(|(_, is_default)| !is_default);
        for (repository, _) in repositories {
            let Some((_, manifest)) = manifests.iter().find(|(of, _)| *of == repository) else { continue };
            let contents = holds::closure::contents(tx, *manifest, Extent::OneImage)?;
            if contents.is_whole() {
                return Ok(Some(Candidate { manifest: *manifest, contents }));
            }
        }
        Ok(None)
    }
}

/// Asks for the image that an earlier attempt of the same invocation registered.
fn begin_retried<'a>(tx: &dyn Tx, image: &'a NewImage) -> Result<Option<Asked<'a, (i64, Time)>>> {
    let (Some(made_by), Some(call)) = rows::call(image.invocation.as_ref()) else { return Ok(None) };
    let asked = tx.begin(Query::new(
        "SELECT number, created_at FROM container_images
         WHERE service = ?1 AND made_by = ?2 AND invocation = ?3 AND label = ?4 AND digest = ?5",
        values![image.service, made_by, call, &image.label, image.digest],
        |row| Ok((row.get(0)?, row.get(1)?)),
    ))?;
    Ok(Some(asked))
}

/// Selects the name of a service of the tenant, and its last image number.
fn numbered(tenant: &Tenant, service: ServiceId) -> Query<'_, (String, i64)> {
    Query::new(
        "SELECT name, last_image_number FROM services
         WHERE id = ?1 AND tenant = (SELECT id FROM tenants WHERE account = ?2 AND region = ?3)",
        values![service, tenant.account.as_str(), tenant.region.as_str()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Locks a service of the tenant; returns its name.
fn lock_service(tx: &dyn Tx, tenant: &Tenant, service: ServiceId) -> Result<Option<String>> {
    tx.lock_one(Level::Service, Lock::Update, &name_of(tenant, service))
}

fn name_of(tenant: &Tenant, service: ServiceId) -> Query<'_, String> {
    Query::column(NAME, values![service, tenant.account.as_str(), tenant.region.as_str()])
}
