//! Shared by the queries of several tables: tenants, repositories, and typed columns.

use gangplank_core::{AccessKeyId, AccountId, Owner, Region, Tenant};
use gangplank_oci::RepositoryName;

use super::usage::Usage;
use crate::metadata::Invocation;
use crate::metadata::tx::{Asked, Level, Lock, Query, Row, Tx, Value, values};
use crate::{Result, StoreError};

/// The row of the tenant, inserted if it is new.
pub(crate) fn ensure_tenant(tx: &dyn Tx, tenant: &Tenant) -> Result<i64> {
    if let Some(id) = find_tenant(tx, tenant)? {
        return Ok(id);
    }
    // Another transaction may insert it at the same time.
    tx.post(
        "INSERT INTO tenants (account, region) VALUES (?1, ?2) ON CONFLICT (account, region) DO NOTHING",
        values![tenant.account.as_str(), tenant.region.as_str()],
    )?;
    tx.one(&by_name(tenant))
}

/// The row of the tenant; `None` if it never had anything.
pub(crate) fn find_tenant(tx: &dyn Tx, tenant: &Tenant) -> Result<Option<i64>> {
    tx.find(&by_name(tenant))
}

fn by_name(tenant: &Tenant) -> Query<'_, i64> {
    let name = values![tenant.account.as_str(), tenant.region.as_str()];
    Query::column("SELECT id FROM tenants WHERE account = ?1 AND region = ?2", name)
}

/// Locks a repository as [`lock_repository`] does, and inserts it if it is new.
pub(crate) fn ensure_repository(
    tx: &dyn Tx,
    tenant: &Tenant,
    name: &RepositoryName,
    lock: Lock,
    usage: &mut Usage,
) -> Result<Repository> {
    loop {
        if let Some(repository) = lock_repository(tx, tenant, name, lock)? {
            return Ok(repository);
        }
        // Another transaction may insert it at the same time. If it is deleted again before it is locked, the
        // loop inserts it again.
        let made = tx.run(
            "INSERT INTO repositories (tenant, name) VALUES (?1, ?2) ON CONFLICT (tenant, name) DO NOTHING",
            values![ensure_tenant(tx, tenant)?, name.as_str()],
        )?;
        usage.repositories += i64::from(made > 0);
    }
}

/// Deletes a repository that this transaction has inserted and left empty.
pub(crate) fn take_back(tx: &dyn Tx, repository: &Repository, usage: &mut Usage) -> Result<()> {
    if usage.repositories > 0 {
        tx.post("DELETE FROM repositories WHERE id = ?1", values![repository.id])?;
        usage.repositories = 0;
    }
    Ok(())
}

/// The row of a repository of the tenant.
pub(crate) fn find_repository(tx: &dyn Tx, tenant: &Tenant, name: &RepositoryName) -> Result<Option<i64>> {
    begin_find_repository(tx, tenant, name)?.find(tx)
}

/// Asks for the row of a repository, as [`find_repository`] does.
pub(crate) fn begin_find_repository<'a>(
    tx: &dyn Tx,
    tenant: &'a Tenant,
    name: &'a RepositoryName,
) -> Result<Asked<'a, i64>> {
    tx.begin(Query::column(
        "SELECT r.id FROM tenants t JOIN repositories r ON r.tenant = t.id
         WHERE t.account = ?1 AND t.region = ?2 AND r.name = ?3",
        values![tenant.account.as_str(), tenant.region.as_str(), name.as_str()],
    ))
}

/// A locked repository.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Repository {
    pub(crate) id: i64,
    pub(crate) tenant: i64,
}

/// Locks a repository: with `Update` to change its contents, with `Share` to rely on them.
pub(crate) fn lock_repository(
    tx: &dyn Tx,
    tenant: &Tenant,
    name: &RepositoryName,
    lock: Lock,
) -> Result<Option<Repository>> {
    begin_repository(tx, tenant, name, lock)?.find(tx)
}

/// Begins to lock a repository, as [`lock_repository`] does.
pub(crate) fn begin_repository<'a>(
    tx: &dyn Tx,
    tenant: &'a Tenant,
    name: &'a RepositoryName,
    lock: Lock,
) -> Result<Asked<'a, Repository>> {
    let find = Query::new(
        "SELECT id, tenant FROM repositories
         WHERE tenant = (SELECT id FROM tenants WHERE account = ?1 AND region = ?2) AND name = ?3",
        values![tenant.account.as_str(), tenant.region.as_str(), name.as_str()],
        |row| Ok(Repository { id: row.get(0)?, tenant: row.get(1)? }),
    );
    tx.begin_lock(Level::Repository, lock, find)
}

/// Locks the manifests whose ids the query `of` finds, and returns their ids. After that a root may begin or
/// stop holding them. Their repositories are locked first, because an index that is put at the same time could
/// hold the manifests too.
pub(crate) fn lock_manifests<const N: usize>(
    tx: &dyn Tx,
    of: &str,
    values: [Value<'_>; N],
) -> Result<Vec<i64>> {
    let text = format!(
        "SELECT id FROM repositories WHERE id IN (SELECT repository FROM manifests WHERE id IN ({of})) ORDER BY id"
    );
    tx.hold(Level::Repository, Lock::Share, &text, &values)?;
    let text = format!("SELECT id FROM manifests WHERE id IN ({of}) ORDER BY id");
    tx.lock(Level::Manifest, Lock::Update, &Query::column(&text, values))
}

/// The owner and the id of the call that makes a row, for its columns.
pub(crate) fn call(invocation: Option<&Invocation>) -> (Option<&str>, Option<&str>) {
    invocation.map(|call| (call.owner.as_str(), call.id.as_str())).unzip()
}

/// The length of a page as a parameter.
pub(crate) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
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

/// The error for a column whose value this program never writes.
pub(crate) fn damaged(what: &str, value: &str) -> StoreError {
    StoreError::damaged(format!("{what} {value:?}"))
}

/// Converts a size or offset from its column. Databases know only signed numbers.
pub(crate) fn unsigned(value: i64) -> Result<u64> {
    u64::try_from(value).map_err(|_| damaged("size", &value.to_string()))
}

/// Converts a size or offset for its column.
pub(crate) fn signed(value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| damaged("size", &value.to_string()))
}
