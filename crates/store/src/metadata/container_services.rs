//! Container services: what images are registered on.

use async_trait::async_trait;
pub use gangplank_core::container_service::{ContainerService, ServiceChange, ServiceUpdate};
use gangplank_core::{Origin, ServiceId, Tenant, Time};

use super::Invocation;
use super::deployments::{DeployedService, Promised};
use crate::Result;

/// What became of a new or changed service.
#[derive(Clone, Debug, PartialEq)]
pub enum ServiceOutcome {
    /// The service as it now is.
    Done(Box<DeployedService>),
    /// There is no such service.
    NoSuchService,
    /// The name is taken.
    NameTaken,
    /// The tenant has as many services as it may.
    QuotaReached,
    /// It would have more tags than it may.
    TooManyTags,
    /// It would have more domain names than Lightsail's four.
    TooManyDomains,
    /// Another service, of whatever tenant, has this domain name; or the service has it twice.
    DomainTaken(String),
    /// The deployment of this version, or a change of the service that runs it, has not come to its end.
    InProgress(i64),
    /// The image of this container, of the first deployment, is not registered.
    NoSuchImage(String),
    /// The machine has not so much to promise.
    TooLittleRoom(Promised),
}

/// Keeps container services.
#[async_trait]
pub trait ContainerServices: Send + Sync {
    /// Adds a service. A retry of the invocation that made it gets it again, as it now is, whatever
    /// the quota.
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
    /// Lists the tenant's services by name.
    async fn services(&self, tenant: &Tenant) -> Result<Vec<ContainerService>>;
    /// Changes a service. Nothing changes unless all of it can. Of a service with a current deployment, a change of
    /// power, scale or domain names while it is enabled, or disabling or enabling it, begins an update if there is a [`Room`](super::deployments::Room), which
    /// [`settle_service`](super::Deployments::settle_service) ends. While that goes on, or a deployment is on its
    /// way, only tags and the puller role are changed.
    async fn change_service(
        &self,
        by: &Origin,
        tenant: &Tenant,
        service: ServiceId,
        change: ServiceChange,
        max_tags: u32,
    ) -> Result<ServiceOutcome>;
    /// Deletes a service with its deployments and its registered images, and ends its pull logins for good: a new service
    /// of the same name is another one, and counts its images anew. What they held begins its grace
    /// period at `now`, by the steady time. `false` if there is none.
    async fn delete_service(
        &self,
        by: &Origin,
        tenant: &Tenant,
        service: ServiceId,
        now: Time,
    ) -> Result<bool>;
    /// The ids of the services of all tenants that are unique for good, as [`ContainerService::uuid`] has them.
    async fn service_uuids(&self) -> Result<Vec<String>>;
}
