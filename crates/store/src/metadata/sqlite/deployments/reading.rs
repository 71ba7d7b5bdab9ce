//! Deployments as they are kept.

use gangplank_core::deployment::{DeploymentState, Step};
use gangplank_core::{ServiceId, Tenant, Time};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{STATES, STEPS, value};
use crate::metadata::container_services::ContainerService;
use crate::metadata::deployments::{DeployedImage, DeployedService, Deployment, Registered, Rollout, ToRun};
use crate::metadata::sqlite::container_services::{self, Key};
use crate::metadata::sqlite::rows;
use crate::{Result, StoreError};

const COLUMNS: &str = "version, state, sealed_spec, created_at, failure";

/// A service with its deployments.
pub(in crate::metadata::sqlite) fn deployed(
    connection: &Connection,
    tenant: &Tenant,
    service: ContainerService,
) -> Result<DeployedService> {
    let of = |version: Option<i64>| match version {
        Some(version) => find(connection, &service, version),
        None => Ok(None),
    };
    let (current, next) = (of(service.current_version)?, of(service.next_version)?);
    let rollout = if next.is_some() { rollout(connection, service.id)? } else { None };
    Ok(DeployedService { tenant: tenant.clone(), service, current, next, rollout })
}

/// All deployments of a service, the newest first.
pub(super) fn list(connection: &Connection, service: &ContainerService) -> Result<Vec<Deployment>> {
    let sql = format!("SELECT {COLUMNS} FROM deployments WHERE service = ?1 ORDER BY version DESC");
    let mut select = connection.prepare_cached(&sql)?;
    let found = select.query_map([service.id.0], |row| read(row, service))?;
    found.map(|deployment| with_images(connection, service.id, deployment?)).collect()
}

/// The services that have to be looked after.
pub(super) fn to_run(connection: &Connection) -> Result<ToRun> {
    // In the words of the index's condition.
    let mut select = connection.prepare_cached(
        "SELECT t.account, t.region, s.tenant, s.id FROM services s CROSS JOIN tenants t
         WHERE s.is_disabled IN (0, 1) AND (s.last_version > 0 OR s.is_disabled = 1) AND t.id = s.tenant",
    )?;
    let mut found = select.query([])?;
    let mut all = ToRun::default();
    while let Some(row) = found.next()? {
        let id = ServiceId(row.get(3)?);
        match one_to_run(connection, id, row) {
            Ok(found) => all.services.extend(found),
            Err(error @ StoreError::Damaged(_)) => all.unreadable.push((id, error)),
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

fn one_to_run(connection: &Connection, id: ServiceId, row: &Row<'_>) -> Result<Option<DeployedService>> {
    let tenant = rows::tenant(&crate::metadata::tx::Row::new(row))?;
    let found = container_services::find(connection, row.get(2)?, Key::Id(id))?;
    let found = found.filter(|service| {
        let runs = service.current_version.is_some() || service.next_version.is_some();
        runs || service.is_updating || service.is_disabled
    });
    found.map(|service| deployed(connection, &tenant, service)).transpose()
}

fn find(connection: &Connection, service: &ContainerService, version: i64) -> Result<Option<Deployment>> {
    let sql = format!("SELECT {COLUMNS} FROM deployments WHERE service = ?1 AND version = ?2");
    let mut find = connection.prepare_cached(&sql)?;
    let found = find.query_row([service.id.0, version], |row| read(row, service)).optional()?;
    found.map(|deployment| with_images(connection, service.id, deployment)).transpose()
}

fn with_images(
    connection: &Connection,
    service: ServiceId,
    mut deployment: Deployment,
) -> Result<Deployment> {
    let mut select = connection.prepare_cached(
        "SELECT container, label, number, digest FROM deployment_images
         WHERE service = ?1 AND version = ?2 ORDER BY container",
    )?;
    let images = select.query_map([service.0, deployment.version], |row| {
        let registered = row.get::<_, Option<String>>(1)?.zip(row.get(2)?);
        let registered = registered.map(|(label, number)| Registered { label, number });
        Ok(DeployedImage { container: row.get(0)?, registered, digest: row.get(3)? })
    })?;
    deployment.images = images.collect::<rusqlite::Result<_>>()?;
    Ok(deployment)
}

fn rollout(connection: &Connection, service: ServiceId) -> Result<Option<Rollout>> {
    let mut find = connection
        .prepare_cached("SELECT step, failures, message, deadline FROM rollouts WHERE service = ?1")?;
    let read = |row: &Row<'_>| {
        let step = value(&STEPS, row.get_ref(0)?.as_str().unwrap_or_default());
        Ok(Rollout {
            // It is found out anew what there is to do: the step is only shown.
            step: step.unwrap_or(Step::CreatingDeployment),
            failures: u32::try_from(row.get::<_, i64>(1)?).unwrap_or_default(),
            message: row.get(2)?,
            deadline: Time(row.get(3)?),
        })
    };
    Ok(find.query_row(params![service.0], read).optional()?)
}

fn read(row: &Row<'_>, service: &ContainerService) -> rusqlite::Result<Deployment> {
    let version = row.get(0)?;
    let state = value(&STATES, row.get_ref(1)?.as_str().unwrap_or_default());
    // A damaged state must not keep the service from running: its own row says which deployments do.
    let from_service = || match Some(version) {
        current if current == service.current_version => DeploymentState::Active,
        next if next == service.next_version => DeploymentState::Activating,
        _ => DeploymentState::Inactive,
    };
    Ok(Deployment {
        version,
        state: state.unwrap_or_else(from_service),
        sealed_spec: row.get(2)?,
        images: Vec::new(),
        created_at: Time(row.get(3)?),
        failure: row.get(4)?,
    })
}
