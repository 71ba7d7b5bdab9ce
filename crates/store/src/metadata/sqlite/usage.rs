//! How much each account has, in the table `accounts`. Each transaction adds up what it changes and writes it
//! last, so that the row is locked for the shortest time.

use rusqlite::{Connection, params};

use super::rows;
use crate::Result;

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
        if self == Self::default() {
            return Ok(());
        }
        let mut write = connection.prepare_cached(
            "INSERT INTO accounts (id, content_bytes, manifest_bytes, manifests, tags, repositories)
             SELECT account, ?2, ?3, ?4, ?5, ?6 FROM tenants WHERE id = ?1
             ON CONFLICT (id) DO UPDATE SET
                 content_bytes = accounts.content_bytes + excluded.content_bytes,
                 manifest_bytes = accounts.manifest_bytes + excluded.manifest_bytes,
                 manifests = accounts.manifests + excluded.manifests,
                 tags = accounts.tags + excluded.tags,
                 repositories = accounts.repositories + excluded.repositories",
        )?;
        let Self { content_bytes, manifest_bytes, manifests, tags, repositories } = self;
        write.execute(params![tenant, content_bytes, manifest_bytes, manifests, tags, repositories])?;
        Ok(())
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
