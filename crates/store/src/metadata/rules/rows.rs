//! What several tables' queries share: tenants, repositories, and reading typed columns.

use gangplank_core::{AccessKeyId, AccountId, Owner, Region, Tenant};
use gangplank_oci::RepositoryName;

use super::usage::Usage;
use crate::metadata::tx::{Level, Lock, Query, Row, Tx, values};
use crate::{Result, StoreError};

/// The tenant's row, made if it is new.
pub(crate) fn ensure_tenant(tx: &dyn Tx, tenant: &Tenant) -> Result<i64> {
    if let Some(id) = find_tenant(tx, tenant)? {
        return Ok(id);
    }
    // Somebody else may make it at the same time.
    tx.run(
        "INSERT INTO tenants (account, region) VALUES (?1, ?2) ON CONFLICT (account, region) DO NOTHING",
        values![tenant.account.as_str(), tenant.region.as_str()],
    )?;
    tx.one(&by_name(tenant))
}

/// The tenant's row, if it ever had anything.
pub(crate) fn find_tenant(tx: &dyn Tx, tenant: &Tenant) -> Result<Option<i64>> {
    tx.find(&by_name(tenant))
}

fn by_name(tenant: &Tenant) -> Query<'_, i64> {
    let name = values![tenant.account.as_str(), tenant.region.as_str()];
    Query::column("SELECT id FROM tenants WHERE account = ?1 AND region = ?2", name)
}

/// The repository's row, made if it is new.
pub(crate) fn ensure_repository(
    tx: &dyn Tx,
    tenant: i64,
    name: &RepositoryName,
    usage: &mut Usage,
) -> Result<i64> {
    let find = || {
        let key = values![tenant, name.as_str()];
        Query::column("SELECT id FROM repositories WHERE tenant = ?1 AND name = ?2", key)
    };
    if let Some(id) = tx.find(&find())? {
        return Ok(id);
    }
    // Somebody else may make it at the same time.
    let made = tx.run(
        "INSERT INTO repositories (tenant, name) VALUES (?1, ?2) ON CONFLICT (tenant, name) DO NOTHING",
        values![tenant, name.as_str()],
    )?;
    usage.repositories += i64::from(made > 0);
    tx.one(&find())
}

/// The repository's row, within the tenant.
pub(crate) fn find_repository(tx: &dyn Tx, tenant: &Tenant, name: &RepositoryName) -> Result<Option<i64>> {
    tx.find(&Query::column(
        "SELECT r.id FROM tenants t JOIN repositories r ON r.tenant = t.id
         WHERE t.account = ?1 AND t.region = ?2 AND r.name = ?3",
        values![tenant.account.as_str(), tenant.region.as_str(), name.as_str()],
    ))
}

/// A repository as it is once it is locked.
pub(crate) struct Repository {
    pub(crate) id: i64,
    pub(crate) tenant: i64,
}

/// Locks a repository: `Update` for who changes what is in it, `Share` for who relies on that.
pub(crate) fn lock_repository(
    tx: &dyn Tx,
    tenant: &Tenant,
    name: &RepositoryName,
    lock: Lock,
) -> Result<Option<Repository>> {
    tx.lock_one(
        Level::Repository,
        lock,
        &Query::new(
            "SELECT id, tenant FROM repositories
             WHERE tenant = (SELECT id FROM tenants WHERE account = ?1 AND region = ?2) AND name = ?3",
            values![tenant.account.as_str(), tenant.region.as_str(), name.as_str()],
            |row| Ok(Repository { id: row.get(0)?, tenant: row.get(1)? }),
        ),
    )
}

/// How many rows a page may have, for a statement.
pub(crate) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Reads how many there are.
pub(crate) fn count(count: i64) -> Result<usize> {
    usize::try_from(count).map_err(|_| damaged("count", &count.to_string()))
}

/// Reads an account column.
pub(crate) fn account(text: &str) -> Result<AccountId> {
    AccountId::parse(text).map_err(|_| damaged("account", text))
}

/// Reads a region column.
pub(crate) fn region(text: &str) -> Result<Region> {
    Region::parse(text).ok_or_else(|| damaged("region", text))
}

/// Reads `account, region`, the first two columns.
pub(crate) fn tenant(row: &Row<'_>) -> Result<Tenant> {
    Ok(Tenant { account: account(row.text(0)?)?, region: region(row.text(1)?)? })
}

/// Reads an owner column.
pub(crate) fn owner(text: &str) -> Result<Owner> {
    Owner::parse(text).ok_or_else(|| damaged("owner", text))
}

/// Reads an owner column that may be null.
pub(crate) fn maybe_owner(text: Option<String>) -> Result<Option<Owner>> {
    text.as_deref().map(owner).transpose()
}

/// Reads an access key column.
pub(crate) fn access_key_id(text: &str) -> Result<AccessKeyId> {
    AccessKeyId::parse(text).map_err(|_| damaged("access key", text))
}

/// A column holds what this program never writes.
pub(crate) fn damaged(what: &str, value: &str) -> StoreError {
    StoreError::damaged(format!("{what} {value:?}"))
}

/// Sizes and offsets are unsigned in the program and signed in a database.
pub(crate) fn unsigned(value: i64) -> Result<u64> {
    u64::try_from(value).map_err(|_| damaged("size", &value.to_string()))
}

/// The other way round.
pub(crate) fn signed(value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| damaged("size", &value.to_string()))
}
