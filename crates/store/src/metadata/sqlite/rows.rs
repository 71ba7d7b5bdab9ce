//! What several tables' queries share: tenants, repositories, and reading typed columns.

use gangplank_core::{AccessKeyId, AccountId, Owner, Region, Tenant};
use gangplank_oci::RepositoryName;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::usage::Usage;
use crate::{Result, StoreError};

/// The tenant's row, made if it is new.
pub(super) fn ensure_tenant(connection: &Connection, tenant: &Tenant) -> Result<i64> {
    if let Some(id) = find_tenant(connection, tenant)? {
        return Ok(id);
    }
    let mut insert = connection.prepare_cached("INSERT INTO tenants (account, region) VALUES (?1, ?2)")?;
    Ok(insert.insert(params![tenant.account.as_str(), tenant.region.as_str()])?)
}

/// The tenant's row, if it ever had anything.
pub(super) fn find_tenant(connection: &Connection, tenant: &Tenant) -> Result<Option<i64>> {
    let mut find = connection.prepare_cached("SELECT id FROM tenants WHERE account = ?1 AND region = ?2")?;
    Ok(find
        .query_row(params![tenant.account.as_str(), tenant.region.as_str()], |row| row.get(0))
        .optional()?)
}

/// The repository's row, made if it is new.
pub(super) fn ensure_repository(
    connection: &Connection,
    tenant: i64,
    name: &RepositoryName,
    usage: &mut Usage,
) -> Result<i64> {
    let mut find =
        connection.prepare_cached("SELECT id FROM repositories WHERE tenant = ?1 AND name = ?2")?;
    if let Some(id) = find.query_row(params![tenant, name.as_str()], |row| row.get(0)).optional()? {
        return Ok(id);
    }
    usage.repositories += 1;
    let mut insert = connection.prepare_cached("INSERT INTO repositories (tenant, name) VALUES (?1, ?2)")?;
    Ok(insert.insert(params![tenant, name.as_str()])?)
}

/// The repository's row, within the tenant.
pub(super) fn find_repository(
    connection: &Connection,
    tenant: &Tenant,
    name: &RepositoryName,
) -> Result<Option<i64>> {
    let mut find = connection.prepare_cached(
        "SELECT r.id FROM tenants t JOIN repositories r ON r.tenant = t.id
         WHERE t.account = ?1 AND t.region = ?2 AND r.name = ?3",
    )?;
    let key = params![tenant.account.as_str(), tenant.region.as_str(), name.as_str()];
    Ok(find.query_row(key, |row| row.get(0)).optional()?)
}

/// Reads how many there are.
pub(super) fn count(count: i64) -> Result<usize> {
    usize::try_from(count).map_err(|_| damaged("count", &count.to_string()))
}

/// Reads an account column.
pub(super) fn account(text: &str) -> Result<AccountId> {
    AccountId::parse(text).map_err(|_| damaged("account", text))
}

/// Reads a region column.
pub(super) fn region(text: &str) -> Result<Region> {
    Region::parse(text).ok_or_else(|| damaged("region", text))
}

/// Reads `account, region`, the first two columns.
pub(super) fn tenant(row: &Row<'_>) -> Result<Tenant> {
    Ok(Tenant {
        account: account(row.get_ref(0)?.as_str().unwrap_or_default())?,
        region: region(row.get_ref(1)?.as_str().unwrap_or_default())?,
    })
}

/// Reads an owner column.
pub(super) fn owner(text: &str) -> Result<Owner> {
    Owner::parse(text).ok_or_else(|| damaged("owner", text))
}

/// Reads an owner column that may be null.
pub(super) fn maybe_owner(text: Option<String>) -> Result<Option<Owner>> {
    text.as_deref().map(owner).transpose()
}

/// Reads an access key column.
pub(super) fn access_key_id(text: &str) -> Result<AccessKeyId> {
    AccessKeyId::parse(text).map_err(|_| damaged("access key", text))
}

/// A column holds what this program never writes.
pub(super) fn damaged(what: &str, value: &str) -> StoreError {
    StoreError::Damaged(format!("{what} {value:?}"))
}

/// Sizes and offsets are unsigned in the program and signed in SQLite.
pub(super) fn unsigned(value: i64) -> Result<u64> {
    u64::try_from(value).map_err(|_| damaged("size", &value.to_string()))
}

/// The other way round.
pub(super) fn signed(value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| damaged("size", &value.to_string()))
}
