use async_trait::async_trait;
use gangplank_core::{EventKind, LoginId, Origin, Tenant};
use gangplank_oci::{RepositoryName, Tag};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::audit::Note;
use super::cache::Touched;
use super::doors::Outcome;
use super::usage::Usage;
use super::writer::Whose;
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
        let (tenant, repository) = (tenant.clone(), repository.clone());
        let last = last.unwrap_or_default().to_owned();
        self.read_page(Whose::of(&tenant), limit, move |connection| {
            let Some(repository) = rows::find_repository(connection, &tenant, &repository)? else {
                return Ok(None);
            };
            let mut select = connection.prepare_cached(
                "SELECT name FROM tags WHERE repository = ?1 AND name > ?2 ORDER BY name LIMIT ?3",
            )?;
            let names = select.query_map(params![repository, last, bound(limit)], |row| row.get(0))?;
            Ok(Some(names.collect::<rusqlite::Result<_>>()?))
        })
        .await
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
            .change(by, Whose::of(&tenant), Touched::NOTHING, move |connection| {
                let Some(row) = rows::find_repository(connection, &tenant, &repository)? else {
                    return Ok(Outcome::Unchanged(false));
                };
                forget_put(connection, row, tag.as_str())?;
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
        let (tenant, last) = (tenant.clone(), last.unwrap_or_default().to_owned());
        self.read_page(Whose::of(&tenant), limit, move |connection| {
            let Some(tenant) = rows::find_tenant(connection, &tenant)? else { return Ok(Vec::new()) };
            let mut select = connection.prepare_cached(
                "SELECT name FROM repositories WHERE tenant = ?1 AND name > ?2 ORDER BY name LIMIT ?3",
            )?;
            let names = select.query_map(params![tenant, last, bound(limit)], |row| row.get(0))?;
            Ok(names.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

/// Sets a tag to a manifest, for a login if there is one; says whether it stood elsewhere. The login may have been
/// forgotten meanwhile.
pub(super) fn set(
    connection: &Connection,
    (repository, tag): (i64, &str),
    manifest: i64,
    login: Option<LoginId>,
    usage: &mut Usage,
) -> Result<bool> {
    let mut find =
        connection.prepare_cached("SELECT manifest FROM tags WHERE repository = ?1 AND name = ?2")?;
    let before: Option<i64> = find.query_row(params![repository, tag], |row| row.get(0)).optional()?;
    usage.tags += i64::from(before.is_none());
    if before != Some(manifest) {
        // From here on it says nothing about what they put.
        forget_put(connection, repository, tag)?;
        let mut set = connection.prepare_cached(
            "INSERT INTO tags (repository, name, manifest) VALUES (?1, ?2, ?3)
             ON CONFLICT (repository, name) DO UPDATE SET manifest = excluded.manifest",
        )?;
        set.execute(params![repository, tag, manifest])?;
    }
    if let Some(LoginId(login)) = login {
        let mut note = connection.prepare_cached(
            "INSERT INTO tag_puts (repository, tag, login)
             SELECT ?1, ?2, l.id FROM registry_logins l WHERE l.id = ?3
             ON CONFLICT (repository, tag, login) DO NOTHING",
        )?;
        note.execute(params![repository, tag, login])?;
    }
    Ok(before != Some(manifest))
}

/// Forgets who set a tag that is about to move or to go.
fn forget_put(connection: &Connection, repository: i64, tag: &str) -> Result<()> {
    let mut forget = connection.prepare_cached("DELETE FROM tag_puts WHERE repository = ?1 AND tag = ?2")?;
    forget.execute(params![repository, tag])?;
    Ok(())
}

/// The same of all tags on a manifest.
pub(super) fn forget_puts(connection: &Connection, manifest: i64) -> Result<()> {
    let mut forget = connection.prepare_cached(
        "DELETE FROM tag_puts
         WHERE (repository, tag) IN (SELECT repository, name FROM tags WHERE manifest = ?1)",
    )?;
    forget.execute([manifest])?;
    Ok(())
}

fn bound(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
