//! Deployments: the containers that a service ran, runs and is about to run.

use async_trait::async_trait;
use gangplank_core::deployment::{DeploymentState, Step};
pub use gangplank_core::power::{Promised, Room};
use gangplank_core::{Origin, ServiceId, Tenant, Time};

use super::Invocation;
use super::container_services::{ContainerService, ServiceOutcome};
use crate::{Result, StoreError};

/// How many deployments of a service are stored, the current one included.
pub const KEPT: usize = 50;

/// A deployment, as its row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Its number, from 1. A service never uses a number twice.
    pub version: i64,
    /// Its state.
    pub state: DeploymentState,
    /// Its containers and endpoint, sealed.
    pub sealed_spec: Vec<u8>,
    /// The image of each container.
    pub images: Vec<DeployedImage>,
    /// When it was requested, by the wall clock.
    pub created_at: Time,
    /// Why it failed; `None` if it did not.
    pub failure: Option<String>,
}

/// The image of one container of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeployedImage {
    /// The container's name.
    pub container: String,
    /// The registration that it named, or that `latest` stood for; `None` for a public image.
    pub registered: Option<Registered>,
    /// The digest that runs. The digest of a public image is known after its pull.
    pub digest: Option<String>,
}

/// A registered image of the deployment's own service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Its label.
    pub label: String,
    /// Its number.
    pub number: i64,
}

/// A deployment to make.
#[derive(Clone, Debug)]
pub struct NewDeployment {
    /// Its containers and endpoint, sealed.
    pub sealed_spec: Vec<u8>,
    /// The image of each container.
    pub images: Vec<NewImage>,
    /// When it was requested, by the wall clock.
    pub created_at: Time,
    /// If the deployment is not active at this steady time, it fails.
    pub deadline: Time,
    /// The call that makes it.
    pub invocation: Option<Invocation>,
    /// The resources that all services of the server may have together.
    pub room: Room,
}

/// The image of a container of a new deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewImage {
    /// The container's name.
    pub container: String,
    /// Where its image comes from.
    pub source: ImageSource,
}

/// Where an image comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageSource {
    /// An image registered on the service.
    Registered {
        /// Its label.
        label: String,
        /// Its number; `None` for the highest of the label.
        number: Option<i64>,
    },
    /// An image in a public registry.
    Public,
}

/// The outcome of making a deployment.
#[derive(Clone, Debug, PartialEq)]
pub enum DeploymentOutcome {
    /// The service with the deployment as its next one. A retry of the same call gets the deployment of the
    /// first attempt.
    Made(Box<DeployedService>),
    /// There is no such service.
    NoSuchService,
    /// The deployment of this version, or an update of the service that runs it, is not finished.
    InProgress(i64),
    /// The service is disabled.
    Disabled,
    /// The image of this container is not registered.
    NoSuchImage(String),
    /// The machine has too few resources left to promise.
    TooLittleRoom(Promised),
}

/// A service with its deployments, all read at the same moment.
#[derive(Clone, Debug, PartialEq)]
pub struct DeployedService {
    /// The tenant that it belongs to.
    pub tenant: Tenant,
    /// The service.
    pub service: ContainerService,
    /// The deployment that serves.
    pub current: Option<Deployment>,
    /// The deployment that is being started.
    pub next: Option<Deployment>,
    /// The progress of the next one.
    pub rollout: Option<Rollout>,
}

/// The services for the deployer.
#[derive(Debug, Default)]
pub struct ToRun {
    /// The services whose rows can be read.
    pub services: Vec<DeployedService>,
    /// The services whose rows are damaged, each with the error. Nobody knows which containers they should run.
    pub unreadable: Vec<(ServiceId, StoreError)>,
}

/// The progress of a deployment that is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// Its present step.
    pub step: Step,
    /// How often its containers failed to start or ended.
    pub failures: u32,
    /// A message about the step for people.
    pub message: Option<String>,
    /// If the deployment is not active at this time, it fails; by the steady time.
    pub deadline: Time,
}

/// Stores deployments.
#[async_trait]
pub trait Deployments: Send + Sync {
    /// Makes a service and its first deployment, or neither. A retry of the call that made them gets the
    /// service in its present state, whatever the quota.
    async fn create_deployed_service(
        &self,
        by: &Origin,
        tenant: &Tenant,
        service: ContainerService,
        deployment: NewDeployment,
        quota: u32,
    ) -> Result<ServiceOutcome>;

    /// Makes the next deployment of a service. It pins the digests of its registered images and holds them.
    /// Beyond [`KEPT`] deployments the oldest one is forgotten, but never the current one. A retry of the same
    /// call gets the first attempt's deployment, whatever happened to the service since.
    async fn create_deployment(
        &self,
        by: &Origin,
        tenant: &Tenant,
        service: ServiceId,
        deployment: NewDeployment,
    ) -> Result<DeploymentOutcome>;

    /// The deployments of a service, newest first; `None` if there is no such service.
    async fn deployments(&self, tenant: &Tenant, service: ServiceId) -> Result<Option<Vec<Deployment>>>;

    /// One service with its deployments.
    async fn deployed_service(&self, tenant: &Tenant, service: ServiceId) -> Result<Option<DeployedService>>;

    /// The tenant's services with their deployments, by name.
    async fn deployed_services(&self, tenant: &Tenant) -> Result<Vec<DeployedService>>;

    /// The services of all tenants that run a deployment, have an unfinished update or are disabled. A damaged
    /// service does not prevent the others from being read.
    async fn services_to_run(&self) -> Result<ToRun>;

    /// Records the progress of the next deployment. `false` if this version is not on its way any more. A power
    /// cut may lose the record.
    async fn note_step(&self, service: ServiceId, version: i64, rollout: Rollout) -> Result<bool>;

    /// Pins the digest of a public image. A digest that is pinned already stays.
    async fn pin_image(&self, service: ServiceId, version: i64, container: &str, digest: &str) -> Result<()>;

    /// Makes the next deployment the current one, and the current one inactive. `false` if this version is not on its
    /// way any more.
    async fn activate_deployment(&self, by: &Origin, service: ServiceId, version: i64) -> Result<bool>;

    /// Marks the next deployment as failed. The current one stays. `false` if this version is not on its way
    /// any more.
    async fn fail_deployment(&self, by: &Origin, service: ServiceId, version: i64, why: &str)
    -> Result<bool>;

    /// Ends the update that the `change`-th change of a service began
    /// ([`ContainerService::changes`](ContainerService)). `false` if the service has changed again since.
    async fn settle_service(&self, service: ServiceId, change: i64) -> Result<bool>;
}
