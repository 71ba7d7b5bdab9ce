use std::collections::BTreeMap;

use async_trait::async_trait;
use gangplank_core::container_service::Follows;
use gangplank_core::{EventKind, Origin, Power, Scale, ServiceId, Tenant, Time};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::audit::Note;
use super::container_images::end_registration;
use super::doors::Outcome;
use super::writer::Whose;
use super::{Sqlite, deployments, metric_points, rows, service_domains};
use crate::metadata::Invocation;
use crate::metadata::cache::Touched;
use crate::metadata::container_services::{
    ContainerService, ContainerServices, ServiceChange, ServiceOutcome,
};
use crate::metadata::deployments::NewDeployment;
use crate::metadata::sqlite::transaction::Transaction;
use crate::{Result, StoreError};

const COLUMNS: &str =
    "id, name, uuid, power, scale, is_disabled, puller_role_active, tags, created_at, last_version,
    current_version, next_version, changes, is_updating";

/// Of a service that has no number yet. SQLite numbers from 1.
const NOT_KEPT: ServiceId = ServiceId(0);

#[async_trait]
impl ContainerServices for Sqlite {
    async fn create_service(
        &self,
        by: &Origin,
        tenant: &Tenant,
        service: ContainerService,
        invocation: Option<Invocation>,
        quota: u32,
    ) -> Result<ServiceOutcome> {
        let tenant = tenant.clone();
        self.engine
            .doors
            .change(by, Whose::of(&tenant), Touched::EVERYTHING, move |connection| {
                create(connection, &tenant, service, None, invocation, quota)
            })
            .await
    }

    async fn service(&self, tenant: &Tenant, name: &str) -> Result<Option<ContainerService>> {
        self.engine.read(|connection| match rows::find_tenant(&Transaction(connection), tenant)? {
            Some(tenant) => find(connection, tenant, Key::Name(name)),
            None => Ok(None),
        })
    }

