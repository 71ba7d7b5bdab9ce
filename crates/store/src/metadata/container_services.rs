//! Container services: what images are registered on.

use std::collections::BTreeMap;

use async_trait::async_trait;
use gangplank_core::{Origin, ServiceId, Tenant, Time};

use super::Invocation;
use crate::Result;

/// A container service as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct ContainerService {
    /// Its number; of a service that is not kept yet, none that counts.
    pub id: ServiceId,
    /// Its name, unique in the tenant.
    pub name: String,
    /// The id in its ARN and address, unique for good.
    pub uuid: String,
    /// `nano` to `xlarge`.
    pub power: String,
    /// How many nodes.
    pub scale: i32,
    /// Whether it was disabled.
    pub is_disabled: bool,
    /// Whether the role that pulls from private registries was asked for.
    pub puller_role_active: bool,
    /// Tags, in the order they were given; a value may be absent.
    pub tags: Vec<(String, Option<String>)>,
    /// Certificate name to domain names.
    pub public_domain_names: BTreeMap<String, Vec<String>>,
    /// When it was made.
    pub created_at: Time,
}

/// A change to a service.
#[derive(Clone, Debug)]
pub enum ServiceChange {
    /// Changes what is given, and nothing else.
    Update(ServiceUpdate),
    /// Sets tags, over those of the same key.
    Tag(Vec<(String, Option<String>)>),
    /// Removes the tags with these keys. One that is not there is no mistake.
    Untag(Vec<String>),
}

/// Changes to how a service runs: only what is given changes.
#[derive(Clone, Debug, Default)]
pub struct ServiceUpdate {
    /// New power.
    pub power: Option<String>,
    /// New scale.
    pub scale: Option<i32>,
    /// Disable or enable.
    pub is_disabled: Option<bool>,
    /// Ask for or give up the puller role.
    pub puller_role_active: Option<bool>,
    /// Certificates to set; an empty list detaches one, an absent key leaves it.
    pub public_domain_names: Option<BTreeMap<String, Vec<String>>>,
}

/// What became of a new or changed service.
#[derive(Clone, Debug, PartialEq)]
pub enum ServiceOutcome {
    /// The service as it now is.
    Done(ContainerService),
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
    /// Another service of the tenant has this domain name.
    DomainTaken(String),
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
    /// Changes a service. Nothing changes unless all of it can.
    async fn change_service(
        &self,
        by: &Origin,
        tenant: &Tenant,
        service: ServiceId,
        change: ServiceChange,
        max_tags: u32,
    ) -> Result<ServiceOutcome>;
    /// Deletes a service and its registered images, and ends its pull logins for good: a new service
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
