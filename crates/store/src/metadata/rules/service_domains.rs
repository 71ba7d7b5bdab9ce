//! The domain names of services.

use std::collections::BTreeSet;

use gangplank_core::ServiceId;
use gangplank_core::container_service::DomainRefusal;

use crate::Result;
use crate::metadata::container_services::{ContainerService, ServiceOutcome};
use crate::metadata::tx::{Tx, values};

/// Why a service cannot have its domain names; `None` if it can. Each name leads to one service on the whole
/// server: the first service that asked for it.
pub(crate) fn refuse(tx: &dyn Tx, service: &ContainerService) -> Result<Option<ServiceOutcome>> {
    let others = match service.compared_domains() {
        Ok(domains) => others(tx, service.id, domains)?,
        Err(refusal) => return Ok(Some(refused(refusal))),
    };
    Ok(service.check_domains(&others).err().map(refused))
}

/// Returns which of these names belong to other services.
fn others(tx: &dyn Tx, service: ServiceId, names: Vec<String>) -> Result<BTreeSet<String>> {
    let taken = tx.find_each(
        "SELECT d.name FROM tenants t CROSS JOIN service_domains d
         WHERE d.tenant = t.id AND d.name = ?1 AND d.service <> ?2",
        names.iter().map(|name| values![name, service]),
        |row| row.get(0),
    )?;
    Ok(taken.into_iter().flatten().collect())
}

fn refused(refusal: DomainRefusal) -> ServiceOutcome {
    match refusal {
        DomainRefusal::TooMany => ServiceOutcome::TooManyDomains,
        DomainRefusal::Taken(domain) => ServiceOutcome::DomainTaken(domain),
    }
}

/// Inserts the domain names of a service that has none in the table.
pub(crate) fn keep(tx: &dyn Tx, tenant: i64, service: &ContainerService) -> Result<()> {
    let mut keys = Vec::new();
    for (certificate, domains) in &service.public_domain_names {
        for (place, domain) in (0_i64..).zip(domains) {
            let name = domain.to_ascii_lowercase();
            keys.push(values![tenant, name, service.id, certificate, place, domain]);
        }
    }
    tx.post_each(
        "INSERT INTO service_domains (tenant, name, service, certificate, place, spelling)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        keys,
    )
}

/// Adds their domain names to services.
pub(crate) fn add_to(tx: &dyn Tx, services: &mut [ContainerService]) -> Result<()> {
    let keys: Vec<_> = services.iter().flat_map(|service| values![service.id]).collect();
    let text =
        "SELECT certificate, spelling FROM service_domains WHERE service = ?1 ORDER BY certificate, place";
    tx.query_each(text, 1, &keys, &mut |at, row| {
        let domains = services[at].public_domain_names.entry(row.get(0)?).or_default();
        domains.push(row.get(1)?);
        Ok(())
    })
}

/// Forgets the domain names of a service.
pub(crate) fn forget(tx: &dyn Tx, service: ServiceId) -> Result<()> {
    tx.post("DELETE FROM service_domains WHERE service = ?1", values![service])
}
