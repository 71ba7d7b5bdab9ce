//! Makes, ends and forgets deployments.

mod images;
mod making;
mod reading;
mod room;

use async_trait::async_trait;
use gangplank_core::deployment::{DeploymentState, Step};
use gangplank_core::{EventKind, Origin, ServiceId, Tenant};

use super::audit::Note;
use super::container_services::{self, Key};
use super::rows;
use crate::Result;
use crate::metadata::container_services::{ContainerService, ServiceOutcome};
use crate::metadata::deployments::{
    DeployedService, Deployment, DeploymentOutcome, Deployments, NewDeployment, Rollout, ToRun,
};
use crate::metadata::engine::{Engine, Terms, Whose};
use crate::metadata::store::{Outcome, Store};
use crate::metadata::tx::{Level, Lock, Query, Tx, values};

pub(crate) use images::made_of;
pub(crate) use making::{admit_first, forget_all, make};
pub(crate) use reading::deployed;
pub(crate) use room::exceeds;

/// The word for each state in a row.
const STATES: [(DeploymentState, &str); 4] = [
    (DeploymentState::Activating, "activating"),
    (DeploymentState::Active, "active"),
    (DeploymentState::Inactive, "inactive"),
    (DeploymentState::Failed, "failed"),
];

/// The word that a row has for each step.
const STEPS: [(Step, &str); 4] = [
    (Step::CreatingDeployment, "creating"),
    (Step::EvaluatingHealthCheck, "evaluating"),
    (Step::ActivatingDeployment, "activating"),
    (Step::ProvisioningService, "provisioning"),
];

/// How many characters of a failure's reason the audit trail records.
const MAX_REASON: usize = 256;

