//! Deployments as they are kept.

use gangplank_core::{ServiceId, Tenant, Time};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{STATES, STEPS, small, value};
use crate::Result;
use crate::metadata::container_services::ContainerService;
use crate::metadata::deployments::{DeployedImage, DeployedService, Deployment, Registered, Rollout};
use crate::metadata::sqlite::container_services::{self, Key};
use crate::metadata::sqlite::rows;

const COLUMNS: &str = "version, state, sealed_spec, created_at, failure";

/// A service with its deployments.
pub(in crate::metadata::sqlite) fn deployed(
    connection: &Connection,
    tenant: &Tenant,
    service: ContainerService,
) -> Result<DeployedService> {
    let of = |version: Option<i64>| match version {
        Some(version) => find(connection, service.id, version),
        None => Ok(None),
    };
    let (current, next) = (of(service.current_version)?, of(service.next_version)?);
    let rollout = if next.is_some() { rollout(connection, service.id)? } else { None };
    Ok(DeployedService { tenant: tenant.clone(), service, current, next, rollout })
}

/// All deployments of a service, the newest first.
pub(super) fn list(connection: &Connection, service: ServiceId) -> Result<Vec<Deployment>> {
    let sql = format!("SELECT {COLUMNS} FROM deployments WHERE service = ?1 ORDER BY version DESC");
    let mut select = connection.prepare_cached(&sql)?;
    let found = select.query_map([service.0], |row| Ok(read(row)))?;
    found.map(|deployment| with_images(connection, service, deployment??)).collect()
}

/// The services that have to be looked after.
pub(super) fn to_run(connection: &Connection) -> Result<Vec<DeployedService>> {
    // In the words of the index's condition.
    let mut select = connection.prepare_cached(
        "SELECT t.account, t.region, s.tenant, s.id FROM services s CROSS JOIN tenants t
         WHERE s.is_disabled IN (0, 1) AND (s.last_version > 0 OR s.is_disabled = 1) AND t.id = s.tenant",
    )?;
    let mut found = select.query([])?;
    let mut services = Vec::new();
    while let Some(row) = found.next()? {
        let key = Key::Id(ServiceId(row.get(3)?));
        let Some(service) = container_services::find(connection, row.get(2)?, key)? else { continue };
        let runs = service.current_version.is_some() || service.next_version.is_some();
        if runs || service.is_updating || service.is_disabled {
            services.push(deployed(connection, &tenant(row)?, service)?);
        }
    }
    Ok(services)
}

fn find(connection: &Connection, service: ServiceId, version: i64) -> Result<Option<Deployment>> {
    let sql = format!("SELECT {COLUMNS} FROM deployments WHERE service = ?1 AND version = ?2");
    let mut find = connection.prepare_cached(&sql)?;
    let found = find.query_row([service.0, version], |row| Ok(read(row))).optional()?.transpose()?;
    found.map(|deployment| with_images(connection, service, deployment)).transpose()
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
    let read = |row: &Row<'_>| -> Result<Rollout> {
        Ok(Rollout {
            step: value(&STEPS, row.get_ref(0)?.as_str().unwrap_or_default())?,
            failures: small(row.get(1)?)?,
            message: row.get(2)?,
            deadline: Time(row.get(3)?),
        })
    };
    find.query_row(params![service.0], |row| Ok(read(row))).optional()?.transpose()
}

fn read(row: &Row<'_>) -> Result<Deployment> {
    Ok(Deployment {
        version: row.get(0)?,
        state: value(&STATES, row.get_ref(1)?.as_str().unwrap_or_default())?,
        sealed_spec: row.get(2)?,
        images: Vec::new(),
        created_at: Time(row.get(3)?),
        failure: row.get(4)?,
    })
}

/// Reads `account, region`, the first two columns.
pub(super) fn tenant(row: &Row<'_>) -> Result<Tenant> {
    Ok(Tenant {
        account: rows::account(row.get_ref(0)?.as_str().unwrap_or_default())?,
        region: rows::region(row.get_ref(1)?.as_str().unwrap_or_default())?,
    })
}
