//! Reads deployments.

use gangplank_core::deployment::{DeploymentState, Step};
use gangplank_core::{ServiceId, Tenant};

use super::{STATES, STEPS, value};
use crate::metadata::container_services::ContainerService;
use crate::metadata::deployments::{DeployedImage, DeployedService, Deployment, Registered, Rollout, ToRun};
use crate::metadata::rules::{container_services, service_domains};
use crate::metadata::tx::{Query, Row, Tx, Value, values};
use crate::{Result, StoreError};

const COLUMNS: &str = "version, state, sealed_spec, created_at, failure";

/// A service with its deployments.
pub(crate) fn deployed(tx: &dyn Tx, tenant: &Tenant, service: ContainerService) -> Result<DeployedService> {
    let found = all_deployed(tx, vec![(tenant.clone(), service)])?.pop();
    found.ok_or_else(|| StoreError::damaged("a service has gone"))
}

/// Services with their deployments.
pub(super) fn all_deployed(
    tx: &dyn Tx,
    services: Vec<(Tenant, ContainerService)>,
) -> Result<Vec<DeployedService>> {
    let runs = |service: &ContainerService| [service.current_version, service.next_version];
    let keys = services
        .iter()
        .flat_map(|(_, service)| runs(service).into_iter().flatten().map(|version| (service.id, version)));
    let keys: Vec<(ServiceId, i64)> = keys.collect();
    let text = format!("SELECT {COLUMNS} FROM deployments WHERE service = ?1 AND version = ?2");
    let mut found = tx.find_each(&text, keys.iter().map(|(id, version)| values![*id, *version]), read)?;
    let images = with_images(tx, &keys)?;
    for (found, images) in found.iter_mut().zip(images) {
        if let Some(found) = found {
            found.deployment.images = images;
        }
    }
    let waiting = services.iter().filter(|(_, service)| service.next_version.is_some());
    let rollouts = tx.find_each(
        "SELECT step, failures, message, deadline FROM rollouts WHERE service = ?1",
        waiting.map(|(_, service)| values![service.id]),
        read_rollout,
    )?;
    let (mut found, mut rollouts) = (found.into_iter(), rollouts.into_iter());
    let deployed = services.into_iter().map(|(tenant, service)| {
        let [current, next] = runs(&service).map(|version| {
            let found = version.and_then(|_| found.next().flatten());
            found.map(|found| found.of(&service))
        });
        let rollout = service.next_version.and_then(|_| rollouts.next().flatten());
        let rollout = if next.is_some() { rollout } else { None };
        DeployedService { tenant, service, current, next, rollout }
    });
    Ok(deployed.collect())
}

/// All deployments of a service, the newest first.
pub(super) fn list(tx: &dyn Tx, service: &ContainerService) -> Result<Vec<Deployment>> {
    let text = format!("SELECT {COLUMNS} FROM deployments WHERE service = ?1 ORDER BY version DESC");
    let found = tx.all(&Query::new(&text, values![service.id], read))?;
    let keys: Vec<_> = found.iter().map(|found| (service.id, found.deployment.version)).collect();
    let images = with_images(tx, &keys)?;
    let with_images = found.into_iter().zip(images).map(|(found, images)| {
        let deployment = found.of(service);
        Deployment { images, ..deployment }
    });
    Ok(with_images.collect())
}

/// The services that the deployer has to run or to stop.
pub(super) fn to_run(tx: &dyn Tx) -> Result<ToRun> {
    let (mut services, mut unreadable) = (Vec::new(), Vec::new());
    for found in container_services::list_to_run(tx)? {
        match found {
            Ok((tenant, service)) => {
                let runs = service.current_version.is_some() || service.next_version.is_some();
                if runs || service.is_updating || service.is_disabled {
                    services.push((tenant, service));
                }
            }
            Err((id, error)) => unreadable.push((id, only_damage(error)?)),
        }
    }
    match complete(tx, services.clone()) {
        Ok(services) => return Ok(ToRun { services, unreadable }),
        Err(error) => drop(only_damage(error)?),
    }
    // At least one service is damaged. If the services are read one by one, the others can still run.
    let mut all = ToRun { services: Vec::new(), unreadable };
    for (tenant, service) in services {
        let id = service.id;
        match complete(tx, vec![(tenant, service)]) {
            Ok(service) => all.services.extend(service),
            Err(error) => all.unreadable.push((id, only_damage(error)?)),
        }
    }
    Ok(all)
}

fn only_damage(error: StoreError) -> Result<StoreError> {
    if matches!(error, StoreError::Damaged(_)) { Ok(error) } else { Err(error) }
}

fn complete(tx: &dyn Tx, services: Vec<(Tenant, ContainerService)>) -> Result<Vec<DeployedService>> {
    let (tenants, mut services): (Vec<_>, Vec<_>) = services.into_iter().unzip();
    service_domains::add_to(tx, &mut services)?;
    all_deployed(tx, tenants.into_iter().zip(services).collect())
}

/// The images of each of these deployments.
fn with_images(tx: &dyn Tx, keys: &[(ServiceId, i64)]) -> Result<Vec<Vec<DeployedImage>>> {
    let mut images: Vec<Vec<DeployedImage>> = vec![Vec::new(); keys.len()];
    let keys: Vec<Value<'_>> =
        keys.iter().flat_map(|(service, version)| values![*service, *version]).collect();
    let text = "SELECT container, label, number, digest FROM deployment_images
                WHERE service = ?1 AND version = ?2 ORDER BY container";
    tx.query_each(text, 2, &keys, &mut |at, row| {
        let registered = row.get::<Option<String>>(1)?.zip(row.get(2)?);
        let registered = registered.map(|(label, number)| Registered { label, number });
        images[at].push(DeployedImage { container: row.get(0)?, registered, digest: row.get(3)? });
        Ok(())
    })?;
    Ok(images)
}

fn read_rollout(row: &Row<'_>) -> Result<Rollout> {
    Ok(Rollout {
        // The step is only shown to people. The deployer finds out by itself which step is next.
        step: value(&STEPS, row.text(0)?).unwrap_or(Step::CreatingDeployment),
        failures: u32::try_from(row.get::<i64>(1)?).unwrap_or_default(),
        message: row.get(2)?,
        deadline: row.get(3)?,
    })
}

/// A deployment as its row says.
struct Found {
    deployment: Deployment,
    /// `None` if the word in the row is damaged.
    state: Option<DeploymentState>,
}

impl Found {
    fn of(self, service: &ContainerService) -> Deployment {
        // A damaged state must not keep the service from running. The service's row also says which deployments
        // are current and next.
        let from_service = || match Some(self.deployment.version) {
            current if current == service.current_version => DeploymentState::Active,
            next if next == service.next_version => DeploymentState::Activating,
            _ => DeploymentState::Inactive,
        };
        Deployment { state: self.state.unwrap_or_else(from_service), ..self.deployment }
    }
}

fn read(row: &Row<'_>) -> Result<Found> {
    let deployment = Deployment {
        version: row.get(0)?,
        state: DeploymentState::Inactive,
        sealed_spec: row.get(2)?,
        images: Vec::new(),
        created_at: row.get(3)?,
        failure: row.get(4)?,
    };
    Ok(Found { deployment, state: value(&STATES, row.text(1)?) })
}
