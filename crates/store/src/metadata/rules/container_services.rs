use std::collections::BTreeMap;

use async_trait::async_trait;
use gangplank_core::container_service::Follows;
use gangplank_core::power::{Power, Scale};
use gangplank_core::{EventKind, Origin, ServiceId, Tenant, Time};

use super::audit::Note;
use super::{container_images, deployments, leases, metric_points, rows, service_domains};
use crate::metadata::Invocation;
use crate::metadata::container_services::{
    ContainerService, ContainerServices, ServiceChange, ServiceOutcome,
};
use crate::metadata::deployments::NewDeployment;
use crate::metadata::engine::{Engine, Terms, Whose};
use crate::metadata::store::{Outcome, Store};
use crate::metadata::tx::{Level, Lock, Named, Query, Row, Tx, Value, values};
use crate::{Result, StoreError};

/// The columns of a service in `services s`, in the order of [`read`].
const COLUMNS: &str =
    "s.id, s.name, s.uuid, s.power, s.scale, s.is_disabled, s.puller_role_active, s.tags, s.created_at,
    s.last_version, s.current_version, s.next_version, s.changes, s.is_updating";

/// The condition that a service belongs to the account `?1` and the region `?2`.
const OF_TENANT: &str = "s.tenant = (SELECT id FROM tenants WHERE account = ?1 AND region = ?2)";

/// The number of a service that is not inserted yet. Databases number from 1.
const NOT_KEPT: ServiceId = ServiceId(0);

#[async_trait]
impl<E: Engine> ContainerServices for Store<E> {
    async fn create_service(
        &self,
        by: &Origin,
        tenant: &Tenant,
        service: ContainerService,
        invocation: Option<Invocation>,
        quota: u32,
    ) -> Result<ServiceOutcome> {
        let tenant = tenant.clone();
        self.change(by, Terms::tenant(&tenant), move |tx| {
            create(tx, &tenant, &service, None, invocation.as_ref(), quota)
        })
        .await
    }

    async fn service(&self, tenant: &Tenant, name: &str) -> Result<Option<ContainerService>> {
        self.read(|tx| find(tx, tenant, Key::Name(name))).await
    }

    async fn services(&self, tenant: &Tenant) -> Result<Vec<ContainerService>> {
        self.read(|tx| list(tx, tenant)).await
    }

    async fn change_service(
        &self,
        by: &Origin,
        tenant: &Tenant,
        service: ServiceId,
        change: ServiceChange,
        max_tags: u32,
    ) -> Result<ServiceOutcome> {
        let tenant = tenant.clone();
        self.change(by, Terms::tenant(&tenant).tells_runners(), move |tx| {
            change_found(tx, &tenant, service, &change, max_tags)
        })
        .await
    }

    async fn delete_service(
        &self,
        by: &Origin,
        tenant: &Tenant,
        service: ServiceId,
        now: Time,
    ) -> Result<bool> {
        let tenant = tenant.clone();
        self.change(by, Terms::tenant(&tenant).tells_runners(), move |tx| delete(tx, &tenant, service, now))
            .await
    }

    async fn service_uuids(&self) -> Result<Vec<String>> {
        self.read_long(Whose::Server, |tx| tx.all(&Query::column("SELECT uuid FROM services", values![])))
            .await
    }
}

