use std::collections::BTreeMap;

use async_trait::async_trait;
use gangplank_core::{EventKind, LoginId, Origin, Tenant};
use gangplank_oci::{RepositoryName, Tag};

use super::audit::Note;
use super::rows;
use super::usage::Usage;
use crate::Result;
use crate::metadata::engine::{Engine, Terms, Whose};
use crate::metadata::store::{Outcome, Store};
use crate::metadata::tags::Tags;
use crate::metadata::tx::{AskedEach, Lock, Query, Tx, values};

#[async_trait]
impl<E: Engine> Tags for Store<E> {
    async fn tags(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        last: Option<&str>,
        limit: usize,
    ) -> Result<Option<Vec<String>>> {
        let (tenant, repository) = (tenant.clone(), repository.clone());
        let last = last.unwrap_or_default().to_owned();
        self.read_page(Whose::of(&tenant), limit, move |tx| {
            let Some(repository) = rows::find_repository(tx, &tenant, &repository)? else {
                return Ok(None);
            };
            let names = tx.all(&Query::column(
                "SELECT name FROM tags WHERE repository = ?1 AND name > ?2 ORDER BY name LIMIT ?3",
                values![repository, &last, rows::limit(limit)],
            ))?;
            Ok(Some(names))
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
        self.change(by, Terms::tenant(&tenant).takes_nothing(), move |tx| {
            let Some(row) = rows::lock_repository(tx, &tenant, &repository, Lock::Update)? else {
                return Ok(Outcome::Unchanged(false));
            };
            tx.post(FORGET_PUT, values![row.id, tag.as_str()])?;
            let delete = "DELETE FROM tags WHERE repository = ?1 AND name = ?2";
            if tx.run(delete, values![row.id, tag.as_str()])? == 0 {
                return Ok(Outcome::Unchanged(false));
            }
            Usage { tags: -1, ..Usage::default() }.write(tx, row.tenant)?;
            let note = Note::of(EventKind::TagDeleted, &tenant).repository(&repository).subject(&tag);
            Ok(Outcome::Changed(true, note))
        })
        .await
    }

    async fn repositories(&self, tenant: &Tenant, last: Option<&str>, limit: usize) -> Result<Vec<String>> {
        let (tenant, last) = (tenant.clone(), last.unwrap_or_default().to_owned());
        self.read_page(Whose::of(&tenant), limit, move |tx| {
            let Some(tenant) = rows::find_tenant(tx, &tenant)? else { return Ok(Vec::new()) };
            tx.all(&Query::column(
                "SELECT name FROM repositories WHERE tenant = ?1 AND name > ?2 ORDER BY name LIMIT ?3",
                values![tenant, &last, rows::limit(limit)],
            ))
        })
        .await
    }
}

/// Asks for the manifest of each of these tags. The repository must be locked with `Update`, and stay locked
/// until [`set`].
pub(crate) fn begin<'a>(
    tx: &dyn Tx,
    repository: Option<i64>,
    tags: &'a [Tag],
) -> Result<AskedEach<'a, 2, i64>> {
    let keys = tags.iter().map(|tag| values![repository, tag.as_str()]);
    tx.begin_each("SELECT manifest FROM tags WHERE repository = ?1 AND name = ?2", keys, |row| row.get(0))
}

/// Sets tags to a manifest, on behalf of a login if there is one. `before` has the earlier manifest of each
/// tag. Returns whether a tag was new or moved. The login may have been forgotten meanwhile. The repository
/// must be locked with `Update`.
pub(crate) fn set(
    tx: &dyn Tx,
    before: AskedEach<'_, 2, i64>,
    (repository, tags): (i64, &[Tag]),
    manifest: i64,
    login: Option<LoginId>,
    usage: &mut Usage,
) -> Result<bool> {
    let tags: BTreeMap<&str, Option<i64>> = tags.iter().map(Tag::as_str).zip(before.find(tx)?).collect();
    let row = |tag: &str| values![repository, tag.to_owned(), manifest];
    let added: Vec<_> = tags.iter().filter(|(_, before)| before.is_none()).map(|(tag, _)| *tag).collect();
    let moved: Vec<_> = tags
        .iter()
        .filter(|(_, before)| before.is_some_and(|it| it != manifest))
        .map(|(tag, _)| *tag)
        .collect();
    usage.tags += i64::try_from(added.len()).unwrap_or(i64::MAX);
    let add = "INSERT INTO tags (repository, name, manifest) VALUES (?1, ?2, ?3)";
    tx.post_each(add, added.iter().map(|tag| row(tag)))?;
    let move_it = "UPDATE tags SET manifest = ?3 WHERE repository = ?1 AND name = ?2";
    tx.post_each(move_it, moved.iter().map(|tag| row(tag)))?;
    // When a tag moves, the record of who set it before is removed.
    tx.post_each(FORGET_PUT, moved.iter().map(|tag| values![repository, *tag]))?;
    if let Some(login) = login {
        tx.post_each(
            "INSERT INTO tag_puts (repository, tag, login)
             SELECT CAST(?1 AS BIGINT), ?2, l.id FROM registry_logins l WHERE l.id = ?3
             ON CONFLICT (repository, tag, login) DO NOTHING",
            tags.keys().map(|tag| values![repository, *tag, login]),
        )?;
    }
    Ok(!added.is_empty() || !moved.is_empty())
}

/// Deletes the records of who set a tag, before the tag moves or goes.
const FORGET_PUT: &str = "DELETE FROM tag_puts WHERE repository = ?1 AND tag = ?2";

/// Deletes the records of who set the tags of these manifests.
pub(crate) fn forget_puts(tx: &dyn Tx, manifests: &[i64]) -> Result<()> {
    tx.post_each(
        "DELETE FROM tag_puts
         WHERE (repository, tag) IN (SELECT repository, name FROM tags WHERE manifest = ?1)",
        manifests.iter().map(|manifest| values![*manifest]),
    )
}
