use async_trait::async_trait;
use gangplank_core::{Tenant, Time};
use gangplank_oci::{Digest, Reference, RepositoryName};

use super::{image_names, rows};
use crate::Result;
use crate::metadata::catalogue::{
    Catalogue, LOOKED_AT, ListedManifest, ListedRepository, MOST_BYTES, MOST_TAGS, ManifestFilter,
    ManifestPage, ShownManifest,
};
use crate::metadata::engine::{Engine, Whose};
use crate::metadata::store::Store;
use crate::metadata::tx::{Query, Row, Tx, Value, values};

/// How many holders of each kind a manifest is shown with.
const MOST_HOLDERS: i64 = 20;

#[async_trait]
impl<E: Engine> Catalogue for Store<E> {
    async fn list_repositories(
        &self,
        tenant: &Tenant,
        prefix: &str,
        last: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ListedRepository>> {
        let tenant = tenant.clone();
        // With a single lower bound, the search starts in the index at the first row of the page. No repository name
        // contains the character U+0001.
        let first = match last {
            Some(last) if last >= prefix => format!("{last}\u{1}"),
            _ => prefix.to_owned(),
        };
        let end = format!("{prefix}\u{10ffff}");
        self.read_long(Whose::of(&tenant), move |tx| {
            let Some(tenant) = rows::find_tenant(tx, &tenant)? else { return Ok(Vec::new()) };
            tx.all(&Query::new(
                "SELECT name, (SELECT created_at FROM manifests m
                               WHERE m.repository = r.id AND m.id <= ?5 ORDER BY m.id DESC LIMIT 1)
                 FROM repositories r WHERE tenant = ?1 AND name >= ?2 AND name < ?3 ORDER BY name LIMIT ?4",
                values![tenant, &first, &end, rows::limit(limit), i64::MAX],
                |row| Ok(ListedRepository { name: row.get(0)?, newest_at: row.get(1)? }),
            ))
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
        self.read_long(Whose::of(&tenant), move |tx| {
            let Some(repository) = rows::find_repository(tx, &tenant, &repository)? else { return Ok(None) };
            list(tx, repository, &filter, before.unwrap_or(i64::MAX), limit).map(Some)
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
        self.read_long(Whose::of(&tenant), move |tx| {
            let Some(repository) = rows::find_repository(tx, &tenant, &repository)? else { return Ok(None) };
            show(tx, repository, &reference)
        })
        .await
    }
}

/// A manifest that may belong on the page.
struct Candidate {
    id: i64,
    size: usize,
    /// Whether this manifest is the child of another manifest, or has a subject.
    is_part: bool,
}

fn list(
    tx: &dyn Tx,
    repository: i64,
    filter: &ManifestFilter,
    before: i64,
    limit: usize,
) -> Result<ManifestPage> {
    let (mut page, mut bytes, mut looked_at, mut last) = (ManifestPage::default(), 0, 0, before);
    loop {
        // As many as the page still needs, and one more, which shows whether another page follows.
        let wanted = (limit - page.manifests.len()).min(LOOKED_AT - looked_at) + 1;
        // The subquery costs one step in an index.
        let found: Vec<Candidate> = tx.all(&Query::new(
            "SELECT id, size, subject IS NOT NULL OR EXISTS (SELECT 1 FROM manifest_children c
                                                             WHERE c.repository = m.repository AND c.digest = m.digest)
             FROM manifests m WHERE repository = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
            values![repository, last, rows::limit(wanted)],
            |row| Ok(Candidate { id: row.get(0)?, size: row.get(1)?, is_part: row.get(2)? }),
        ))?;
        let is_end = found.len() < wanted;
        for candidate in found {
            if page.manifests.len() == limit || looked_at == LOOKED_AT || bytes >= MOST_BYTES {
                page.more = Some(last);
                return Ok(page);
            }
            looked_at += 1;
            last = candidate.id;
            if fits(tx, repository, filter, &candidate)? {
                bytes += candidate.size;
                page.manifests.push(listed(tx, repository, candidate.id)?);
            }
        }
        if is_end {
            return Ok(page);
        }
    }
}

fn fits(tx: &dyn Tx, repository: i64, filter: &ManifestFilter, candidate: &Candidate) -> Result<bool> {
    Ok(match &filter.tag_prefix {
        Some(prefix) => {
            let found = tags(tx, repository, candidate.id, prefix, 1)?;
            found.first().is_some_and(|tag| tag.starts_with(prefix.as_str()))
        }
        None => {
            filter.with_parts || !candidate.is_part || !tags(tx, repository, candidate.id, "", 1)?.is_empty()
        }
    })
}

/// Reads a manifest for the list.
fn listed(tx: &dyn Tx, repository: i64, id: i64) -> Result<ListedManifest> {
    let tags = tags(tx, repository, id, "", MOST_TAGS)?;
    let listed = tx.one(&Query::new(
        "SELECT digest, media_type, artifact_type, subject, created_at, body FROM manifests WHERE id = ?1",
        values![id],
        read,
    ))?;
    Ok(ListedManifest { tags, ..listed })
}

/// Reads `digest, media_type, artifact_type, subject, created_at, body`, the first six columns.
fn read(row: &Row<'_>) -> Result<ListedManifest> {
    Ok(ListedManifest {
        digest: row.get::<Digest>(0)?.to_string(),
        media_type: row.get(1)?,
        artifact_type: row.get(2)?,
        subject: row.get::<Option<Digest>>(3)?.map(|subject| subject.to_string()),
        created_at: row.get(4)?,
        tags: Vec::new(),
        body: row.get(5)?,
    })
}

/// The tags of a manifest in byte order, from `first` on.
fn tags(tx: &dyn Tx, repository: i64, manifest: i64, first: &str, limit: usize) -> Result<Vec<String>> {
    tx.all(&Query::column(
        "SELECT name FROM tags WHERE manifest = ?1 AND repository = ?2 AND name >= ?3 ORDER BY name LIMIT ?4",
        values![manifest, repository, first, rows::limit(limit)],
    ))
}

fn show(tx: &dyn Tx, repository: i64, reference: &Reference) -> Result<Option<ShownManifest>> {
    let (find, reference) = match reference {
        Reference::Tag(tag) => {
            ("SELECT manifest FROM tags WHERE repository = ?1 AND name = ?2", Value::from(tag.as_str()))
        }
        Reference::Digest(digest) => {
            ("SELECT id FROM manifests WHERE repository = ?1 AND digest = ?2", Value::from(*digest))
        }
    };
    let Some(id) = tx.find(&Query::<i64>::column(find, values![repository, &reference]))? else {
        return Ok(None);
    };
    let (digest, mut shown) = tx.one(&Query::new(
        "SELECT digest, media_type, artifact_type, subject, created_at, body, leased_at, held
         FROM manifests WHERE id = ?1",
        values![id],
        |row| {
            let shown = ShownManifest {
                listed: read(row)?,
                leased_at: row.get::<Time>(6)?,
                is_held: row.get(7)?,
                images: Vec::new(),
                services: Vec::new(),
                indexes: Vec::new(),
            };
            Ok((row.get::<Digest>(0)?, shown))
        },
    ))?;
    shown.listed.tags = tags(tx, repository, id, "", MOST_TAGS)?;
    shown.images = image_names::with_manifest(tx, id)?;
    shown.services = tx.all(&Query::column(
        "SELECT s.name FROM services s
         WHERE s.id IN (SELECT d.service FROM deployment_manifests d WHERE d.manifest = ?1) LIMIT ?2",
        values![id, MOST_HOLDERS],
    ))?;
    let indexes: Vec<Digest> = tx.all(&Query::column(
        "SELECT m.digest FROM manifest_children c CROSS JOIN manifests m
         WHERE c.repository = ?1 AND c.digest = ?2 AND m.id = c.manifest LIMIT ?3",
        values![repository, digest, MOST_HOLDERS],
    ))?;
    shown.indexes = indexes.iter().map(Digest::to_string).collect();
    Ok(Some(shown))
}