/// Makes a service, and its first deployment if there is one.
pub(crate) fn create(
    tx: &dyn Tx,
    tenant: &Tenant,
    service: &ContainerService,
    deployment: Option<&NewDeployment>,
    invocation: Option<&Invocation>,
    quota: u32,
) -> Result<Outcome<ServiceOutcome>> {
    if deployment.is_some() {
        tx.lock_named(Named::Room)?;
    }
    if !service.public_domain_names.is_empty() {
        tx.lock_named(Named::DomainNames)?;
    }
    tx.lock_named(Named::Account(&tenant.account))?;
    let row = rows::ensure_tenant(tx, tenant)?;
    let (made_by, call) = rows::call(invocation);
    let retried = tx.find(&Query::column(
        "SELECT CASE WHEN made_by = ?3 AND invocation = ?4 THEN 1 ELSE 0 END FROM services
         WHERE tenant = ?1 AND name = ?2",
        values![row, &service.name, made_by, call],
    ))?;
    match retried {
        Some(true) => {
            return Ok(Outcome::Unchanged(match find(tx, tenant, Key::Name(&service.name))? {
                Some(first) => done(tx, tenant, first)?,
                None => ServiceOutcome::NoSuchService,
            }));
        }
        Some(false) => return Ok(Outcome::Unchanged(ServiceOutcome::NameTaken)),
        None => {}
    }
    let count = Query::column("SELECT count(*) FROM services WHERE tenant = ?1", values![row]);
    if tx.one::<i64>(&count)? >= i64::from(quota) {
        return Ok(Outcome::Unchanged(ServiceOutcome::QuotaReached));
    }
    let mut service = ContainerService {
        id: NOT_KEPT,
        last_version: 0,
        current_version: None,
        next_version: None,
        changes: 0,
        is_updating: false,
        damage: None,
        ..service.clone()
    };
    if let Some(refusal) = service_domains::refuse(tx, &service)? {
        return Ok(Outcome::Unchanged(refusal));
    }
    let first = match deployment.map(|deployment| deployments::admit_first(tx, &service, deployment)) {
        Some(admitted) => match admitted? {
            Ok(images) => deployment.zip(Some(images)),
            Err(refusal) => return Ok(Outcome::Unchanged(refusal)),
        },
        None => None,
    };
    service.id = insert(tx, row, &service, invocation)?;
    service_domains::keep(tx, row, &service)?;
    if let Some((deployment, images)) = first {
        deployments::make(tx, &mut service, deployment, &images)?;
    }
    let note = Note::of(EventKind::ServiceCreated, tenant).subject(&service.name);
    Ok(Outcome::Changed(done(tx, tenant, service)?, note))
}

fn insert(
    tx: &dyn Tx,
    tenant: i64,
    service: &ContainerService,
    invocation: Option<&Invocation>,
) -> Result<ServiceId> {
    let (made_by, call) = rows::call(invocation);
    tx.one(&Query::column(
        "INSERT INTO services (tenant, name, uuid, power, scale, is_disabled, puller_role_active, tags,
                               created_at, made_by, invocation)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) RETURNING id",
        values![
            tenant,
            &service.name,
            &service.uuid,
            service.power.as_str(),
            u32::from(service.scale.nodes()),
            service.is_disabled,
            service.puller_role_active,
            json(&service.tags)?,
            service.created_at,
            made_by,
            call,
        ],
    ))
}

fn change_found(
    tx: &dyn Tx,
    tenant: &Tenant,
    service: ServiceId,
    change: &ServiceChange,
    max_tags: u32,
) -> Result<Outcome<ServiceOutcome>> {
    if change.room().is_some() {
        tx.lock_named(Named::Room)?;
    }
    if let ServiceChange::Update(update) = change
        && update.public_domain_names.is_some()
    {
        tx.lock_named(Named::DomainNames)?;
    }
    let Some(Locked { tenant: row, service: before }) = lock(tx, tenant, service)? else {
        return Ok(Outcome::Unchanged(ServiceOutcome::NoSuchService));
    };
    if let Some(damage) = before.damage {
        // Writing would destroy the tags that could not be read.
        return Err(StoreError::damaged(damage));
    }
    let mut service = change.apply(&before);
    if service == before {
        return Ok(Outcome::Unchanged(done(tx, tenant, service)?));
    }
    if service.tags.len() > usize::try_from(max_tags).unwrap_or(usize::MAX) {
        return Ok(Outcome::Unchanged(ServiceOutcome::TooManyTags));
    }
    if let Some(refusal) = service_domains::refuse(tx, &service)? {
        return Ok(Outcome::Unchanged(refusal));
    }
    match before.follows(&service) {
        Follows::Nothing => {}
        Follows::InProgress(version) => {
            return Ok(Outcome::Unchanged(ServiceOutcome::InProgress(version)));
        }
        Follows::Nodes => {
            let room = change.room();
            if let Some(room) = room
                && let Some(promised) = deployments::exceeds(tx, &before, &service, room)?
            {
                return Ok(Outcome::Unchanged(ServiceOutcome::TooLittleRoom(promised)));
            }
            service = service.to_be_followed(&before, room);
        }
    }
    store(tx, &service)?;
    if service.public_domain_names != before.public_domain_names {
        service_domains::forget(tx, service.id)?;
        service_domains::keep(tx, row, &service)?;
    }
    let note = Note::of(kind_of(change), tenant).subject(&service.name);
    Ok(Outcome::Changed(done(tx, tenant, service)?, note))
}

