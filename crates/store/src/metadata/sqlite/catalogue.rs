use async_trait::async_trait;
use gangplank_core::{Tenant, Time};
use gangplank_oci::{Reference, RepositoryName};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::writer::Whose;
use super::{Sqlite, image_names, rows};
use crate::Result;
use crate::metadata::catalogue::{
    Catalogue, LOOKED_AT, ListedManifest, ListedRepository, MOST_BYTES, MOST_TAGS, ManifestFilter,
    ManifestPage, ShownManifest,
};
use crate::metadata::sqlite::transaction::Transaction;

/// How many holders of each kind are named.
const MOST_HOLDERS: i64 = 20;

#[async_trait]
impl Catalogue for Sqlite {
    async fn list_repositories(
        &self,
        tenant: &Tenant,
        prefix: &str,
        last: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ListedRepository>> {
        let tenant = tenant.clone();
        // One bound, so that the index is entered where the page begins.
        let first = match last {
            Some(last) if last >= prefix => format!("{last}\0"),
            _ => prefix.to_owned(),
        };
        let end = format!("{prefix}\u{10ffff}");
        self.engine
            .read_long(Whose::of(&tenant), move |connection| {
                let Some(tenant) = rows::find_tenant(&Transaction(connection), &tenant)? else {
                    return Ok(Vec::new());
                };
                let mut select = connection.prepare_cached(
                    "SELECT name, (SELECT created_at FROM manifests m
                               WHERE m.repository = r.id AND m.id <= ?5 ORDER BY m.id DESC LIMIT 1)
                 FROM repositories r WHERE tenant = ?1 AND name >= ?2 AND name < ?3 ORDER BY name LIMIT ?4",
                )?;
                let limit = i64::try_from(limit).unwrap_or(i64::MAX);
                let found = select.query_map(params![tenant, first, end, limit, i64::MAX], |row| {
                    let newest: Option<i64> = row.get(1)?;
                    Ok(ListedRepository { name: row.get(0)?, newest_at: newest.map(Time) })
                })?;
                Ok(found.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    async fn list_manifests(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        filter: &ManifestFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Option<ManifestPage>> {
        let (tenant, repository, filter) = (tenant.clone(), repository.clone(), filter.clone());
        self.engine
            .read_long(Whose::of(&tenant), move |connection| {
                let Some(repository) = rows::find_repository(&Transaction(connection), &tenant, &repository)?
                else {
                    return Ok(None);
                };
                list(connection, repository, &filter, before.unwrap_or(i64::MAX), limit).map(Some)
            })
            .await
    }

    async fn show_manifest(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<Option<ShownManifest>> {
        let (tenant, repository, reference) = (tenant.clone(), repository.clone(), reference.clone());
        self.engine
            .read_long(Whose::of(&tenant), move |connection| {
                let Some(repository) = rows::find_repository(&Transaction(connection), &tenant, &repository)?
                else {
                    return Ok(None);
                };
                show(connection, repository, &reference)
            })
            .await
    }
}

fn list(
    connection: &Connection,
    repository: i64,
    filter: &ManifestFilter,
    before: i64,
    limit: usize,
) -> Result<ManifestPage> {
    // Whether it belongs to another is one step in an index.
    let mut select = connection.prepare_cached(
        "SELECT id, digest, media_type, artifact_type, subject, created_at,
                subject IS NOT NULL OR EXISTS (SELECT 1 FROM manifest_children c
                                               WHERE c.repository = m.repository AND c.digest = m.digest)
         FROM manifests m WHERE repository = ?1 AND id < ?2 ORDER BY id DESC",
    )?;
    let mut found = select.query(params![repository, before])?;
    let (mut page, mut bytes, mut looked_at) = (ManifestPage::default(), 0, 0);
    let mut last = before;
    while let Some(row) = found.next()? {
        if page.manifests.len() == limit || looked_at == LOOKED_AT || bytes >= MOST_BYTES {
            page.more = Some(last);
            break;
        }
        looked_at += 1;
        last = row.get(0)?;
        if let Some(manifest) = listed(connection, repository, filter, row)? {
            bytes += manifest.body.len();
            page.manifests.push(manifest);
        }
    }
    Ok(page)
}

/// A manifest, if it fits.
fn listed(
    connection: &Connection,
    repository: i64,
    filter: &ManifestFilter,
    row: &Row<'_>,
) -> Result<Option<ListedManifest>> {
    let id: i64 = row.get(0)?;
    let is_part: bool = row.get(6)?;
    let fits = match &filter.tag_prefix {
        Some(prefix) => {
            let found = tags(connection, repository, id, prefix, 1)?;
            found.first().is_some_and(|tag| tag.starts_with(prefix.as_str()))
        }
        None => filter.with_parts || !is_part || !tags(connection, repository, id, "", 1)?.is_empty(),
    };
    if !fits {
        return Ok(None);
    }
    Ok(Some(ListedManifest {
        digest: row.get(1)?,
        media_type: row.get(2)?,
        artifact_type: row.get(3)?,
        subject: row.get(4)?,
        created_at: Time(row.get(5)?),
        tags: tags(connection, repository, id, "", MOST_TAGS)?,
        body: connection
            .prepare_cached("SELECT body FROM manifests WHERE id = ?1")?
            .query_row([id], |row| row.get(0))?,
    }))
}

/// The tags of a manifest in byte order, from `first` on.
fn tags(
    connection: &Connection,
    repository: i64,
    manifest: i64,
    first: &str,
    limit: usize,
) -> Result<Vec<String>> {
    let mut select = connection.prepare_cached(
        "SELECT name FROM tags WHERE manifest = ?1 AND repository = ?2 AND name >= ?3 ORDER BY name LIMIT ?4",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let names = select.query_map(params![manifest, repository, first, limit], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

fn show(connection: &Connection, repository: i64, reference: &Reference) -> Result<Option<ShownManifest>> {
    let mut find = connection.prepare_cached(match reference {
        Reference::Tag(_) => "SELECT manifest FROM tags WHERE repository = ?1 AND name = ?2",
        Reference::Digest(_) => "SELECT id FROM manifests WHERE repository = ?1 AND digest = ?2",
    })?;
    let key = params![repository, reference.to_string()];
    let Some(id) = find.query_row(key, |row| row.get::<_, i64>(0)).optional()? else { return Ok(None) };
    let mut select = connection.prepare_cached(
        "SELECT digest, media_type, artifact_type, subject, created_at, body, leased_at, held FROM manifests WHERE id = ?1",
    )?;
    let tags = tags(connection, repository, id, "", MOST_TAGS)?;
    let mut shown = select.query_row([id], |row| {
        Ok(ShownManifest {
            listed: ListedManifest {
                digest: row.get(0)?,
                media_type: row.get(1)?,
                artifact_type: row.get(2)?,
                subject: row.get(3)?,
                created_at: Time(row.get(4)?),
                tags,
                body: row.get(5)?,
            },
            leased_at: Time(row.get(6)?),
            is_held: row.get(7)?,
            images: Vec::new(),
            services: Vec::new(),
            indexes: Vec::new(),
        })
    })?;
    shown.images = image_names::with_manifest(connection, id)?;
    shown.services = names(
        connection,
        "SELECT s.name FROM deployment_manifests d CROSS JOIN services s
         WHERE d.manifest = ?1 AND s.id = d.service GROUP BY d.service LIMIT ?2",
        params![id, MOST_HOLDERS],
    )?;
    shown.indexes = names(
        connection,
        "SELECT m.digest FROM manifest_children c CROSS JOIN manifests m
         WHERE c.repository = ?1 AND c.digest = ?2 AND m.id = c.manifest LIMIT ?3",
        params![repository, shown.listed.digest, MOST_HOLDERS],
    )?;
    Ok(Some(shown))
}

fn names(connection: &Connection, sql: &str, values: impl rusqlite::Params) -> Result<Vec<String>> {
    let mut select = connection.prepare_cached(sql)?;
    let names = select.query_map(values, |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}
