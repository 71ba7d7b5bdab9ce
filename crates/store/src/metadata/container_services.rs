//! Container services: what images are registered on.

use std::collections::BTreeMap;

use async_trait::async_trait;
use gangplank_core::deployment::ServiceFacts;
use gangplank_core::{Origin, ServiceId, Tenant, Time};

use super::Invocation;
use super::deployments::{DeployedService, Promised, Room};
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
    /// The version of its newest deployment, whatever became of it; 0 before the first.
    pub last_version: i64,
    /// The version of the deployment that serves.
    pub current_version: Option<i64>,
    /// The version of the deployment that is on its way.
    pub next_version: Option<i64>,
    /// How often its power, scale or domain names were changed, or it was disabled or enabled.
    pub changes: i64,
    /// The last of these changes has not come to its end.
    pub is_updating: bool,
    /// What of it cannot be read any more, and is missing here. Such a service runs, and is not changed.
    pub damage: Option<String>,
}

impl ContainerService {
    /// What decides its state.
    pub fn facts(&self) -> ServiceFacts {
        ServiceFacts {
            is_disabled: self.is_disabled,
            is_updating: self.is_updating,
            has_current: self.current_version.is_some(),
            has_next: self.next_version.is_some(),
        }
    }

    /// The version of the deployment that keeps others waiting: the one on its way, or the one whose nodes change.
    pub fn in_progress(&self) -> Option<i64> {
        self.next_version.or(if self.is_updating { self.current_version } else { None })
    }
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
    /// What all services of the server together may be promised. None if nothing runs them: then a change is over at
    /// once.
    pub room: Option<Room>,
}

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
    /// power, scale or domain names while it is enabled, or disabling or enabling it, begins an update if there is a [`Room`], which
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
