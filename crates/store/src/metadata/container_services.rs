//! Container services. Images are registered on them, and they run deployments.

use async_trait::async_trait;
pub use gangplank_core::container_service::{ContainerService, ServiceChange, ServiceUpdate};
use gangplank_core::{Origin, ServiceId, Tenant, Time};

use super::Invocation;
use super::deployments::{DeployedService, Promised};
use crate::Result;

/// The outcome of making or changing a service.
#[derive(Clone, Debug, PartialEq)]
pub enum ServiceOutcome {
    /// The service after the change.
    Done(Box<DeployedService>),
    /// There is no such service.
    NoSuchService,
    /// The tenant has a service of this name.
    NameTaken,
    /// The tenant has reached its quota of services.
    QuotaReached,
    /// It would have more tags than allowed.
    TooManyTags,
    /// It would have more than four domain names, the limit of Lightsail.
    TooManyDomains,
    /// Another service, perhaps of another tenant, has this domain name; or this service names it twice.
    DomainTaken(String),
    /// The deployment of this version, or an update of the service that runs it, is not finished.
    InProgress(i64),
    /// In the first deployment: the image of this container is not registered.
    NoSuchImage(String),
    /// The machine has too few resources left to promise.
    TooLittleRoom(Promised),
}

/// Stores container services.
#[async_trait]
pub trait ContainerServices: Send + Sync {
    /// Adds a service. A retry of the call that made it gets the service in its present state, whatever the
    /// quota.
    async fn create_service(
        &self,
        by: &Origin,
        tenant: &Tenant,
        service: ContainerService,
        invocation: Option<Invocation>,
        quota: u32,
    ) -> Result<ServiceOutcome>;
    /// Finds one service.
    async fn service(&self, tenant: &Tenant, name: &str) -> Result<Option<ContainerService>>;
    /// The tenant's services, by name.
    async fn services(&self, tenant: &Tenant) -> Result<Vec<ContainerService>>;
    /// Changes a service completely or not at all. If the service has a current deployment and the change
    /// brings a [`Room`](super::deployments::Room), some changes begin an update: disabling, enabling, and, of
    /// an enabled service, another power, scale or domain name.
    /// [`settle_service`](super::Deployments::settle_service) ends the update. Until the update ends, or while
    /// a deployment is being started, only tags and the puller role can change.
    async fn change_service(
        &self,
        by: &Origin,
        tenant: &Tenant,
        service: ServiceId,
        change: ServiceChange,
        max_tags: u32,
    ) -> Result<ServiceOutcome>;
    /// Deletes a service with its deployments and registered images; `false` if there is none. Its pull logins
    /// end for good: a later service of the same name is another service, and numbers its images from 1. The
    /// content of its images is then kept for the grace period, from `now` by the steady time.
    async fn delete_service(
        &self,
        by: &Origin,
        tenant: &Tenant,
        service: ServiceId,
        now: Time,
    ) -> Result<bool>;
    /// The permanent ids ([`ContainerService::uuid`]) of the services of all tenants.
    async fn service_uuids(&self) -> Result<Vec<String>>;
}
