//! How deployments come about, and how they are forgotten.

use gangplank_core::deployment::{DeploymentState, Step};
use gangplank_core::{EventKind, ServiceId, Tenant, Time};
use rusqlite::{Connection, params};

use super::images::{self, Pinned};
use super::{STATES, STEPS, deployed, find, room, subject, word};
use crate::Result;
use crate::metadata::Invocation;
use crate::metadata::container_services::{ContainerService, ServiceOutcome};
use crate::metadata::deployments::{DeploymentOutcome, KEPT, NewDeployment};
use crate::metadata::sqlite::audit::Note;
use crate::metadata::sqlite::doors::Outcome;

pub(super) fn create(
    connection: &Connection,
    tenant: &Tenant,
    service: ServiceId,
    new: &NewDeployment,
) -> Result<Outcome<DeploymentOutcome>> {
    let Some(mut service) = find(connection, tenant, service)? else {
        return Ok(Outcome::Unchanged(DeploymentOutcome::NoSuchService));
    };
    if is_made(connection, service.id, new.invocation.as_ref())? {
        return Ok(Outcome::Unchanged(made(connection, tenant, service)?));
    }
    if service.is_disabled {
        return Ok(Outcome::Unchanged(DeploymentOutcome::Disabled));
    }
    if let Some(version) = service.in_progress() {
        return Ok(Outcome::Unchanged(DeploymentOutcome::InProgress(version)));
    }
    let images = match images::pin(connection, service.id, &new.images)? {
        Ok(images) => images,
        Err(container) => return Ok(Outcome::Unchanged(DeploymentOutcome::NoSuchImage(container))),
    };
    if let Some(promised) = room::exceeds(connection, &service, &with_next(&service), new.room)? {
        return Ok(Outcome::Unchanged(DeploymentOutcome::TooLittleRoom(promised)));
    }
    let version = make(connection, &mut service, new, &images)?;
    let note = Note::of(EventKind::CreateContainerServiceDeployment, tenant);
    let note = note.subject(subject(&service.name, version));
    Ok(Outcome::Changed(made(connection, tenant, service)?, note))
}

fn made(connection: &Connection, tenant: &Tenant, service: ContainerService) -> Result<DeploymentOutcome> {
    Ok(DeploymentOutcome::Made(Box::new(deployed(connection, tenant, service)?)))
}

/// Why a service that is about to be made cannot have this first deployment.
pub(in crate::metadata::sqlite) fn refuse_first(
    connection: &Connection,
    service: &ContainerService,
    new: &NewDeployment,
) -> Result<Option<ServiceOutcome>> {
    if let Err(container) = images::pin(connection, service.id, &new.images)? {
        return Ok(Some(ServiceOutcome::NoSuchImage(container)));
    }
    let promised = room::exceeds(connection, service, &with_next(service), new.room)?;
    Ok(promised.map(ServiceOutcome::TooLittleRoom))
}

/// Makes the first deployment of a service.
pub(in crate::metadata::sqlite) fn make_first(
    connection: &Connection,
    service: &mut ContainerService,
    new: &NewDeployment,
) -> Result<()> {
    if let Ok(images) = images::pin(connection, service.id, &new.images)? {
        make(connection, service, new, &images)?;
    }
    Ok(())
}

/// A service as it would be.
fn with_next(service: &ContainerService) -> ContainerService {
    let next = service.last_version + 1;
    ContainerService { last_version: next, next_version: Some(next), ..service.clone() }
}

/// Whether an earlier attempt of this call has made its deployment.
fn is_made(connection: &Connection, service: ServiceId, invocation: Option<&Invocation>) -> Result<bool> {
    let Some(Invocation { owner, id }) = invocation else { return Ok(false) };
    let mut find = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM deployments WHERE service = ?1 AND made_by = ?2 AND invocation = ?3)",
    )?;
    Ok(find.query_row(params![service.0, owner.as_str(), id], |row| row.get(0))?)
}

fn make(
    connection: &Connection,
    service: &mut ContainerService,
    new: &NewDeployment,
    images: &[Pinned],
) -> Result<i64> {
    let id = service.id;
    *service = with_next(service);
    let version = service.last_version;
    let (made_by, invocation) =
        new.invocation.as_ref().map(|made_by| (made_by.owner.as_str(), made_by.id.as_str())).unzip();
    let mut insert = connection.prepare_cached(
        "INSERT INTO deployments (service, version, state, sealed_spec, created_at, made_by, invocation)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let state = word(&STATES, DeploymentState::Activating);
    insert.execute(params![id.0, version, state, new.sealed_spec, new.created_at.0, made_by, invocation])?;
    connection
        .prepare_cached("UPDATE services SET last_version = ?2, next_version = ?2 WHERE id = ?1")?
        .execute([id.0, version])?;
    images::keep(connection, (id, version), images)?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO rollouts (service, version, step, failures, deadline) VALUES (?1, ?2, ?3, 0, ?4)",
    )?;
    insert.execute(params![id.0, version, word(&STEPS, Step::CreatingDeployment), new.deadline.0])?;
    forget_oldest(connection, service)?;
    Ok(version)
}

/// Forgets what is more than a service keeps, the oldest first, but never what it runs.
fn forget_oldest(connection: &Connection, service: &ContainerService) -> Result<()> {
    let mut select = connection.prepare_cached(
        "SELECT version FROM deployments
         WHERE service = ?1 AND version NOT IN (coalesce(?2, 0), coalesce(?3, 0)) ORDER BY version DESC",
    )?;
    let values = params![service.id.0, service.current_version, service.next_version];
    let others = select.query_map(values, |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    let running =
        usize::from(service.current_version.is_some()) + usize::from(service.next_version.is_some());
    for version in others.iter().skip(KEPT - running) {
        forget(connection, service.id, *version)?;
    }
    Ok(())
}

/// Forgets a deployment that holds nothing.
fn forget(connection: &Connection, service: ServiceId, version: i64) -> Result<()> {
    for sql in [
        "DELETE FROM deployment_images WHERE service = ?1 AND version = ?2",
        "DELETE FROM deployments WHERE service = ?1 AND version = ?2",
    ] {
        connection.prepare_cached(sql)?.execute([service.0, version])?;
    }
    Ok(())
}

/// Forgets all deployments of a service, and lets go of what they hold.
pub(in crate::metadata::sqlite) fn forget_all(
    connection: &Connection,
    service: ServiceId,
    now: Time,
) -> Result<()> {
    super::end_rollout(connection, service)?;
    connection
        .prepare_cached("UPDATE services SET current_version = NULL, next_version = NULL WHERE id = ?1")?
        .execute([service.0])?;
    let mut select = connection.prepare_cached("SELECT version FROM deployments WHERE service = ?1")?;
    let versions =
        select.query_map([service.0], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    for version in versions {
        images::let_go(connection, (service, version), now)?;
        forget(connection, service, version)?;
    }
    Ok(())
}
