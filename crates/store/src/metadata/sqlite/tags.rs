use async_trait::async_trait;
use gangplank_core::{EventKind, Origin, Tenant};
use gangplank_oci::{RepositoryName, Tag};
use rusqlite::params;

use super::audit::Note;
use super::cache::Touched;
use super::doors::Outcome;
use super::usage::Usage;
use super::{Sqlite, rows};
use crate::Result;
use crate::metadata::tags::Tags;

#[async_trait]
impl Tags for Sqlite {
    async fn tags(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        last: Option<&str>,
        limit: usize,
    ) -> Result<Option<Vec<String>>> {
        self.read(|connection| {
            let Some(repository) = rows::find_repository(connection, tenant, repository)? else {
                return Ok(None);
            };
            let mut select = connection.prepare_cached(
                "SELECT name FROM tags WHERE repository = ?1 AND name > ?2 ORDER BY name LIMIT ?3",
            )?;
            let names =
                select.query_map(params![repository, last.unwrap_or(""), bound(limit)], |row| row.get(0))?;
            Ok(Some(names.collect::<rusqlite::Result<_>>()?))
        })
    }

    async fn delete_tag(
        &self,
        by: &Origin,
        tenant: &Tenant,
        repository: &RepositoryName,
        tag: &Tag,
    ) -> Result<bool> {
        let (tenant, repository, tag) = (tenant.clone(), repository.clone(), tag.clone());
        self.doors
            .change(by, Touched::NOTHING, move |connection| {
                let Some(row) = rows::find_repository(connection, &tenant, &repository)? else {
                    return Ok(Outcome::Unchanged(false));
                };
                let mut delete =
                    connection.prepare_cached("DELETE FROM tags WHERE repository = ?1 AND name = ?2")?;
                if delete.execute(params![row, tag.as_str()])? == 0 {
                    return Ok(Outcome::Unchanged(false));
                }
                let usage = Usage { tags: -1, ..Usage::default() };
                usage.write(connection, rows::ensure_tenant(connection, &tenant)?)?;
                let note = Note::of(EventKind::TagDeleted, &tenant).repository(&repository).subject(&tag);
                Ok(Outcome::Changed(true, note))
            })
            .await
    }

    async fn repositories(&self, tenant: &Tenant, last: Option<&str>, limit: usize) -> Result<Vec<String>> {
        self.read(|connection| {
            let Some(tenant) = rows::find_tenant(connection, tenant)? else { return Ok(Vec::new()) };
            let mut select = connection.prepare_cached(
                "SELECT name FROM repositories WHERE tenant = ?1 AND name > ?2 ORDER BY name LIMIT ?3",
            )?;
            let names =
                select.query_map(params![tenant, last.unwrap_or(""), bound(limit)], |row| row.get(0))?;
            Ok(names.collect::<rusqlite::Result<_>>()?)
        })
    }
}

fn bound(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
