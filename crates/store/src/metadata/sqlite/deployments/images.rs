//! What deployments are made of: pinned when they are made, held as long as they run or are to run.

use gangplank_core::{Renewal, ServiceId, Time};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::Result;
use crate::metadata::deployments::{DeployedImage, ImageSource, NewImage, Registered};
use crate::metadata::sqlite::transaction::Transaction;
use crate::metadata::sqlite::{holds, leases};

/// An image as it is found when its deployment is made.
pub(super) struct Pinned {
    image: DeployedImage,
    manifest: Option<i64>,
}

/// Finds the registrations that images name, which no other call can take away now. Fails with the container whose
/// image there is not.
pub(super) fn pin(
    connection: &Connection,
    service: ServiceId,
    images: &[NewImage],
) -> Result<std::result::Result<Vec<Pinned>, String>> {
    let mut pinned = Vec::with_capacity(images.len());
    for NewImage { container, source } in images {
        let ImageSource::Registered { label, number } = source else {
            let image = DeployedImage { container: container.clone(), registered: None, digest: None };
            pinned.push(Pinned { image, manifest: None });
            continue;
        };
        let Some((number, manifest, digest)) = registration(connection, service, label, *number)? else {
            return Ok(Err(container.clone()));
        };
        let registered = Some(Registered { label: label.clone(), number });
        let image = DeployedImage { container: container.clone(), registered, digest: Some(digest) };
        pinned.push(Pinned { image, manifest: Some(manifest) });
    }
    Ok(Ok(pinned))
}

/// The number, manifest and digest of a registration; of the newest of its label if no number is given.
fn registration(
    connection: &Connection,
    service: ServiceId,
    label: &str,
    number: Option<i64>,
) -> Result<Option<(i64, i64, String)>> {
    let mut find = connection.prepare_cached(
        "SELECT number, manifest, digest FROM container_images
         WHERE service = ?1 AND label = ?2 AND number BETWEEN ?3 AND ?4 ORDER BY number DESC LIMIT 1",
    )?;
    let (least, most) = number.map_or((0, i64::MAX), |number| (number, number));
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    Ok(find.query_row(params![service.0, label, least, most], read).optional()?)
}

/// Keeps what a deployment is made of, and holds it.
pub(super) fn keep(
    connection: &Connection,
    (service, version): (ServiceId, i64),
    images: &[Pinned],
) -> Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO deployment_images (service, version, container, label, number, digest)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    // Two containers may run one image.
    let mut hold = connection.prepare_cached(
        "INSERT INTO deployment_manifests (manifest, service, version) VALUES (?1, ?2, ?3)
         ON CONFLICT (manifest, service, version) DO NOTHING",
    )?;
    for Pinned { image: DeployedImage { container, registered, digest }, manifest } in images {
        let (label, number) = registered.as_ref().map(|it| (it.label.as_str(), it.number)).unzip();
        insert.execute(params![service.0, version, container, label, number, digest])?;
        if let Some(manifest) = manifest {
            hold.execute([*manifest, service.0, version])?;
            holds::keep::refresh(connection, *manifest)?;
        }
    }
    Ok(())
}

/// Lets go of what a deployment was made of: the grace period of what nothing else holds begins.
pub(super) fn let_go(connection: &Connection, (service, version): (ServiceId, i64), now: Time) -> Result<()> {
    let mut end = connection.prepare_cached(
        "DELETE FROM deployment_manifests WHERE service = ?1 AND version = ?2 RETURNING manifest",
    )?;
    let manifests = end.query_map([service.0, version], |row| row.get(0))?;
    for manifest in manifests.collect::<rusqlite::Result<Vec<i64>>>()? {
        holds::keep::refresh(connection, manifest)?;
        leases::renew_manifest(&Transaction(connection), manifest, Renewal::at(now))?;
    }
    Ok(())
}

/// The version of the current or the next deployment, if it is made of this registration.
pub(in crate::metadata::sqlite) fn made_of(
    connection: &Connection,
    service: ServiceId,
    number: i64,
) -> Result<Option<i64>> {
    let mut find = connection.prepare_cached(
        "SELECT i.version FROM services s CROSS JOIN deployment_images i
         WHERE s.id = ?1 AND i.service = s.id AND i.version IN (s.current_version, s.next_version)
           AND i.number = ?2
         LIMIT 1",
    )?;
    Ok(find.query_row([service.0, number], |row| row.get(0)).optional()?)
}
