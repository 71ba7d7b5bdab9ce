//! How much each account has, in the table `accounts`. Each transaction adds up what it changes and writes it
//! last, so that the row is locked for the shortest time.

use async_trait::async_trait;
use gangplank_core::{AccountId, Quota, Quotas, Tenant};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{Sqlite, rows};
use crate::Result;
use crate::metadata::Accounts;

/// By how much a transaction changes what an account has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) content_bytes: i64,
    pub(super) manifest_bytes: i64,
    pub(super) manifests: i64,
    pub(super) tags: i64,
    pub(super) repositories: i64,
}

impl Usage {
    /// Notes content that was added.
    pub(super) fn add_content(&mut self, bytes: u64) -> Result<()> {
        self.content_bytes += rows::signed(bytes)?;
        Ok(())
    }

    /// Notes content that is gone.
    pub(super) fn remove_content(&mut self, bytes: u64) -> Result<()> {
        self.content_bytes -= rows::signed(bytes)?;
        Ok(())
    }

    /// Writes the change to the account of this tenant.
    pub(super) fn write(self, connection: &Connection, tenant: i64) -> Result<()> {
        self.add_to(connection, tenant).map(drop)
    }

    /// The same, if the account then has no more than it may of what it gets more of. The caller's transaction must
    /// fail with this.
    pub(super) fn write_within(self, connection: &Connection, tenant: i64, quotas: &Quotas) -> Result<()> {
        let Some(has) = self.add_to(connection, tenant)? else { return Ok(()) };
        for (quota, more, has, allowed) in [
            (Quota::Repositories, self.repositories, has.repositories, quotas.repositories),
            (Quota::Manifests, self.manifests, has.manifests, quotas.manifests),
            (Quota::Tags, self.tags, has.tags, quotas.tags),
        ] {
            require(quota, more, has, allowed)?;
        }
        let (more, has) = (self.bytes(), has.bytes());
        match quotas.account_bytes {
            Some(allowed) if more > 0 => {
                require(Quota::Bytes, more, has + staged_bytes(connection, tenant)?, allowed)
            }
            _ => Ok(()),
        }
    }

    fn bytes(self) -> i64 {
        self.content_bytes + self.manifest_bytes
    }

    /// Adds it up; says what the account then has, if anything changed.
    fn add_to(self, connection: &Connection, tenant: i64) -> Result<Option<Self>> {
        if self == Self::default() {
            return Ok(None);
        }
        let mut write = connection.prepare_cached(
            "INSERT INTO accounts (id, content_bytes, manifest_bytes, manifests, tags, repositories)
             SELECT account, ?2, ?3, ?4, ?5, ?6 FROM tenants WHERE id = ?1
             ON CONFLICT (id) DO UPDATE SET
                 content_bytes = accounts.content_bytes + excluded.content_bytes,
                 manifest_bytes = accounts.manifest_bytes + excluded.manifest_bytes,
                 manifests = accounts.manifests + excluded.manifests,
                 tags = accounts.tags + excluded.tags,
                 repositories = accounts.repositories + excluded.repositories
             RETURNING content_bytes, manifest_bytes, manifests, tags, repositories",
        )?;
        let Self { content_bytes, manifest_bytes, manifests, tags, repositories } = self;
        let key = params![tenant, content_bytes, manifest_bytes, manifests, tags, repositories];
        Ok(write.query_row(key, read).optional()?)
    }
}

fn require(quota: Quota, more: i64, has: i64, allowed: u64) -> Result<()> {
    // What became less is admitted.
    let more = u64::try_from(more).unwrap_or_default();
    let used = u64::try_from(has).unwrap_or_default().saturating_sub(more);
    Ok(quota.admit(used, more, allowed)?)
}

/// Bytes of an account that are staged, in all its regions.
fn staged_bytes(connection: &Connection, tenant: i64) -> Result<i64> {
    let mut staged = connection.prepare_cached(
        "SELECT coalesce(sum(received), 0) FROM uploads WHERE tenant IN (
             SELECT id FROM tenants WHERE account = (SELECT account FROM tenants WHERE id = ?1))",
    )?;
    Ok(staged.query_row([tenant], |row| row.get(0))?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Usage> {
    Ok(Usage {
        content_bytes: row.get(0)?,
        manifest_bytes: row.get(1)?,
        manifests: row.get(2)?,
        tags: row.get(3)?,
        repositories: row.get(4)?,
    })
}

#[async_trait]
impl Accounts for Sqlite {
    async fn used_bytes(&self, tenant: &Tenant) -> Result<u64> {
        self.read(|connection| {
            let Some(tenant_row) = rows::find_tenant(connection, tenant)? else { return Ok(0) };
            let mut find = connection.prepare_cached(
                "SELECT content_bytes, manifest_bytes, manifests, tags, repositories FROM accounts WHERE id = ?1",
            )?;
            let kept = find.query_row([tenant.account.as_str()], read).optional()?.unwrap_or_default();
            rows::unsigned(kept.bytes() + staged_bytes(connection, tenant_row)?)
        })
    }

    async fn is_alone(&self, account: &AccountId) -> Result<bool> {
        self.read_one(|connection| {
            let mut find = connection.prepare_cached(
                "SELECT NOT EXISTS (SELECT 1 FROM access_keys WHERE account < ?1)
                    AND NOT EXISTS (SELECT 1 FROM access_keys WHERE account > ?1)",
            )?;
            Ok(find.query_row([account.as_str()], |row| row.get(0))?)
        })
    }
}

/// What each account has, counted anew.
const COUNTED: &str = "
    SELECT t.account AS id,
           coalesce(sum((SELECT sum(b.size) FROM blobs b WHERE b.tenant = t.id)), 0) AS content_bytes,
           coalesce(sum((SELECT sum(m.size) FROM repositories r CROSS JOIN manifests m
                         WHERE r.tenant = t.id AND m.repository = r.id)), 0) AS manifest_bytes,
           sum((SELECT count(*) FROM repositories r CROSS JOIN manifests m
                WHERE r.tenant = t.id AND m.repository = r.id)) AS manifests,
           sum((SELECT count(*) FROM repositories r CROSS JOIN tags g
                WHERE r.tenant = t.id AND g.repository = r.id)) AS tags,
           sum((SELECT count(*) FROM repositories r WHERE r.tenant = t.id)) AS repositories
    FROM tenants t GROUP BY t.account";

/// The accounts whose row does not say what they have.
pub(super) fn wrong(connection: &Connection) -> Result<Vec<String>> {
    let mut select = connection.prepare(&format!(
        "SELECT c.id FROM ({COUNTED}) AS c LEFT JOIN accounts a ON a.id = c.id
         WHERE c.content_bytes <> coalesce(a.content_bytes, 0)
            OR c.manifest_bytes <> coalesce(a.manifest_bytes, 0)
            OR c.manifests <> coalesce(a.manifests, 0)
            OR c.tags <> coalesce(a.tags, 0)
            OR c.repositories <> coalesce(a.repositories, 0)"
    ))?;
    let accounts = select.query_map([], |row| row.get(0))?;
    Ok(accounts.collect::<rusqlite::Result<_>>()?)
}

/// Writes what each account has anew.
pub(super) fn mend(connection: &Connection) -> Result<()> {
    connection.execute_batch(&format!(
        "DELETE FROM accounts;
         INSERT INTO accounts (id, content_bytes, manifest_bytes, manifests, tags, repositories)
         SELECT id, content_bytes, manifest_bytes, manifests, tags, repositories FROM ({COUNTED}) AS c"
    ))?;
    Ok(())
}