    async fn services(&self, tenant: &Tenant) -> Result<Vec<ContainerService>> {
        self.engine.read(|connection| match rows::find_tenant(&Transaction(connection), tenant)? {
            Some(tenant) => list(connection, tenant),
            None => Ok(Vec::new()),
        })
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
        self.engine
            .doors
            .change(by, Whose::of(&tenant), Touched::EVERYTHING, move |connection| {
                let row = rows::ensure_tenant(&Transaction(connection), &tenant)?;
                let Some(service) = find(connection, row, Key::Id(service))? else {
                    return Ok(Outcome::Unchanged(ServiceOutcome::NoSuchService));
                };
                change_found(connection, &tenant, row, service, &change, max_tags)
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
        self.engine
            .doors
            .change(by, Whose::of(&tenant), Touched::EVERYTHING, move |connection| {
                delete(connection, &tenant, service, now)
            })
            .await
    }

    async fn service_uuids(&self) -> Result<Vec<String>> {
        self.engine
            .read_long(Whose::Server, |connection| {
                let mut select = connection.prepare_cached("SELECT uuid FROM services")?;
                let uuids = select.query_map([], |row| row.get(0))?;
                Ok(uuids.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }
}

/// Makes a service, and its first deployment if there is one.
pub(super) fn create(
    connection: &Connection,
    tenant: &Tenant,
    mut service: ContainerService,
    deployment: Option<NewDeployment>,
    invocation: Option<Invocation>,
    quota: u32,
) -> Result<Outcome<ServiceOutcome>> {
    let row = rows::ensure_tenant(&Transaction(connection), tenant)?;
    let (made_by, invocation) =
        invocation.map(|made_by| (made_by.owner.as_str().to_owned(), made_by.id)).unzip();
    let mut taken = connection.prepare_cached(
        "SELECT coalesce(made_by = ?3 AND invocation = ?4, 0) FROM services WHERE tenant = ?1 AND name = ?2",
    )?;
    let retried: Option<bool> =
        taken.query_row(params![row, service.name, made_by, invocation], |row| row.get(0)).optional()?;
    match retried {
        Some(true) => {
            return Ok(Outcome::Unchanged(match find(connection, row, Key::Name(&service.name))? {
                Some(first) => done(connection, tenant, first)?,
                None => ServiceOutcome::NoSuchService,
            }));
        }
        Some(false) => return Ok(Outcome::Unchanged(ServiceOutcome::NameTaken)),
        None => {}
    }
    let mut count = connection.prepare_cached("SELECT count(*) FROM services WHERE tenant = ?1")?;
    if count.query_row([row], |row| row.get::<_, i64>(0))? >= i64::from(quota) {
        return Ok(Outcome::Unchanged(ServiceOutcome::QuotaReached));
    }
    service = ContainerService {
        id: NOT_KEPT,
        last_version: 0,
        current_version: None,
        next_version: None,
        changes: 0,
        is_updating: false,
        damage: None,
        ..service
    };
    if let Some(refusal) = service_domains::refuse(connection, &service)? {
        return Ok(Outcome::Unchanged(refusal));
    }
    if let Some(deployment) = &deployment
        && let Some(refusal) = deployments::refuse_first(connection, &service, deployment)?
    {
        return Ok(Outcome::Unchanged(refusal));
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO services (tenant, name, uuid, power, scale, is_disabled, puller_role_active, tags,
                               created_at, made_by, invocation)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    service.id = ServiceId(insert.insert(params![
        row,
        service.name,
        service.uuid,
        service.power.as_str(),
        service.scale.nodes(),
        service.is_disabled,
        service.puller_role_active,
        json(&service.tags)?,
        service.created_at.0,
        made_by,
        invocation,
    ])?);
    service_domains::keep(connection, row, &service)?;
    if let Some(deployment) = deployment {
        deployments::make_first(connection, &mut service, &deployment)?;
    }
    let note = Note::of(EventKind::ServiceCreated, tenant).subject(&service.name);
    Ok(Outcome::Changed(done(connection, tenant, service)?, note))
}

fn change_found(
    connection: &Connection,
    tenant: &Tenant,
    row: i64,
    before: ContainerService,
    change: &ServiceChange,
    max_tags: u32,
) -> Result<Outcome<ServiceOutcome>> {
    if let Some(damage) = before.damage {
        // What cannot be read would be written over.
        return Err(StoreError::damaged(damage));
    }
    let mut service = change.apply(&before);
    if service == before {
        return Ok(Outcome::Unchanged(done(connection, tenant, service)?));
    }
    if service.tags.len() > usize::try_from(max_tags).unwrap_or(usize::MAX) {
        return Ok(Outcome::Unchanged(ServiceOutcome::TooManyTags));
    }
    if let Some(refusal) = service_domains::refuse(connection, &service)? {
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
                && let Some(promised) = deployments::exceeds(connection, &before, &service, room)?
            {
                return Ok(Outcome::Unchanged(ServiceOutcome::TooLittleRoom(promised)));
            }
            service = service.to_be_followed(&before, room);
        }
    }
    store(connection, row, &service)?;
    let note = Note::of(kind_of(change), tenant).subject(&service.name);
    Ok(Outcome::Changed(done(connection, tenant, service)?, note))
}

fn done(connection: &Connection, tenant: &Tenant, service: ContainerService) -> Result<ServiceOutcome> {
    Ok(ServiceOutcome::Done(Box::new(deployments::deployed(connection, tenant, service)?)))
}

/// Ends a service's deployments and registrations, then the service.
fn delete(connection: &Connection, tenant: &Tenant, service: ServiceId, now: Time) -> Result<Outcome<bool>> {
    let row = rows::ensure_tenant(&Transaction(connection), tenant)?;
    let Some(found) = find(connection, row, Key::Id(service))? else { return Ok(Outcome::Unchanged(false)) };
    deployments::forget_all(connection, service, now)?;
    let mut images =
        connection.prepare_cached("SELECT number, manifest FROM container_images WHERE service = ?1")?;
    let images = images.query_map([service.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (number, manifest) in images.collect::<rusqlite::Result<Vec<(i64, i64)>>>()? {
        end_registration(connection, (service.0, number), manifest, now)?;
    }
    service_domains::forget(connection, service)?;
    metric_points::forget(connection, service)?;
    connection.prepare_cached("DELETE FROM services WHERE id = ?1")?.execute([service.0])?;
    Ok(Outcome::Changed(true, Note::of(EventKind::ServiceDeleted, tenant).subject(found.name)))
}

fn kind_of(change: &ServiceChange) -> EventKind {
    match change {
        ServiceChange::Update(_) => EventKind::UpdateContainerService,
        ServiceChange::Tag(_) => EventKind::TagResource,
        ServiceChange::Untag(_) => EventKind::UntagResource,
    }
}

fn store(connection: &Connection, tenant: i64, service: &ContainerService) -> Result<()> {
    let mut update = connection.prepare_cached(
        "UPDATE services SET power = ?2, scale = ?3, is_disabled = ?4, puller_role_active = ?5, tags = ?6,
                             changes = ?7, is_updating = ?8
         WHERE id = ?1",
    )?;
    update.execute(params![
        service.id.0,
        service.power.as_str(),
        service.scale.nodes(),
        service.is_disabled,
        service.puller_role_active,
        json(&service.tags)?,
        service.changes,
        service.is_updating,
    ])?;
    service_domains::forget(connection, service.id)?;
    service_domains::keep(connection, tenant, service)
}

/// How a service of a tenant is found.
#[derive(Clone, Copy)]
pub(super) enum Key<'a> {
    Id(ServiceId),
    Name(&'a str),
}

pub(super) fn find(connection: &Connection, tenant: i64, key: Key<'_>) -> Result<Option<ContainerService>> {
    let (column, value): (_, &dyn rusqlite::ToSql) = match &key {
        Key::Id(id) => ("id", &id.0),
        Key::Name(name) => ("name", name),
    };
    let sql = format!("SELECT {COLUMNS} FROM services WHERE tenant = ?1 AND {column} = ?2");
    let mut find = connection.prepare_cached(&sql)?;
    let found = find.query_row(params![tenant, value], |row| Ok(read(row))).optional()?.transpose()?;
    found.map(|service| service_domains::with(connection, service)).transpose()
}

pub(super) fn list(connection: &Connection, tenant: i64) -> Result<Vec<ContainerService>> {
    let sql = format!("SELECT {COLUMNS} FROM services WHERE tenant = ?1 ORDER BY name");
    let mut select = connection.prepare_cached(&sql)?;
    select
        .query_map([tenant], |row| Ok(read(row)))?
        .map(|service| service_domains::with(connection, service??))
        .collect()
}

fn read(row: &Row<'_>) -> Result<ContainerService> {
    let tags = parse(row.get_ref(7)?.as_str().unwrap_or_default());
    let damage = tags.as_ref().err().map(|_| "its tags".to_owned());
    Ok(ContainerService {
        id: ServiceId(row.get(0)?),
        name: row.get(1)?,
        uuid: row.get(2)?,
        // What this program does not know was none that it took.
        power: Power::parse(row.get_ref(3)?.as_str().unwrap_or_default()).unwrap_or(Power::Nano),
        scale: Scale::nearest(row.get(4)?),
        is_disabled: row.get(5)?,
        puller_role_active: row.get(6)?,
        tags: tags.unwrap_or_default(),
        public_domain_names: BTreeMap::new(),
        created_at: Time(row.get(8)?),
        last_version: row.get(9)?,
        current_version: row.get(10)?,
        next_version: row.get(11)?,
        changes: row.get(12)?,
        is_updating: row.get(13)?,
        damage,
    })
}

fn json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| StoreError::damaged(error))
}

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|_| rows::damaged("JSON", text))
}