fn done(tx: &dyn Tx, tenant: &Tenant, service: ContainerService) -> Result<ServiceOutcome> {
    Ok(ServiceOutcome::Done(Box::new(deployments::deployed(tx, tenant, service)?)))
}

/// Ends a service's deployments and registrations, then the service.
fn delete(tx: &dyn Tx, tenant: &Tenant, service: ServiceId, now: Time) -> Result<Outcome<bool>> {
    let Some(Locked { service: found, .. }) = lock(tx, tenant, service)? else {
        return Ok(Outcome::Unchanged(false));
    };
    let held = rows::lock_manifests(
        tx,
        "SELECT manifest FROM container_images WHERE service = ?1
         UNION SELECT manifest FROM deployment_manifests WHERE service = ?1",
        values![service],
    )?;
    deployments::forget_all(tx, service)?;
    container_images::forget_all(tx, service)?;
    service_domains::forget(tx, service)?;
    metric_points::forget(tx, service)?;
    tx.post("DELETE FROM services WHERE id = ?1", values![service])?;
    leases::let_go(tx, &held, now)?;
    Ok(Outcome::Changed(true, Note::of(EventKind::ServiceDeleted, tenant).subject(found.name)))
}

fn kind_of(change: &ServiceChange) -> EventKind {
    match change {
        ServiceChange::Update(_) => EventKind::UpdateContainerService,
        ServiceChange::Tag(_) => EventKind::TagResource,
        ServiceChange::Untag(_) => EventKind::UntagResource,
    }
}

fn store(tx: &dyn Tx, service: &ContainerService) -> Result<()> {
    tx.post(
        "UPDATE services SET power = ?2, scale = ?3, is_disabled = ?4, puller_role_active = ?5, tags = ?6,
                             changes = ?7, is_updating = ?8
         WHERE id = ?1",
        values![
            service.id,
            service.power.as_str(),
            u32::from(service.scale.nodes()),
            service.is_disabled,
            service.puller_role_active,
            json(&service.tags)?,
            service.changes,
            service.is_updating,
        ],
    )
}

/// A service whose row is locked, and the row of its tenant.
pub(crate) struct Locked {
    pub(crate) tenant: i64,
    pub(crate) service: ContainerService,
}

/// Locks a service of the tenant. Everything that belongs to a service is changed under this lock.
pub(crate) fn lock(tx: &dyn Tx, tenant: &Tenant, service: ServiceId) -> Result<Option<Locked>> {
    let text = format!("SELECT s.tenant, {COLUMNS} FROM services s WHERE {OF_TENANT} AND s.id = ?3");
    let query = Query::new(&text, Key::Id(service).of(tenant), |row| {
        Ok(Locked { tenant: row.get(0)?, service: read(row, 1)? })
    });
    let Some(mut locked) = tx.lock_one(Level::Service, Lock::Update, &query)? else { return Ok(None) };
    service_domains::add_to(tx, std::slice::from_mut(&mut locked.service))?;
    Ok(Some(locked))
}

