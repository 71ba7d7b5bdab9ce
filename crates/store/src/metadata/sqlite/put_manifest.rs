//! The rule of putting a manifest: everything it references is there, then it is kept and its tags move.

use gangplank_core::manifest::{Need, PartFacts, PartRefusal, depth as nesting, may_hang};
use gangplank_core::{EventKind, Origin, Owner, Tenant};
use gangplank_oci::{Digest, RepositoryName, Tag};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::audit::Note;
use super::doors::Outcome;
use super::usage::Usage;
use super::{holds, leases, rows, sources, tags};
use crate::metadata::manifests::{ManifestOutcome, NewManifest};
use crate::metadata::sqlite::transaction::Transaction;
use crate::{Result, StoreError};

/// Keeps a manifest and moves its tags, if all that it references is there.
pub(super) fn put(
    connection: &Connection,
    tenant: &Tenant,
    name: &RepositoryName,
    manifest: &NewManifest,
    by: &Origin,
) -> Result<Outcome<ManifestOutcome>> {
    let held_by = rows::find_repository(&Transaction(connection), tenant, name)?;
    if let Some(refusal) = check_blobs(connection, held_by, manifest)? {
        return Ok(Outcome::Unchanged(refusal));
    }
    let depth = match check_children(connection, held_by, manifest)? {
        Ok(depths) => match nesting(depths, manifest.max_depth) {
            Some(depth) => depth,
            None => return Ok(Outcome::Unchanged(ManifestOutcome::TooDeep)),
        },
        Err(refusal) => return Ok(Outcome::Unchanged(refusal)),
    };
    let mut usage = Usage::default();
    let tenant_row = rows::ensure_tenant(&Transaction(connection), tenant)?;
    let repository = match held_by {
        Some(repository) => repository,
        None => rows::ensure_repository(&Transaction(connection), tenant_row, name, &mut usage)?,
    };
    let digest = manifest.digest.to_string();
    let mut find =
        connection.prepare_cached("SELECT id FROM manifests WHERE repository = ?1 AND digest = ?2")?;
    let known = find.query_row(params![repository, digest], |row| row.get(0)).optional()?;
    let id: i64 = match known {
        Some(id) => {
            leases::renew_manifest(&Transaction(connection), id, manifest.lease)?;
            id
        }
        None => {
            let subject = manifest.view.subject.as_ref().filter(|_| manifest.pushed_by.is_some());
            if let Some(subject) = subject
                && !may_hang(count_hung(connection, repository, &subject.digest)?)
            {
                return Ok(Outcome::Unchanged(ManifestOutcome::TooManyAbout(subject.digest)));
            }
            insert(connection, repository, &digest, depth, manifest, &mut usage)?
        }
    };
    let is_first_put = note_put(connection, id, by)?;
    let mut has_moved = false;
    for tag in &manifest.tags {
        has_moved |=
            tags::set(&Transaction(connection), (repository, tag.as_str()), id, by.login, &mut usage)?;
    }
    usage.write_within(&Transaction(connection), tenant_row, &manifest.quotas)?;
    if known.is_some() && !is_first_put && !has_moved {
        return Ok(Outcome::Unchanged(ManifestOutcome::Stored));
    }
    let tags: Vec<&str> = manifest.tags.iter().map(Tag::as_str).collect();
    let note = Note::of(EventKind::ManifestPushed, tenant).repository(name).digest(digest);
    let note = if tags.is_empty() { note } else { note.subject(tags.join(",")) };
    Ok(Outcome::Changed(ManifestOutcome::Stored, note))
}

/// How many manifests of push logins are about a subject.
fn count_hung(connection: &Connection, repository: i64, subject: &Digest) -> Result<u32> {
    let mut count = connection.prepare_cached(
        "SELECT count(*) FROM manifests WHERE repository = ?1 AND subject = ?2 AND is_hung = 1",
    )?;
    Ok(count.query_row(params![repository, subject.to_string()], |row| row.get(0))?)
}

/// Keeps who put a manifest; says whether they had not before. The login may have been forgotten while it was read.
fn note_put(connection: &Connection, manifest: i64, by: &Origin) -> Result<bool> {
    let owner = by.owner.clone().unwrap_or_else(Owner::server);
    let source = sources::keep(&Transaction(connection), by)?;
    let mut put = connection.prepare_cached(
        "INSERT INTO manifest_puts (manifest, owner, login, source)
         SELECT ?1, ?2, (SELECT id FROM registry_logins WHERE id = ?3), ?4
         WHERE NOT EXISTS (
             SELECT 1 FROM manifest_puts
             WHERE manifest = ?1 AND owner = ?2
               AND (login = ?3 OR source = ?4 AND NOT EXISTS (SELECT 1 FROM registry_logins WHERE id = ?3)))",
    )?;
    let noted = put.execute(params![manifest, owner.as_str(), by.login.map(|login| login.0), source])?;
    Ok(noted > 0)
}