#[async_trait]
impl<E: Engine> Deployments for Store<E> {
    async fn create_deployed_service(
        &self,
        by: &Origin,
        tenant: &Tenant,
        service: ContainerService,
        deployment: NewDeployment,
        quota: u32,
    ) -> Result<ServiceOutcome> {
        let tenant = tenant.clone();
        self.change(by, Terms::tenant(&tenant).tells_runners(), move |tx| {
            let call = deployment.invocation.as_ref();
            container_services::create(tx, &tenant, &service, Some(&deployment), call, quota)
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
        self.change(by, Terms::tenant(&tenant).takes_nothing().tells_runners(), move |tx| {
            making::create(tx, &tenant, service, &deployment)
        })
        .await
    }

    async fn deployments(&self, tenant: &Tenant, service: ServiceId) -> Result<Option<Vec<Deployment>>> {
        self.read(|tx| match container_services::find(tx, tenant, Key::Id(service))? {
            Some(service) => reading::list(tx, &service).map(Some),
            None => Ok(None),
        })
        .await
    }

    async fn deployed_service(&self, tenant: &Tenant, service: ServiceId) -> Result<Option<DeployedService>> {
        self.read(|tx| {
            let found = container_services::find(tx, tenant, Key::Id(service))?;
            found.map(|service| deployed(tx, tenant, service)).transpose()
        })
        .await
    }

    async fn deployed_services(&self, tenant: &Tenant) -> Result<Vec<DeployedService>> {
        self.read(|tx| {
            let services = container_services::list(tx, tenant)?.into_iter();
            reading::all_deployed(tx, services.map(|service| (tenant.clone(), service)).collect())
        })
        .await
    }

    async fn services_to_run(&self) -> Result<ToRun> {
        self.read_long(Whose::Server, reading::to_run).await
    }

    async fn note_step(&self, service: ServiceId, version: i64, rollout: Rollout) -> Result<bool> {
        self.upkeep(Terms::server().takes_nothing().visible().repeatable(), move |tx| {
            let Rollout { step, failures, message, deadline } = &rollout;
            let step = word(&STEPS, *step);
            let changed = tx.run(
                "UPDATE rollouts SET step = ?3, failures = ?4, message = ?5, deadline = ?6
                 WHERE service = ?1 AND version = ?2",
                values![service, version, step, *failures, message, *deadline],
            )?;
            Ok(changed == 1)
        })
        .await
    }

    async fn pin_image(&self, service: ServiceId, version: i64, container: &str, digest: &str) -> Result<()> {
        let (container, digest) = (container.to_owned(), digest.to_owned());
        self.upkeep(Terms::server().takes_nothing().repeatable(), move |tx| {
            tx.post(
                "UPDATE deployment_images SET digest = ?4
                 WHERE service = ?1 AND version = ?2 AND container = ?3 AND digest IS NULL",
                values![service, version, &container, &digest],
            )
        })
        .await
    }

    async fn activate_deployment(&self, by: &Origin, service: ServiceId, version: i64) -> Result<bool> {
        let now = by.steady;
        self.change(by, Terms::server().takes_nothing(), move |tx| {
            let Some(of) = lock_on_its_way(tx, service, version)? else {
                return Ok(Outcome::Unchanged(false));
            };
            if let Some(current) = of.current {
                images::let_go(tx, (service, current), now)?;
                set_state(tx, (service, current), DeploymentState::Inactive, None)?;
            }
            set_state(tx, (service, version), DeploymentState::Active, None)?;
            tx.post(
                "UPDATE services SET current_version = ?2, next_version = NULL WHERE id = ?1",
                values![service, version],
            )?;
            end_rollout(tx, service)?;
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
        self.change(by, Terms::server().takes_nothing(), move |tx| {
            let Some(of) = lock_on_its_way(tx, service, version)? else {
                return Ok(Outcome::Unchanged(false));
            };
            images::let_go(tx, (service, version), now)?;
            set_state(tx, (service, version), DeploymentState::Failed, Some(&why))?;
            tx.post("UPDATE services SET next_version = NULL WHERE id = ?1", values![service])?;
            end_rollout(tx, service)?;
            let reason: String = why.chars().take(MAX_REASON).collect();
            let note = Note::of(EventKind::DeploymentFailed, &of.tenant).reason(reason);
            Ok(Outcome::Changed(true, note.subject(subject(&of.name, version))))
        })
        .await
    }

    async fn settle_service(&self, service: ServiceId, change: i64) -> Result<bool> {
        self.upkeep(Terms::server().takes_nothing().repeatable(), move |tx| {
            let settle = "UPDATE services SET is_updating = 0 WHERE id = ?1 AND changes = ?2";
            Ok(tx.run(settle, values![service, change])? == 1)
        })
        .await
    }
}

/// The name of a deployment in the audit trail. Service names contain no dots.
fn subject(service: &str, version: i64) -> String {
    format!("{service}.{version}")
}

/// A service whose next deployment is about to end or to become current.
struct OnItsWay {
    tenant: Tenant,
    name: String,
    current: Option<i64>,
}

fn lock_on_its_way(tx: &dyn Tx, service: ServiceId, version: i64) -> Result<Option<OnItsWay>> {
    tx.lock_one(
        Level::Service,
        Lock::Update,
        &Query::new(
            "SELECT (SELECT t.account FROM tenants t WHERE t.id = s.tenant),
                    (SELECT t.region FROM tenants t WHERE t.id = s.tenant), s.name, s.current_version
             FROM services s WHERE s.id = ?1 AND s.next_version = ?2",
            values![service, version],
            |row| Ok(OnItsWay { tenant: rows::tenant(row)?, name: row.get(2)?, current: row.get(3)? }),
        ),
    )
}

fn set_state(
    tx: &dyn Tx,
    (service, version): (ServiceId, i64),
    state: DeploymentState,
    failure: Option<&str>,
) -> Result<()> {
    tx.post(
        "UPDATE deployments SET state = ?3, failure = ?4 WHERE service = ?1 AND version = ?2",
        values![service, version, word(&STATES, state), failure],
    )
}

fn end_rollout(tx: &dyn Tx, service: ServiceId) -> Result<()> {
    tx.post("DELETE FROM rollouts WHERE service = ?1", values![service])
}

/// The word that stands for a value in a row.
fn word<T: Copy + PartialEq>(words: &[(T, &'static str)], value: T) -> &'static str {
    words.iter().find(|(it, _)| *it == value).map_or("", |(_, word)| word)
}

/// The value that a word in a row stands for; `None` if this program never writes the word.
fn value<T: Copy>(words: &[(T, &'static str)], text: &str) -> Option<T> {
    words.iter().find(|(_, word)| *word == text).map(|(it, _)| *it)
}
