//! The images of deployments: pinned when a deployment is made, and held until it ends.

use gangplank_core::{ServiceId, Time};
use gangplank_oci::Digest;

use crate::Result;
use crate::metadata::deployments::{DeployedImage, ImageSource, NewImage, Registered};
use crate::metadata::rules::holds;
use crate::metadata::rules::{leases, rows};
use crate::metadata::tx::{Query, Tx, values};

/// Finds the registered images. While the service is locked, nobody deletes them. The inner error names the
/// first container whose image does not exist.
pub(super) fn pin(
    tx: &dyn Tx,
    service: ServiceId,
    images: &[NewImage],
) -> Result<std::result::Result<Vec<DeployedImage>, String>> {
    let registered = images.iter().filter_map(|image| match &image.source {
        ImageSource::Registered { label, number } => {
            Some((label, number.map_or((0, i64::MAX), |it| (it, it))))
        }
        ImageSource::Public => None,
    });
    // Without a number the newest image of the label is meant.
    let registrations = tx.find_each(
        "SELECT number, digest FROM container_images
         WHERE service = ?1 AND label = ?2 AND number BETWEEN ?3 AND ?4 ORDER BY number DESC LIMIT 1",
        registered.map(|(label, (least, most))| values![service, label, least, most]),
        |row| Ok((row.get(0)?, row.get::<Digest>(1)?)),
    )?;
    let (mut registrations, mut pinned) = (registrations.into_iter(), Vec::with_capacity(images.len()));
    for image in images {
        let ImageSource::Registered { label, .. } = &image.source else {
            pinned.push(public(image));
            continue;
        };
        let Some((number, digest)) = registrations.next().flatten() else {
            return Ok(Err(image.container.clone()));
        };
        let registered = Some(Registered { label: label.clone(), number });
        let digest = Some(digest.to_string());
        pinned.push(DeployedImage { container: image.container.clone(), registered, digest });
    }
    Ok(Ok(pinned))
}

/// Pins the images of a new service, which has no registered ones.
pub(super) fn pin_public(images: &[NewImage]) -> std::result::Result<Vec<DeployedImage>, String> {
    let pin = |image: &NewImage| match image.source {
        ImageSource::Registered { .. } => Err(image.container.clone()),
        ImageSource::Public => Ok(public(image)),
    };
    images.iter().map(pin).collect()
}

fn public(NewImage { container, .. }: &NewImage) -> DeployedImage {
    DeployedImage { container: container.clone(), registered: None, digest: None }
}

/// Records the images of a deployment, and holds their manifests.
pub(super) fn keep(
    tx: &dyn Tx,
    (service, version): (ServiceId, i64),
    images: &[DeployedImage],
) -> Result<()> {
    tx.post_each(
        "INSERT INTO deployment_images (service, version, container, label, number, digest)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        images.iter().map(|DeployedImage { container, registered, digest }| {
            let (label, number) = registered.as_ref().map(|it| (it.label.as_str(), it.number)).unzip();
            values![service, version, container, label, number, digest]
        }),
    )?;
    let held = rows::lock_manifests(
        tx,
        "SELECT i.manifest FROM deployment_images d CROSS JOIN container_images i
         WHERE d.service = ?1 AND d.version = ?2 AND i.service = d.service AND i.number = d.number",
        values![service, version],
    )?;
    tx.post_each(
        "INSERT INTO deployment_manifests (manifest, service, version) VALUES (?1, ?2, ?3)",
        held.iter().map(|manifest| values![*manifest, service, version]),
    )?;
    holds::keep::refresh_each(tx, &held)
}

/// Ends the holds of a deployment. The grace period of manifests that nothing else holds begins.
pub(super) fn let_go(tx: &dyn Tx, (service, version): (ServiceId, i64), now: Time) -> Result<()> {
    let held = rows::lock_manifests(
        tx,
        "SELECT manifest FROM deployment_manifests WHERE service = ?1 AND version = ?2",
        values![service, version],
    )?;
    let end = "DELETE FROM deployment_manifests WHERE service = ?1 AND version = ?2";
    tx.post(end, values![service, version])?;
    leases::let_go(tx, &held, now)
}

/// The version of the current or next deployment, if it uses this registration.
pub(crate) fn made_of(tx: &dyn Tx, service: ServiceId, number: i64) -> Result<Option<i64>> {
    tx.find(&Query::column(
        "SELECT i.version FROM services s CROSS JOIN deployment_images i
         WHERE s.id = ?1 AND i.service = s.id AND i.version IN (s.current_version, s.next_version)
           AND i.number = ?2
         LIMIT 1",
        values![service, number],
    ))
}
