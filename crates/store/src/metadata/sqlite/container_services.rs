use async_trait::async_trait;
use gangplank_core::{EventKind, Origin, Tenant, Time};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::audit::Note;
use super::{Sqlite, leases, rows};
use crate::metadata::Invocation;
use crate::metadata::container_services::{
    ContainerService, ContainerServices, ServiceChange, ServiceOutcome,
};
use crate::{Result, StoreError};

const COLUMNS: &str =
    "name, uuid, power, scale, is_disabled, puller_role_active, tags, public_domain_names, created_at";

/// Lightsail lets a service have four domain names.
const MAX_DOMAINS: usize = 4;

#[async_trait]
impl ContainerServices for Sqlite {
    async fn create_service(
        &self,
        tenant: &Tenant,
        service: ContainerService,
        invocation: Option<Invocation>,
        quota: u32,
    ) -> Result<ServiceOutcome> {
        let (tenant, by) = (tenant.clone(), self.origin.clone());
        self.writer
            .write(move |connection| create(connection, &tenant, service, invocation, quota, by.as_deref()))
            .await
    }

    async fn service(&self, tenant: &Tenant, name: &str) -> Result<Option<ContainerService>> {
        self.read(|connection| match rows::find_tenant(connection, tenant)? {
            Some(tenant) => find(connection, tenant, name),
            None => Ok(None),
        })
    }

    async fn services(&self, tenant: &Tenant) -> Result<Vec<ContainerService>> {
        self.read(|connection| match rows::find_tenant(connection, tenant)? {
            Some(tenant) => list(connection, tenant),
            None => Ok(Vec::new()),
        })
    }

    async fn change_service(
        &self,
        tenant: &Tenant,
        name: &str,
        change: ServiceChange,
        max_tags: u32,
    ) -> Result<ServiceOutcome> {
        let (tenant, name) = (tenant.clone(), name.to_owned());
        self.writer
            .write(move |connection| {
                let tenant = rows::ensure_tenant(connection, &tenant)?;
                let Some(service) = find(connection, tenant, &name)? else {
                    return Ok(ServiceOutcome::NoSuchService);
                };
                let service = apply(service, change);
                if service.tags.len() > usize::try_from(max_tags).unwrap_or(usize::MAX) {
                    return Ok(ServiceOutcome::TooManyTags);
                }
                if let Some(refusal) = check_domains(connection, tenant, &service)? {
                    return Ok(refusal);
                }
                store(connection, tenant, &service)?;
                Ok(ServiceOutcome::Done(service))
            })
            .await
    }

    async fn delete_service(&self, tenant: &Tenant, name: &str, now: Time) -> Result<bool> {
        let (tenant, name, by) = (tenant.clone(), name.to_owned(), self.origin.clone());
        self.writer
            .write(move |connection| {
                let row = rows::ensure_tenant(connection, &tenant)?;
                leases::renew_registered(connection, row, &name, now)?;
                let mut delete =
                    connection.prepare_cached("DELETE FROM services WHERE tenant = ?1 AND name = ?2")?;
                let deleted = delete.execute(params![row, name])? == 1;
                if deleted {
                    let note = Note { subject: Some(&name), ..Note::of(&tenant) };
                    note.write(connection, EventKind::ServiceDeleted, by.as_deref())?;
                }
                Ok(deleted)
            })
            .await
    }
}

