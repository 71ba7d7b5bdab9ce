use async_trait::async_trait;
use gangplank_core::{ImageName, ServiceId, Tenant};
use gangplank_oci::Digest;

use super::{rows, sources};
use crate::Result;
use crate::metadata::container_images::ContainerImage;
use crate::metadata::engine::Engine;
use crate::metadata::provenance::{DigestSources, ImageSources, MOST_PUTS, Provenance, Puts, Source};
use crate::metadata::store::Store;
use crate::metadata::tx::{Query, Row, Tx, values};

#[async_trait]
impl<E: Engine> Provenance for Store<E> {
    async fn image_sources(
        &self,
        tenant: &Tenant,
        service: ServiceId,
        label: &str,
        number: i64,
    ) -> Result<Option<ImageSources>> {
        self.read(|tx| {
            let text = format!(
                "SELECT s.name, i.label, i.number, i.digest, i.created_at, i.manifest, {}
                 FROM tenants t CROSS JOIN services s CROSS JOIN container_images i
                 LEFT JOIN sources x ON x.id = i.source
                 WHERE t.account = ?1 AND t.region = ?2 AND s.id = ?3 AND s.tenant = t.id
                   AND i.service = s.id AND i.number = ?4 AND i.label = ?5",
                sources::COLUMNS
            );
            let key = values![tenant.account.as_str(), tenant.region.as_str(), service, number, label];
            let found = tx.find(&Query::new(&text, key, |row| {
                Ok((read_image(row)?, row.get::<i64>(5)?, sources::read(row, 6)?))
            }))?;
            let Some((image, manifest, registered)) = found else { return Ok(None) };
            Ok(Some(ImageSources { image, registered, puts: puts_of(tx, manifest)? }))
        })
        .await
    }

    async fn puts(&self, tenant: &Tenant, digest: &Digest) -> Result<Puts> {
        self.read(|tx| {
            let mut puts = Puts::default();
            for (manifest, repository) in with_digest(tx, tenant, digest)? {
                puts.repositories.push(repository);
                let owners: Vec<String> = tx.all(&Query::column(
                    "SELECT DISTINCT owner FROM manifest_puts WHERE manifest = ?1",
                    values![manifest],
                ))?;
                for owner in owners {
                    let owner = rows::owner(&owner)?;
                    if !puts.owners.contains(&owner) {
                        puts.owners.push(owner);
                    }
                }
            }
            Ok(puts)
        })
        .await
    }

    async fn digest_sources(&self, tenant: &Tenant, digest: &Digest) -> Result<DigestSources> {
        self.read(|tx| {
            let mut sources = DigestSources::default();
            for (manifest, repository) in with_digest(tx, tenant, digest)? {
                let puts = puts_of(tx, manifest)?;
                sources.puts.extend(puts.into_iter().map(|source| (repository.clone(), source)));
                sources.registered.append(&mut registered_as(tx, manifest)?);
            }
            sources.puts.truncate(MOST_PUTS);
            sources.registered.sort_by_key(|(image, _)| (image.created_at, image.name.number));
            sources.registered.truncate(MOST_PUTS);
            Ok(sources)
        })
        .await
    }
}

/// The manifests of the tenant with this digest, each with the name of its repository.
fn with_digest(tx: &dyn Tx, tenant: &Tenant, digest: &Digest) -> Result<Vec<(i64, String)>> {
    tx.all(&Query::new(
        "SELECT m.id, r.name FROM manifests m CROSS JOIN repositories r CROSS JOIN tenants t
         WHERE m.digest = ?1 AND r.id = m.repository AND t.id = r.tenant
           AND t.account = ?2 AND t.region = ?3",
        values![*digest, tenant.account.as_str(), tenant.region.as_str()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    ))
}

/// The registrations of a manifest, each with who made it.
fn registered_as(tx: &dyn Tx, manifest: i64) -> Result<Vec<(ContainerImage, Option<Source>)>> {
    let text = format!(
        "SELECT s.name, i.label, i.number, i.digest, i.created_at, {}
         FROM container_images i CROSS JOIN services s LEFT JOIN sources x ON x.id = i.source
         WHERE i.manifest = ?1 AND s.id = i.service",
        sources::COLUMNS
    );
    tx.all(&Query::new(&text, values![manifest], |row| Ok((read_image(row)?, sources::read(row, 5)?))))
}

/// Reads `service, label, number, digest, created_at`, the first five columns.
fn read_image(row: &Row<'_>) -> Result<ContainerImage> {
    let name = ImageName { service: row.get(0)?, label: row.get(1)?, number: row.get(2)? };
    let digest: Digest = row.get(3)?;
    Ok(ContainerImage { name, digest: digest.to_string(), created_at: row.get(4)? })
}

/// Who put a manifest: each source once, in the order of the first puts.
fn puts_of(tx: &dyn Tx, manifest: i64) -> Result<Vec<Source>> {
    let mut puts: Vec<Source> = Vec::new();
    let text = "SELECT p.owner, x.session, x.claims, x.description
        FROM manifest_puts p LEFT JOIN sources x ON x.id = p.source
        WHERE p.manifest = ?1 ORDER BY p.id";
    tx.query(text, &values![manifest], &mut |row| {
        if let Some(source) = sources::read(row, 0)?
            && puts.len() < MOST_PUTS
            && !puts.contains(&source)
        {
            puts.push(source);
        }
        Ok(())
    })?;
    Ok(puts)
}
