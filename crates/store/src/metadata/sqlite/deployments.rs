//! Deployments: made, brought to their end, and forgotten.

mod images;
mod making;
mod reading;
mod room;

use async_trait::async_trait;
use gangplank_core::deployment::{DeploymentState, Step};
use gangplank_core::{EventKind, Origin, ServiceId, Tenant};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::audit::Note;
use super::container_services::{self, Key};
use super::doors::Outcome;
use super::writer::Whose;
use super::{Sqlite, rows};
use crate::Result;
use crate::metadata::cache::Touched;
use crate::metadata::container_services::{ContainerService, ServiceOutcome};
use crate::metadata::deployments::{
    DeployedService, Deployment, DeploymentOutcome, Deployments, NewDeployment, Rollout, ToRun,
};
use crate::metadata::sqlite::transaction::Transaction;

pub(super) use images::made_of;
pub(super) use making::{forget_all, make_first, refuse_first};
pub(super) use reading::deployed;
pub(super) use room::exceeds;

/// How a state is kept.
const STATES: [(DeploymentState, &str); 4] = [
    (DeploymentState::Activating, "activating"),
    (DeploymentState::Active, "active"),
    (DeploymentState::Inactive, "inactive"),
    (DeploymentState::Failed, "failed"),
];

/// How a step is kept.
const STEPS: [(Step, &str); 4] = [
    (Step::CreatingDeployment, "creating"),
    (Step::EvaluatingHealthCheck, "evaluating"),
    (Step::ActivatingDeployment, "activating"),
    (Step::ProvisioningService, "provisioning"),
];

/// How much of the reason of a failure the audit trail tells, in characters.
const MAX_REASON: usize = 256;

#[async_trait]
impl Deployments for Sqlite {
    async fn create_deployed_service(
        &self,
        by: &Origin,
        tenant: &Tenant,
        service: ContainerService,
        deployment: NewDeployment,
        quota: u32,
    ) -> Result<ServiceOutcome> {
        let tenant = tenant.clone();
        self.engine
            .doors
            .change(by, Whose::of(&tenant), Touched::EVERYTHING, move |connection| {
                let invocation = deployment.invocation.clone();
                container_services::create(connection, &tenant, service, Some(deployment), invocation, quota)
            })
            .await
    }

    async fn create_deployment(
        &self,
        by: &Origin,
        tenant: &Tenant,
        service: ServiceId,
        deployment: NewDeployment,
    ) -> Result<DeploymentOutcome> {
        let tenant = tenant.clone();
        self.engine
            .doors
            .change(by, Whose::of(&tenant), Touched::NOTHING, move |connection| {
                making::create(connection, &tenant, service, &deployment)
            })
            .await
    }

    async fn deployments(&self, tenant: &Tenant, service: ServiceId) -> Result<Option<Vec<Deployment>>> {
        self.engine.read(|connection| match find(connection, tenant, service)? {
            Some(service) => reading::list(connection, &service).map(Some),
            None => Ok(None),
        })
    }

    async fn deployed_service(&self, tenant: &Tenant, service: ServiceId) -> Result<Option<DeployedService>> {
        self.engine.read(|connection| {
            let found = find(connection, tenant, service)?;
            found.map(|service| deployed(connection, tenant, service)).transpose()
        })
    }

    async fn deployed_services(&self, tenant: &Tenant) -> Result<Vec<DeployedService>> {
        self.engine.read(|connection| {
            let Some(row) = rows::find_tenant(&Transaction(connection), tenant)? else {
                return Ok(Vec::new());
            };
            let services = container_services::list(connection, row)?;
            services.into_iter().map(|service| deployed(connection, tenant, service)).collect()
        })
    }

    async fn services_to_run(&self) -> Result<ToRun> {
        self.engine.read_long(Whose::Server, reading::to_run).await
    }

    async fn note_step(&self, service: ServiceId, version: i64, rollout: Rollout) -> Result<bool> {
        self.engine
            .doors
            .upkeep_unsynced(Whose::Server, move |connection| {
                let mut update = connection.prepare_cached(
                    "UPDATE rollouts SET step = ?3, failures = ?4, message = ?5, deadline = ?6
                     WHERE service = ?1 AND version = ?2",
                )?;
                let Rollout { step, failures, message, deadline } = rollout;
                let step = word(&STEPS, step);
                let values = params![service.0, version, step, failures, message, deadline.0];
                Ok(update.execute(values)? == 1)
            })
            .await
    }

    async fn pin_image(&self, service: ServiceId, version: i64, container: &str, digest: &str) -> Result<()> {
        let (container, digest) = (container.to_owned(), digest.to_owned());
        self.engine
            .doors
            .upkeep(Whose::Server, Touched::NOTHING, move |connection| {
                let mut update = connection.prepare_cached(
                    "UPDATE deployment_images SET digest = ?4
                     WHERE service = ?1 AND version = ?2 AND container = ?3 AND digest IS NULL",
                )?;
                update.execute(params![service.0, version, container, digest])?;
                Ok(())
            })
            .await
    }

