//! Deployments: which containers a service runs, has run and is about to run.

use async_trait::async_trait;
use gangplank_core::deployment::{DeploymentState, Step};
pub use gangplank_core::power::{Promised, Room};
use gangplank_core::{Origin, ServiceId, Tenant, Time};

use super::Invocation;
use super::container_services::{ContainerService, ServiceOutcome};
use crate::{Result, StoreError};

/// How many deployments of a service are kept, the current one among them.
pub const KEPT: usize = 50;

/// A deployment as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Its number, from 1. A service never gives one twice.
    pub version: i64,
    /// Its state.
    pub state: DeploymentState,
    /// What it runs, sealed.
    pub sealed_spec: Vec<u8>,
    /// What its containers were made of, by the name of the container.
    pub images: Vec<DeployedImage>,
    /// When it was asked for.
    pub created_at: Time,
    /// Why it failed.
    pub failure: Option<String>,
}

/// The image of one container of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeployedImage {
    /// The container's name.
    pub container: String,
    /// The registration that it named, or that `latest` stood for.
    pub registered: Option<Registered>,
    /// The digest that runs. Of a public image it is known once it was pulled.
    pub digest: Option<String>,
}

/// A registration of the deployment's own service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Its label.
    pub label: String,
    /// Its number.
    pub number: i64,
}

/// A deployment to be made.
#[derive(Clone, Debug)]
pub struct NewDeployment {
    /// What it runs, sealed.
    pub sealed_spec: Vec<u8>,
    /// The image of each container.
    pub images: Vec<NewImage>,
    /// When, by the wall clock.
    pub created_at: Time,
    /// When it has failed if it is not active, by the steady time.
    pub deadline: Time,
    /// By which call.
    pub invocation: Option<Invocation>,
    /// What all services of the server together may be promised.
    pub room: Room,
}

/// The image of a container of a new deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewImage {
    /// The container's name.
    pub container: String,
    /// Where the image is from.
    pub source: ImageSource,
}

/// Where an image is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageSource {
    /// Registered on the service under this label, with this number; or with the highest.
    Registered {
        /// The label.
        label: String,
        /// The number; the highest of the label if `None`.
        number: Option<i64>,
    },
    /// A public registry.
    Public,
}

/// What became of a new deployment.
#[derive(Clone, Debug, PartialEq)]
pub enum DeploymentOutcome {
    /// It is the service's next; or, for a retry of one invocation, what the first attempt made.
    Made(Box<DeployedService>),
    /// There is no such service.
    NoSuchService,
    /// The deployment of this version, or a change of the service that runs it, has not come to its end.
    InProgress(i64),
    /// The service is disabled.
    Disabled,
    /// The image of this container is not registered.
    NoSuchImage(String),
    /// The machine has not so much to promise.
    TooLittleRoom(Promised),
}

/// A service with its deployments, read in one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct DeployedService {
    /// Whose it is.
    pub tenant: Tenant,
    /// The service.
    pub service: ContainerService,
    /// The deployment that serves.
    pub current: Option<Deployment>,
    /// The deployment that is on its way.
    pub next: Option<Deployment>,
    /// How far the next one is.
    pub rollout: Option<Rollout>,
}

/// The services that have to be looked after.
#[derive(Debug, Default)]
pub struct ToRun {
    /// Those that could be read.
    pub services: Vec<DeployedService>,
    /// Those that are damaged, and why they could not be read. Nobody knows what of them runs.
    pub unreadable: Vec<(ServiceId, StoreError)>,
}

/// How far a deployment on its way has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// What is being done.
    pub step: Step,
    /// How often containers of it have failed to start or ended.
    pub failures: u32,
    /// What people should know of the step.
    pub message: Option<String>,
    /// When it has failed, by the steady time.
    pub deadline: Time,
}

/// Keeps deployments.
#[async_trait]
pub trait Deployments: Send + Sync {
    /// Makes a service together with its first deployment, or neither. A retry of the invocation that made them gets
    /// the service again, as it now is, whatever the quota.
    async fn create_deployed_service(
        &self,
        by: &Origin,
        tenant: &Tenant,
        service: ContainerService,
        deployment: NewDeployment,
        quota: u32,
    ) -> Result<ServiceOutcome>;

    /// Makes the next deployment of a service, pins the digests of its registered images, and holds them. Of more than
    /// [`KEPT`] deployments the oldest that is not current is forgotten. A retry is the same invocation; whatever has
    /// become of the service since, it gets the first attempt's.
    async fn create_deployment(
        &self,
        by: &Origin,
        tenant: &Tenant,
        service: ServiceId,
        deployment: NewDeployment,
    ) -> Result<DeploymentOutcome>;

    /// A service's deployments, the newest first; `None` if there is no such service.
    async fn deployments(&self, tenant: &Tenant, service: ServiceId) -> Result<Option<Vec<Deployment>>>;

    /// One service with its deployments.
    async fn deployed_service(&self, tenant: &Tenant, service: ServiceId) -> Result<Option<DeployedService>>;

    /// The tenant's services with their deployments, by name.
    async fn deployed_services(&self, tenant: &Tenant) -> Result<Vec<DeployedService>>;

    /// The services of all tenants that have a deployment to run, or a change that has not come to its end, or are
    /// disabled. One that is damaged does not keep the others from being read.
    async fn services_to_run(&self) -> Result<ToRun>;

    /// Notes how far the next deployment is. `false` if this version is not on its way any more. What is noted may be
    /// lost when the power goes.
    async fn note_step(&self, service: ServiceId, version: i64, rollout: Rollout) -> Result<bool>;

    /// Pins the digest of a public image. The first one stays.
    async fn pin_image(&self, service: ServiceId, version: i64, container: &str, digest: &str) -> Result<()>;

    /// Makes the next deployment the current one, and the current one inactive. `false` if this version is not on its
    /// way any more.
    async fn activate_deployment(&self, by: &Origin, service: ServiceId, version: i64) -> Result<bool>;

    /// Ends the next deployment as failed; the current one stays. `false` if this version is not on its way any more.
    async fn fail_deployment(&self, by: &Origin, service: ServiceId, version: i64, why: &str)
    -> Result<bool>;

    /// Ends the change of a service that began it as its `change`-th
    /// ([`ContainerService::changes`](ContainerService)). `false` if another one has begun since.
    async fn settle_service(&self, service: ServiceId, change: i64) -> Result<bool>;
}