/// Checks that every blob is there. A repository that does not exist yet holds none.
fn check_blobs(
    connection: &Connection,
    repository: Option<i64>,
    manifest: &NewManifest,
) -> Result<Option<ManifestOutcome>> {
    let mut find = connection.prepare_cached(
        "SELECT b.size FROM repositories r
         JOIN blobs b ON b.tenant = r.tenant
         JOIN blob_links l ON l.repository = r.id AND l.blob = b.id
         WHERE r.id = ?1 AND b.digest = ?2 AND b.damaged = 0",
    )?;
    for blob in &manifest.view.blobs {
        let found =
            find.query_row(params![repository, blob.digest.to_string()], |row| row.get(0)).optional()?;
        let is_elsewhere = manifest.may_be_absent.contains(&blob.digest);
        let need = if is_elsewhere { Need::MayBeAbsent } else { Need::Required };
        let found = found.map(rows::unsigned).transpose()?;
        match (PartFacts { declared: blob.size, found, need }).check() {
            Ok(()) => {}
            Err(PartRefusal::Unknown) => return Ok(Some(ManifestOutcome::BlobUnknown(blob.digest))),
            Err(PartRefusal::SizeMismatch) => return Ok(Some(ManifestOutcome::SizeMismatch(blob.digest))),
        }
    }
    Ok(None)
}

/// Checks that every child is there, and says how deep each is.
fn check_children(
    connection: &Connection,
    repository: Option<i64>,
    manifest: &NewManifest,
) -> Result<std::result::Result<Vec<u32>, ManifestOutcome>> {
    let mut find = connection.prepare_cached(
        "SELECT size, depth FROM manifests m WHERE repository = ?1 AND digest = ?2
           AND (?3 IS NULL OR EXISTS (SELECT 1 FROM manifest_puts p WHERE p.manifest = m.id AND p.owner = ?3))",
    )?;
    let put_by = manifest.pushed_by.as_ref().map(Owner::as_str);
    let mut depths = Vec::with_capacity(manifest.view.children.len());
    for child in &manifest.view.children {
        let key = params![repository, child.digest.to_string(), put_by];
        let found = find.query_row(key, |row| Ok((row.get(0)?, row.get::<_, u32>(1)?))).optional()?;
        let (size, depth) = found.unzip();
        let found = size.map(rows::unsigned).transpose()?;
        match (PartFacts { declared: child.size, found, need: Need::Required }).check() {
            Ok(()) => depths.extend(depth),
            Err(PartRefusal::Unknown) => return Ok(Err(ManifestOutcome::ChildUnknown(child.digest))),
            Err(PartRefusal::SizeMismatch) => return Ok(Err(ManifestOutcome::SizeMismatch(child.digest))),
        }
    }
    Ok(Ok(depths))
}

fn insert(
    connection: &Connection,
    repository: i64,
    digest: &str,
    depth: u32,
    manifest: &NewManifest,
    usage: &mut Usage,
) -> Result<i64> {
    let view = &manifest.view;
    let subject = view.subject.as_ref().map(|subject| subject.digest.to_string());
    // Only lists of referrers show them, so others' stay in the body alone.
    let annotations = subject.as_ref().map(|_| serde_json::to_string(&view.annotations)).transpose();
    let annotations = annotations.map_err(|error| StoreError::damaged(format!("annotations: {error}")))?;
    let size = rows::signed(manifest.body.len() as u64)?;
    usage.manifests += 1;
    usage.manifest_bytes += size;
    let mut insert = connection.prepare_cached(
        "INSERT INTO manifests (repository, digest, media_type, artifact_type, subject, is_hung, annotations,
                                depth, created_at, size, body, leased_at, held)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0)",
    )?;
    let id = insert.insert(params![
        repository,
        digest,
        view.media_type,
        view.artifact_type,
        subject,
        manifest.pushed_by.is_some() && subject.is_some(),
        annotations,
        depth,
        manifest.now.0,
        size,
        manifest.body,
        manifest.lease.now.0,
    ])?;
    let config = view.config().map(|config| config.digest);
    let mut reference = connection.prepare_cached(
        "INSERT INTO manifest_blobs (repository, digest, manifest, is_config) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (repository, digest, is_config, manifest) DO NOTHING",
    )?;
    for blob in &view.blobs {
        let is_config = config == Some(blob.digest);
        reference.execute(params![repository, blob.digest.to_string(), id, is_config])?;
    }
    let mut reference = connection.prepare_cached(
        "INSERT INTO manifest_children (repository, digest, manifest) VALUES (?1, ?2, ?3)
         ON CONFLICT (repository, digest, manifest) DO NOTHING",
    )?;
    for child in &view.children {
        reference.execute(params![repository, child.digest.to_string(), id])?;
    }
    holds::keep::manifest_added(connection, id)?;
    Ok(id)
}
