//! The domain names of services.

use std::collections::BTreeSet;

use gangplank_core::ServiceId;
use gangplank_core::container_service::DomainRefusal;
use rusqlite::{Connection, params};

use crate::Result;
use crate::metadata::container_services::{ContainerService, ServiceOutcome};

/// Why a service cannot have its domain names, if so. One leads to one service of the whole server, whoever asks for it
/// first.
pub(super) fn refuse(connection: &Connection, service: &ContainerService) -> Result<Option<ServiceOutcome>> {
    let others = match service.compared_domains() {
        Ok(domains) => others(connection, service.id, domains)?,
        Err(refusal) => return Ok(Some(refused(refusal))),
    };
    Ok(service.check_domains(&others).err().map(refused))
}

/// Those of these names that other services have.
fn others(connection: &Connection, service: ServiceId, names: Vec<String>) -> Result<BTreeSet<String>> {
    let mut is_taken = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM tenants t CROSS JOIN service_domains d
                        WHERE d.tenant = t.id AND d.name = ?1 AND d.service <> ?2)",
    )?;
    let mut taken = BTreeSet::new();
    for name in names {
        if is_taken.query_row(params![name, service.0], |row| row.get(0))? {
            taken.insert(name);
        }
    }
    Ok(taken)
}

fn refused(refusal: DomainRefusal) -> ServiceOutcome {
    match refusal {
        DomainRefusal::TooMany => ServiceOutcome::TooManyDomains,
        DomainRefusal::Taken(domain) => ServiceOutcome::DomainTaken(domain),
    }
}

/// Keeps the domain names of a service that has none kept.
pub(super) fn keep(connection: &Connection, tenant: i64, service: &ContainerService) -> Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO service_domains (tenant, name, service, certificate, place, spelling)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (certificate, domains) in &service.public_domain_names {
        for (place, domain) in domains.iter().enumerate() {
            let (name, place) = (domain.to_ascii_lowercase(), i64::try_from(place).unwrap_or(i64::MAX));
            insert.execute(params![tenant, name, service.id.0, certificate, place, domain])?;
        }
    }
    Ok(())
}

/// A service with its domain names.
pub(super) fn with(connection: &Connection, mut service: ContainerService) -> Result<ContainerService> {
    let mut select = connection.prepare_cached(
        "SELECT certificate, spelling FROM service_domains WHERE service = ?1 ORDER BY certificate, place",
    )?;
    let mut found = select.query([service.id.0])?;
    while let Some(row) = found.next()? {
        let domains: &mut Vec<String> = service.public_domain_names.entry(row.get(0)?).or_default();
        domains.push(row.get(1)?);
    }
    Ok(service)
}

/// Forgets the domain names of a service.
pub(super) fn forget(connection: &Connection, service: ServiceId) -> Result<()> {
    connection.prepare_cached("DELETE FROM service_domains WHERE service = ?1")?.execute([service.0])?;
    Ok(())
}
