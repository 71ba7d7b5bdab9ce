use async_trait::async_trait;
use gangplank_core::{ImageName, ServiceId, Tenant, Time};
use gangplank_oci::Digest;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Sqlite, rows, sources};
use crate::Result;
use crate::metadata::container_images::ContainerImage;
use crate::metadata::provenance::{DigestSources, ImageSources, MOST_PUTS, Provenance, Puts, Source};

#[async_trait]
impl Provenance for Sqlite {
    async fn image_sources(
        &self,
        tenant: &Tenant,
        service: ServiceId,
        label: &str,
        number: i64,
    ) -> Result<Option<ImageSources>> {
        self.engine.read(|connection| {
            let columns = sources::COLUMNS;
            let mut find = connection.prepare_cached(&format!(
                "SELECT s.name, i.digest, i.created_at, i.manifest, {columns}
                 FROM tenants t CROSS JOIN services s CROSS JOIN container_images i
                 LEFT JOIN sources x ON x.id = i.source
                 WHERE t.account = ?1 AND t.region = ?2 AND s.id = ?3 AND s.tenant = t.id
                   AND i.service = s.id AND i.number = ?4 AND i.label = ?5"
            ))?;
            let key = params![tenant.account.as_str(), tenant.region.as_str(), service.0, number, label];
            let found = find.query_row(key, |row| {
                let image = ContainerImage {
                    name: ImageName { service: row.get(0)?, label: label.to_owned(), number },
                    digest: row.get(1)?,
                    created_at: Time(row.get(2)?),
                };
                Ok((image, row.get::<_, i64>(3)?, sources::read(&crate::metadata::tx::Row::new(row), 4)))
            });
            let Some((image, manifest, registered)) = found.optional()? else { return Ok(None) };
            let (registered, puts) = (registered?, puts_of(connection, manifest)?);
            Ok(Some(ImageSources { image, registered, puts }))
        })
    }

    async fn puts(&self, tenant: &Tenant, digest: &Digest) -> Result<Puts> {
        self.engine.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT m.id, r.name FROM manifests m CROSS JOIN repositories r CROSS JOIN tenants t
                 WHERE m.digest = ?1 AND r.id = m.repository AND t.id = r.tenant
                   AND t.account = ?2 AND t.region = ?3",
            )?;
            let key = params![digest.to_string(), tenant.account.as_str(), tenant.region.as_str()];
            let found = select.query_map(key, |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))?;
            let mut puts = Puts::default();
            for found in found {
                let (manifest, repository) = found?;
                puts.repositories.push(repository);
                let mut owners = connection
                    .prepare_cached("SELECT DISTINCT owner FROM manifest_puts WHERE manifest = ?1")?;
                for owner in owners.query_map([manifest], |row| row.get::<_, String>(0))? {
                    let owner = rows::owner(&owner?)?;
                    if !puts.owners.contains(&owner) {
                        puts.owners.push(owner);
                    }
                }
            }
            Ok(puts)
        })
    }

    async fn digest_sources(&self, tenant: &Tenant, digest: &Digest) -> Result<DigestSources> {
        self.engine.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT m.id, r.name FROM manifests m CROSS JOIN repositories r CROSS JOIN tenants t
                 WHERE m.digest = ?1 AND r.id = m.repository AND t.id = r.tenant
                   AND t.account = ?2 AND t.region = ?3",
            )?;
            let key = params![digest.to_string(), tenant.account.as_str(), tenant.region.as_str()];
            let found = select.query_map(key, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
            let mut sources = DigestSources::default();
            for found in found {
                let (manifest, repository) = found?;
                let puts = puts_of(connection, manifest)?;
                sources.puts.extend(puts.into_iter().map(|source| (repository.clone(), source)));
                registered_as(connection, manifest, &mut sources.registered)?;
            }
            sources.puts.truncate(MOST_PUTS);
            sources.registered.sort_by_key(|(image, _)| (image.created_at, image.name.number));
            sources.registered.truncate(MOST_PUTS);
            Ok(sources)
        })
    }
}

/// As what a manifest is registered, and by whom.
fn registered_as(
    connection: &Connection,
    manifest: i64,
    registered: &mut Vec<(ContainerImage, Option<Source>)>,
) -> Result<()> {
    let columns = sources::COLUMNS;
    let mut select = connection.prepare_cached(&format!(
        "SELECT s.name, i.label, i.number, i.digest, i.created_at, {columns}
         FROM container_images i CROSS JOIN services s LEFT JOIN sources x ON x.id = i.source
         WHERE i.manifest = ?1 AND s.id = i.service"
    ))?;
    let mut found = select.query([manifest])?;
    while let Some(row) = found.next()? {
        let name = ImageName { service: row.get(0)?, label: row.get(1)?, number: row.get(2)? };
        let image = ContainerImage { name, digest: row.get(3)?, created_at: Time(row.get(4)?) };
        registered.push((image, sources::read(&crate::metadata::tx::Row::new(row), 5)?));
    }
    Ok(())
}

/// Who put a manifest, each once, the first first.
fn puts_of(connection: &Connection, manifest: i64) -> Result<Vec<Source>> {
    let mut select = connection.prepare_cached(
        "SELECT p.owner, x.session, x.claims, x.description
         FROM manifest_puts p LEFT JOIN sources x ON x.id = p.source
         WHERE p.manifest = ?1 ORDER BY p.rowid",
    )?;
    let mut puts: Vec<Source> = Vec::new();
    let mut found = select.query([manifest])?;
    while let Some(row) = found.next()? {
        if let Some(source) = sources::read(&crate::metadata::tx::Row::new(row), 0)?
            && !puts.contains(&source)
        {
            puts.push(source);
            if puts.len() == MOST_PUTS {
                break;
            }
        }
    }
    Ok(puts)
}