/// How a service of a tenant is found.
#[derive(Clone, Copy)]
pub(crate) enum Key<'a> {
    Id(ServiceId),
    Name(&'a str),
}

impl<'a> Key<'a> {
    fn of(self, tenant: &'a Tenant) -> [Value<'a>; 3] {
        let key = match self {
            Self::Id(id) => Value::from(id),
            Self::Name(name) => Value::from(name),
        };
        let [account, region] = values![tenant.account.as_str(), tenant.region.as_str()];
        [account, region, key]
    }
}

pub(crate) fn find(tx: &dyn Tx, tenant: &Tenant, key: Key<'_>) -> Result<Option<ContainerService>> {
    let column = match key {
        Key::Id(_) => "s.id",
        Key::Name(_) => "s.name",
    };
    let text = format!("SELECT {COLUMNS} FROM services s WHERE {OF_TENANT} AND {column} = ?3");
    let Some(mut service) = tx.find(&Query::new(&text, key.of(tenant), |row| read(row, 0)))? else {
        return Ok(None);
    };
    service_domains::add_to(tx, std::slice::from_mut(&mut service))?;
    Ok(Some(service))
}

pub(crate) fn list(tx: &dyn Tx, tenant: &Tenant) -> Result<Vec<ContainerService>> {
    let text = format!("SELECT {COLUMNS} FROM services s WHERE {OF_TENANT} ORDER BY s.name");
    let values = values![tenant.account.as_str(), tenant.region.as_str()];
    let mut services = tx.all(&Query::new(&text, values, |row| read(row, 0)))?;
    service_domains::add_to(tx, &mut services)?;
    Ok(services)
}

/// A service for the deployer, without its domain names; or a damaged one, and the error.
pub(crate) type Found = std::result::Result<(Tenant, ContainerService), (ServiceId, StoreError)>;

/// The services that ever had a deployment or are disabled.
pub(crate) fn list_to_run(tx: &dyn Tx) -> Result<Vec<Found>> {
    // The condition repeats the words of the partial index's condition, so that the index is used.
    let text = format!(
        "SELECT t.account, t.region, {COLUMNS} FROM services s CROSS JOIN tenants t
         WHERE s.is_disabled IN (0, 1) AND (s.last_version > 0 OR s.is_disabled = 1) AND t.id = s.tenant"
    );
    tx.all(&Query::new(&text, values![], |row| {
        let found = rows::tenant(row).and_then(|tenant| Ok((tenant, read(row, 2)?)));
        let id = row.get(2)?;
        Ok(found.map_err(|error| (id, error)))
    }))
}

/// Reads [`COLUMNS`] from the column `at` on.
fn read(row: &Row<'_>, at: usize) -> Result<ContainerService> {
    let tags = parse(row.text(at + 7)?);
    let damage = tags.as_ref().err().map(|_| "its tags".to_owned());
    Ok(ContainerService {
        id: row.get(at)?,
        name: row.get(at + 1)?,
        uuid: row.get(at + 2)?,
        // This program never wrote any other word. For a damaged word, the smallest power is the safe choice.
        power: Power::parse(row.text(at + 3)?).unwrap_or(Power::Nano),
        scale: Scale::nearest(row.get(at + 4)?),
        is_disabled: row.get(at + 5)?,
        puller_role_active: row.get(at + 6)?,
        tags: tags.unwrap_or_default(),
        public_domain_names: BTreeMap::new(),
        created_at: row.get(at + 8)?,
        last_version: row.get(at + 9)?,
        current_version: row.get(at + 10)?,
        next_version: row.get(at + 11)?,
        changes: row.get(at + 12)?,
        is_updating: row.get(at + 13)?,
        damage,
    })
}

fn json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(StoreError::damaged)
}

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|_| rows::damaged("JSON", text))
}