    async fn activate_deployment(&self, by: &Origin, service: ServiceId, version: i64) -> Result<bool> {
        let now = by.steady;
        self.engine
            .doors
            .change(by, Whose::Server, Touched::NOTHING, move |connection| {
                let Some(of) = on_its_way(connection, service, version)? else {
                    return Ok(Outcome::Unchanged(false));
                };
                if let Some(current) = of.current {
                    set_state(connection, (service, current), DeploymentState::Inactive, None)?;
                    images::let_go(connection, (service, current), now)?;
                }
                set_state(connection, (service, version), DeploymentState::Active, None)?;
                connection
                    .prepare_cached(
                        "UPDATE services SET current_version = ?2, next_version = NULL WHERE id = ?1",
                    )?
                    .execute([service.0, version])?;
                end_rollout(connection, service)?;
                let note = Note::of(EventKind::DeploymentActivated, &of.tenant);
                Ok(Outcome::Changed(true, note.subject(subject(&of.name, version))))
            })
            .await
    }

    async fn fail_deployment(
        &self,
        by: &Origin,
        service: ServiceId,
        version: i64,
        why: &str,
    ) -> Result<bool> {
        let (now, why) = (by.steady, why.to_owned());
        self.engine
            .doors
            .change(by, Whose::Server, Touched::NOTHING, move |connection| {
                let Some(of) = on_its_way(connection, service, version)? else {
                    return Ok(Outcome::Unchanged(false));
                };
                set_state(connection, (service, version), DeploymentState::Failed, Some(&why))?;
                images::let_go(connection, (service, version), now)?;
                connection
                    .prepare_cached("UPDATE services SET next_version = NULL WHERE id = ?1")?
                    .execute([service.0])?;
                end_rollout(connection, service)?;
                let reason: String = why.chars().take(MAX_REASON).collect();
                let note = Note::of(EventKind::DeploymentFailed, &of.tenant).reason(reason);
                Ok(Outcome::Changed(true, note.subject(subject(&of.name, version))))
            })
            .await
    }

    async fn settle_service(&self, service: ServiceId, change: i64) -> Result<bool> {
        self.engine
            .doors
            .upkeep(Whose::Server, Touched::NOTHING, move |connection| {
                let mut settle = connection
                    .prepare_cached("UPDATE services SET is_updating = 0 WHERE id = ?1 AND changes = ?2")?;
                Ok(settle.execute([service.0, change])? == 1)
            })
            .await
    }
}

fn find(connection: &Connection, tenant: &Tenant, service: ServiceId) -> Result<Option<ContainerService>> {
    match rows::find_tenant(&Transaction(connection), tenant)? {
        Some(tenant) => container_services::find(connection, tenant, Key::Id(service)),
        None => Ok(None),
    }
}

/// How the audit trail calls a deployment. Names of services have no dots.
fn subject(service: &str, version: i64) -> String {
    format!("{service}.{version}")
}

/// A service whose next deployment is meant.
struct OnItsWay {
    tenant: Tenant,
    name: String,
    current: Option<i64>,
}

fn on_its_way(connection: &Connection, service: ServiceId, version: i64) -> Result<Option<OnItsWay>> {
    let mut find = connection.prepare_cached(
        "SELECT t.account, t.region, s.name, s.current_version FROM services s CROSS JOIN tenants t
         WHERE s.id = ?1 AND s.next_version = ?2 AND t.id = s.tenant",
    )?;
    let found = find.query_row([service.0, version], |row| {
        let current = row.get(3)?;
        let name = row.get(2)?;
        Ok(rows::tenant(&crate::metadata::tx::Row::new(row)).map(|tenant| OnItsWay { tenant, name, current }))
    });
    found.optional()?.transpose()
}

fn set_state(
    connection: &Connection,
    (service, version): (ServiceId, i64),
    state: DeploymentState,
    failure: Option<&str>,
) -> Result<()> {
    let mut update = connection.prepare_cached(
        "UPDATE deployments SET state = ?3, failure = ?4 WHERE service = ?1 AND version = ?2",
    )?;
    update.execute(params![service.0, version, word(&STATES, state), failure])?;
    Ok(())
}

fn end_rollout(connection: &Connection, service: ServiceId) -> Result<()> {
    connection.prepare_cached("DELETE FROM rollouts WHERE service = ?1")?.execute([service.0])?;
    Ok(())
}

/// The word that a value is kept as.
fn word<T: Copy + PartialEq>(words: &[(T, &'static str)], value: T) -> &'static str {
    words.iter().find(|(it, _)| *it == value).map_or("", |(_, word)| word)
}

/// The value that a word stands for, if this program writes it.
fn value<T: Copy>(words: &[(T, &'static str)], text: &str) -> Option<T> {
    words.iter().find(|(_, word)| *word == text).map(|(it, _)| *it)
}