fn create(
    connection: &Connection,
    tenant: &Tenant,
    service: ContainerService,
    invocation: Option<Invocation>,
    quota: u32,
    by: Option<&Origin>,
) -> Result<ServiceOutcome> {
    let note = Note::of(tenant);
    let tenant = rows::ensure_tenant(connection, tenant)?;
    let (key, invocation) =
        invocation.map(|made_by| (made_by.access_key.as_str().to_owned(), made_by.id)).unzip();
    let mut taken = connection.prepare_cached(
        "SELECT ?3 IS NOT NULL AND made_by_key IS ?3 AND made_by_invocation IS ?4
         FROM services WHERE tenant = ?1 AND name = ?2",
    )?;
    let retried: Option<bool> =
        taken.query_row(params![tenant, service.name, key, invocation], |row| row.get(0)).optional()?;
    match retried {
        Some(true) => {
            let first = find(connection, tenant, &service.name)?;
            return Ok(first.map_or(ServiceOutcome::NoSuchService, ServiceOutcome::Done));
        }
        Some(false) => return Ok(ServiceOutcome::NameTaken),
        None => {}
    }
    let mut count = connection.prepare_cached("SELECT count(*) FROM services WHERE tenant = ?1")?;
    if count.query_row([tenant], |row| row.get::<_, i64>(0))? >= i64::from(quota) {
        return Ok(ServiceOutcome::QuotaReached);
    }
    if let Some(refusal) = check_domains(connection, tenant, &service)? {
        return Ok(refusal);
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO services (tenant, name, uuid, power, scale, is_disabled, puller_role_active, tags,
                               public_domain_names, created_at, made_by_key, made_by_invocation)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    insert.execute(params![
        tenant,
        service.name,
        service.uuid,
        service.power,
        service.scale,
        service.is_disabled,
        service.puller_role_active,
        json(&service.tags)?,
        json(&service.public_domain_names)?,
        service.created_at.0,
        key,
        invocation,
    ])?;
    Note { subject: Some(&service.name), ..note }.write(connection, EventKind::ServiceCreated, by)?;
    Ok(ServiceOutcome::Done(service))
}

fn apply(mut service: ContainerService, change: ServiceChange) -> ContainerService {
    service.power = change.power.unwrap_or(service.power);
    service.scale = change.scale.unwrap_or(service.scale);
    service.is_disabled = change.is_disabled.unwrap_or(service.is_disabled);
    service.puller_role_active = change.puller_role_active.unwrap_or(service.puller_role_active);
    for (certificate, domains) in change.public_domain_names.unwrap_or_default() {
        if domains.is_empty() {
            service.public_domain_names.remove(&certificate);
        } else {
            service.public_domain_names.insert(certificate, domains);
        }
    }
    service.tags.retain(|(key, _)| !change.untag.contains(key));
    for (key, value) in change.tag {
        match service.tags.iter_mut().find(|(known, _)| *known == key) {
            Some(tag) => tag.1 = value,
            None => service.tags.push((key, value)),
        }
    }
    service
}

fn check_domains(
    connection: &Connection,
    tenant: i64,
    service: &ContainerService,
) -> Result<Option<ServiceOutcome>> {
    let domains: Vec<&String> = service.public_domain_names.values().flatten().collect();
    if domains.is_empty() {
        return Ok(None);
    }
    if domains.len() > MAX_DOMAINS {
        return Ok(Some(ServiceOutcome::TooManyDomains));
    }
    // A name is the same in capitals.
    let has = |domains: &[&String], wanted: &String| domains.iter().any(|d| d.eq_ignore_ascii_case(wanted));
    if let Some(twice) = (1..domains.len()).find(|&index| has(&domains[..index], domains[index])) {
        return Ok(Some(ServiceOutcome::DomainTaken(domains[twice].clone())));
    }
    let others = list(connection, tenant)?;
    let mut taken = others
        .iter()
        .filter(|other| other.name != service.name)
        .flat_map(|other| other.public_domain_names.values().flatten());
    Ok(taken.find(|domain| has(&domains, domain)).map(|domain| ServiceOutcome::DomainTaken(domain.clone())))
}

fn store(connection: &Connection, tenant: i64, service: &ContainerService) -> Result<()> {
    let mut update = connection.prepare_cached(
        "UPDATE services SET power = ?3, scale = ?4, is_disabled = ?5, puller_role_active = ?6, tags = ?7,
                             public_domain_names = ?8
         WHERE tenant = ?1 AND name = ?2",
    )?;
    update.execute(params![
        tenant,
        service.name,
        service.power,
        service.scale,
        service.is_disabled,
        service.puller_role_active,
        json(&service.tags)?,
        json(&service.public_domain_names)?,
    ])?;
    Ok(())
}

fn find(connection: &Connection, tenant: i64, name: &str) -> Result<Option<ContainerService>> {
    let sql = format!("SELECT {COLUMNS} FROM services WHERE tenant = ?1 AND name = ?2");
    let mut find = connection.prepare_cached(&sql)?;
    find.query_row(params![tenant, name], |row| Ok(read(row))).optional()?.transpose()
}

fn list(connection: &Connection, tenant: i64) -> Result<Vec<ContainerService>> {
    let sql = format!("SELECT {COLUMNS} FROM services WHERE tenant = ?1 ORDER BY name");
    let mut select = connection.prepare_cached(&sql)?;
    select.query_map([tenant], |row| Ok(read(row)))?.map(|service| service?).collect()
}

fn read(row: &Row<'_>) -> Result<ContainerService> {
    Ok(ContainerService {
        name: row.get(0)?,
        uuid: row.get(1)?,
        power: row.get(2)?,
        scale: row.get(3)?,
        is_disabled: row.get(4)?,
        puller_role_active: row.get(5)?,
        tags: parse(row.get_ref(6)?.as_str().unwrap_or_default())?,
        public_domain_names: parse(row.get_ref(7)?.as_str().unwrap_or_default())?,
        created_at: Time(row.get(8)?),
    })
}

fn json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Damaged(error.to_string()))
}

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|_| rows::damaged("JSON", text))
}
