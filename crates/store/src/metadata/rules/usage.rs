//! How much each account has, in the table `accounts`. A transaction adds up its changes and writes them last,
//! so that the account's row is locked for the shortest time.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use async_trait::async_trait;
use gangplank_core::{AccountId, Quota, Quotas, Tenant};

use super::rows;
use crate::Result;
use crate::metadata::Accounts;
use crate::metadata::engine::{Engine, Whose};
use crate::metadata::store::Store;
use crate::metadata::tx::{Kind, Query, Row, Tx, Value, values};

/// The changes of one transaction to an account's usage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) content_bytes: i64,
    pub(crate) manifest_bytes: i64,
    pub(crate) manifests: i64,
    pub(crate) tags: i64,
    pub(crate) repositories: i64,
}

impl Usage {
    /// Records content that was added.
    pub(crate) fn add_content(&mut self, bytes: u64) -> Result<()> {
        self.content_bytes += rows::signed(bytes)?;
        Ok(())
    }

    /// Records content that is gone.
    pub(crate) fn remove_content(&mut self, bytes: u64) -> Result<()> {
        self.content_bytes -= rows::signed(bytes)?;
        Ok(())
    }

    /// Adds the changes to the account of this tenant.
    pub(crate) fn write(self, tx: &dyn Tx, tenant: i64) -> Result<()> {
        self.add_to(tx, tenant).map(drop)
    }

    /// Adds the changes to the account of this tenant, if each sum that grew stays within its quota.
    ///
    /// # Errors
    /// [`StoreError::OverQuota`](crate::StoreError::OverQuota) if a sum exceeds its quota. The caller's
    /// transaction must fail with this error.
    pub(crate) fn write_within(self, tx: &dyn Tx, tenant: i64, quotas: &Quotas) -> Result<()> {
        if tx.may_refuse() {
            return self.post_within(tx, tenant, quotas);
        }
        let Some(has) = self.add_to(tx, tenant)? else { return Ok(()) };
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
                require(Quota::Bytes, more, has + staged_bytes(tx, tenant)?, allowed)
            }
            _ => Ok(()),
        }
    }

    fn bytes(self) -> i64 {
        self.content_bytes + self.manifest_bytes
    }

    /// Adds the changes; returns the account's new sums, or `None` if nothing changed.
    fn add_to(self, tx: &dyn Tx, tenant: i64) -> Result<Option<Self>> {
        if self == Self::default() {
            return Ok(None);
        }
        tx.find(&Query::new(ADD, self.values(tenant), read))
    }

    fn values(self, tenant: i64) -> [Value<'static>; 6] {
        let Self { content_bytes, manifest_bytes, manifests, tags, repositories } = self;
        values![tenant, content_bytes, manifest_bytes, manifests, tags, repositories]
    }

    /// Adds the changes as [`write_within`](Self::write_within) does, by a statement that fails beyond a quota.
    /// Nobody waits for the answer to this statement. So the commit follows at once, and the lock on the
    /// account's row is short.
    fn post_within(self, tx: &dyn Tx, tenant: i64, quotas: &Quotas) -> Result<()> {
        static TEXT: LazyLock<String> = LazyLock::new(|| {
            format!(
                "WITH now AS ({ADD})
                 SELECT 1 / count(*) FROM now
                 WHERE (?6 <= 0 OR repositories <= ?7) AND (?4 <= 0 OR manifests <= ?8) AND (?5 <= 0 OR tags <= ?9)
                   AND (?2 + ?3 <= 0 OR CAST(?10 AS BIGINT) IS NULL
                        OR content_bytes + manifest_bytes + ({STAGED}) <= ?10)"
            )
        });
        if self == Self::default() {
            return Ok(());
        }
        let most = |allowed: u64| Value::from(i64::try_from(allowed).unwrap_or(i64::MAX));
        let [tenant, content, manifest, manifests, tags, repositories] = self.values(tenant);
        tx.post(
            &TEXT,
            [
                tenant,
                content,
                manifest,
                manifests,
                tags,
                repositories,
                most(quotas.repositories),
                most(quotas.manifests),
                most(quotas.tags),
                quotas.account_bytes.map_or(Value::Null(Kind::Integer), most),
            ],
        )
    }
}

/// Adds the changes to the accounts of several tenants. The accounts are written in order, so that two such
/// transactions cannot wait for each other.
pub(crate) fn write_all(tx: &dyn Tx, changes: BTreeMap<i64, Usage>) -> Result<()> {
    let accounts = tx.find_each(
        "SELECT account FROM tenants WHERE id = ?1",
        changes.keys().map(|tenant| values![*tenant]),
        |row| row.get::<String>(0),
    )?;
    let mut changes: Vec<_> = accounts.into_iter().zip(changes).collect();
    changes.sort_by(|(a, _), (b, _)| a.cmp(b));
    changes.into_iter().try_for_each(|(_, (tenant, usage))| usage.write(tx, tenant))
}

/// Adds changes to the account of a tenant, and returns its sums.
const ADD: &str = "
    INSERT INTO accounts (id, content_bytes, manifest_bytes, manifests, tags, repositories)
    SELECT account, ?2, ?3, ?4, ?5, ?6 FROM tenants WHERE id = ?1
    ON CONFLICT (id) DO UPDATE SET
        content_bytes = accounts.content_bytes + excluded.content_bytes,
        manifest_bytes = accounts.manifest_bytes + excluded.manifest_bytes,
        manifests = accounts.manifests + excluded.manifests,
        tags = accounts.tags + excluded.tags,
        repositories = accounts.repositories + excluded.repositories
    RETURNING accounts.content_bytes, accounts.manifest_bytes, accounts.manifests, accounts.tags,
              accounts.repositories";

