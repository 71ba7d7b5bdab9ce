//! Makes deployments, and forgets old ones.

use gangplank_core::deployment::{DeploymentState, Step};
use gangplank_core::{EventKind, ServiceId, Tenant};

use super::images;
use super::{STATES, STEPS, deployed, room, subject, word};
use crate::Result;
use crate::metadata::Invocation;
use crate::metadata::container_services::{ContainerService, ServiceOutcome};
use crate::metadata::deployments::{DeployedImage, DeploymentOutcome, KEPT, NewDeployment};
use crate::metadata::rules::audit::Note;
use crate::metadata::rules::{container_services, rows};
use crate::metadata::store::Outcome;
use crate::metadata::tx::{Named, Query, Tx, values};

pub(super) fn create(
    tx: &dyn Tx,
    tenant: &Tenant,
    service: ServiceId,
    new: &NewDeployment,
) -> Result<Outcome<DeploymentOutcome>> {
    tx.lock_named(Named::Room)?;
    let Some(locked) = container_services::lock(tx, tenant, service)? else {
        return Ok(Outcome::Unchanged(DeploymentOutcome::NoSuchService));
    };
    let mut service = locked.service;
    if is_made(tx, service.id, new.invocation.as_ref())? {
        return Ok(Outcome::Unchanged(made(tx, tenant, service)?));
    }
    if service.is_disabled {
        return Ok(Outcome::Unchanged(DeploymentOutcome::Disabled));
    }
    if let Some(version) = service.in_progress() {
        return Ok(Outcome::Unchanged(DeploymentOutcome::InProgress(version)));
    }
    let images = match images::pin(tx, service.id, &new.images)? {
        Ok(images) => images,
        Err(container) => return Ok(Outcome::Unchanged(DeploymentOutcome::NoSuchImage(container))),
    };
    if let Some(promised) = room::exceeds(tx, &service, &with_next(&service), new.room)? {
        return Ok(Outcome::Unchanged(DeploymentOutcome::TooLittleRoom(promised)));
    }
    make(tx, &mut service, new, &images)?;
    let note = Note::of(EventKind::CreateContainerServiceDeployment, tenant);
    let note = note.subject(subject(&service.name, service.last_version));
    Ok(Outcome::Changed(made(tx, tenant, service)?, note))
}

fn made(tx: &dyn Tx, tenant: &Tenant, service: ContainerService) -> Result<DeploymentOutcome> {
    Ok(DeploymentOutcome::Made(Box::new(deployed(tx, tenant, service)?)))
}

/// Checks the first deployment of a service that is about to be made. Returns its images, or the refusal.
pub(crate) fn admit_first(
    tx: &dyn Tx,
    service: &ContainerService,
    new: &NewDeployment,
) -> Result<std::result::Result<Vec<DeployedImage>, ServiceOutcome>> {
    let images = match images::pin_public(&new.images) {
        Ok(images) => images,
        Err(container) => return Ok(Err(ServiceOutcome::NoSuchImage(container))),
    };
    let promised = room::exceeds(tx, service, &with_next(service), new.room)?;
    Ok(promised.map_or(Ok(images), |promised| Err(ServiceOutcome::TooLittleRoom(promised))))
}

/// The service as it will be with its next deployment.
fn with_next(service: &ContainerService) -> ContainerService {
    let next = service.last_version + 1;
    ContainerService { last_version: next, next_version: Some(next), ..service.clone() }
}

/// Whether an earlier attempt of this call has made a deployment.
fn is_made(tx: &dyn Tx, service: ServiceId, invocation: Option<&Invocation>) -> Result<bool> {
    let (Some(made_by), Some(call)) = rows::call(invocation) else { return Ok(false) };
    tx.one(&Query::column(
        "SELECT EXISTS (SELECT 1 FROM deployments WHERE service = ?1 AND made_by = ?2 AND invocation = ?3)",
        values![service, made_by, call],
    ))
}

/// Makes the next deployment of a locked service.
pub(crate) fn make(
    tx: &dyn Tx,
    service: &mut ContainerService,
    new: &NewDeployment,
    images: &[DeployedImage],
) -> Result<()> {
    let id = service.id;
    *service = with_next(service);
    let version = service.last_version;
    let (made_by, call) = rows::call(new.invocation.as_ref());
    let state = word(&STATES, DeploymentState::Activating);
    tx.post(
        "INSERT INTO deployments (service, version, state, sealed_spec, created_at, made_by, invocation)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        values![id, version, state, &new.sealed_spec, new.created_at, made_by, call],
    )?;
    tx.post("UPDATE services SET last_version = ?2, next_version = ?2 WHERE id = ?1", values![id, version])?;
    images::keep(tx, (id, version), images)?;
    tx.post(
        "INSERT INTO rollouts (service, version, step, failures, deadline) VALUES (?1, ?2, ?3, 0, ?4)",
        values![id, version, word(&STEPS, Step::CreatingDeployment), new.deadline],
    )?;
    forget_oldest(tx, service)
}

/// Keeps at most [`KEPT`] deployments. The oldest go first, but never the current and the next one. Ended
/// deployments hold no images.
fn forget_oldest(tx: &dyn Tx, service: &ContainerService) -> Result<()> {
    let others: Vec<i64> = tx.all(&Query::column(
        "SELECT version FROM deployments
         WHERE service = ?1 AND version NOT IN (?2, ?3) ORDER BY version DESC",
        values![service.id, service.current_version.unwrap_or(0), service.next_version.unwrap_or(0)],
    ))?;
    let running =
        usize::from(service.current_version.is_some()) + usize::from(service.next_version.is_some());
    let oldest = others.get(KEPT - running..).unwrap_or_default();
    for text in [
        "DELETE FROM deployment_images WHERE service = ?1 AND version = ?2",
        "DELETE FROM deployments WHERE service = ?1 AND version = ?2",
    ] {
        tx.post_each(text, oldest.iter().map(|version| values![service.id, *version]))?;
    }
    Ok(())
}

/// Deletes all deployments of a service, and their holds.
pub(crate) fn forget_all(tx: &dyn Tx, service: ServiceId) -> Result<()> {
    super::end_rollout(tx, service)?;
    for text in [
        "UPDATE services SET current_version = NULL, next_version = NULL WHERE id = ?1",
        "DELETE FROM deployment_manifests WHERE service = ?1",
        "DELETE FROM deployment_images WHERE service = ?1",
        "DELETE FROM deployments WHERE service = ?1",
    ] {
        tx.post(text, values![service])?;
    }
    Ok(())
}