const STAGED: &str = "SELECT CAST(coalesce(sum(u.received), 0) AS BIGINT)
    FROM tenants own CROSS JOIN tenants t CROSS JOIN uploads u
    WHERE own.id = ?1 AND t.account = own.account AND u.tenant = t.id";

fn require(quota: Quota, more: i64, has: i64, allowed: u64) -> Result<()> {
    // A decrease is always admitted.
    let more = u64::try_from(more).unwrap_or_default();
    let used = u64::try_from(has).unwrap_or_default().saturating_sub(more);
    Ok(quota.admit(used, more, allowed)?)
}

/// The staged bytes of an account, in all its regions.
fn staged_bytes(tx: &dyn Tx, tenant: i64) -> Result<i64> {
    tx.one(&Query::column(STAGED, values![tenant]))
}

fn read(row: &Row<'_>) -> Result<Usage> {
    Ok(Usage {
        content_bytes: row.get(0)?,
        manifest_bytes: row.get(1)?,
        manifests: row.get(2)?,
        tags: row.get(3)?,
        repositories: row.get(4)?,
    })
}

#[async_trait]
impl<E: Engine> Accounts for Store<E> {
    async fn used_bytes(&self, tenant: &Tenant) -> Result<u64> {
        self.read(|tx| {
            let Some(tenant_row) = rows::find_tenant(tx, tenant)? else { return Ok(0) };
            let kept = tx.find(&Query::new(
                "SELECT content_bytes, manifest_bytes, manifests, tags, repositories FROM accounts WHERE id = ?1",
                values![tenant.account.as_str()],
                read,
            ))?;
            rows::unsigned(kept.unwrap_or_default().bytes() + staged_bytes(tx, tenant_row)?)
        })
        .await
    }

    async fn largest_accounts(&self, limit: usize) -> Result<Vec<(String, u64)>> {
        self.read_long(Whose::Server, move |tx| {
            tx.all(&Query::new(
                "SELECT a.id, CAST(a.content_bytes + a.manifest_bytes + coalesce((
                            SELECT sum(u.received) FROM tenants t CROSS JOIN uploads u
                            WHERE t.account = a.id AND u.tenant = t.id), 0) AS BIGINT) AS bytes
                 FROM accounts a ORDER BY bytes DESC, a.id LIMIT ?1",
                values![rows::limit(limit)],
                |row| Ok((row.get(0)?, rows::unsigned(row.get(1)?)?)),
            ))
        })
        .await
    }

    async fn is_alone(&self, account: &AccountId) -> Result<bool> {
        self.read_one(|tx| {
            tx.one(&Query::column(
                "SELECT NOT EXISTS (SELECT 1 FROM access_keys WHERE account < ?1)
                    AND NOT EXISTS (SELECT 1 FROM access_keys WHERE account > ?1)",
                values![account.as_str()],
            ))
        })
        .await
    }
}

/// Computes each account's usage from the rows.
const COUNTED: &str = "
    SELECT t.account AS id,
           CAST(coalesce(sum((SELECT sum(b.size) FROM blobs b WHERE b.tenant = t.id)), 0) AS BIGINT)
               AS content_bytes,
           CAST(coalesce(sum((SELECT sum(m.size) FROM repositories r CROSS JOIN manifests m
                              WHERE r.tenant = t.id AND m.repository = r.id)), 0) AS BIGINT) AS manifest_bytes,
           CAST(sum((SELECT count(*) FROM repositories r CROSS JOIN manifests m
                     WHERE r.tenant = t.id AND m.repository = r.id)) AS BIGINT) AS manifests,
           CAST(sum((SELECT count(*) FROM repositories r CROSS JOIN tags g
                     WHERE r.tenant = t.id AND g.repository = r.id)) AS BIGINT) AS tags,
           CAST(sum((SELECT count(*) FROM repositories r WHERE r.tenant = t.id)) AS BIGINT) AS repositories
    FROM tenants t GROUP BY t.account";

/// The accounts whose row differs from their real usage.
pub(crate) fn wrong(tx: &dyn Tx) -> Result<Vec<String>> {
    let text = format!(
        "SELECT c.id FROM ({COUNTED}) AS c LEFT JOIN accounts a ON a.id = c.id
         WHERE c.content_bytes <> coalesce(a.content_bytes, 0)
            OR c.manifest_bytes <> coalesce(a.manifest_bytes, 0)
            OR c.manifests <> coalesce(a.manifests, 0)
            OR c.tags <> coalesce(a.tags, 0)
            OR c.repositories <> coalesce(a.repositories, 0)"
    );
    tx.all(&Query::column(&text, values![]))
}

/// Computes the usage of each account again and writes it.
pub(crate) fn mend(tx: &dyn Tx) -> Result<()> {
    tx.post("DELETE FROM accounts", values![])?;
    let count = format!(
        "INSERT INTO accounts (id, content_bytes, manifest_bytes, manifests, tags, repositories)
         SELECT id, content_bytes, manifest_bytes, manifests, tags, repositories FROM ({COUNTED}) AS c"
    );
    tx.post(&count, values![])
}
