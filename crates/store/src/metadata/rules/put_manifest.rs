//! Putting a manifest: checks that everything it references exists, inserts it, and moves its tags.

use gangplank_core::manifest::{Need, PartFacts, PartRefusal, depth as nesting, may_hang};
use gangplank_core::{EventKind, Origin, Owner, Renewal, Tenant};
use gangplank_oci::{Digest, RepositoryName, Tag};

use super::audit::Note;
use super::usage::Usage;
use super::{holds, leases, rows, sources, tags};
use crate::metadata::manifests::{ManifestOutcome, NewManifest};
use crate::metadata::store::Outcome;
use crate::metadata::tx::{Lock, Query, Tx, values};
use crate::{Result, StoreError};

/// Inserts a manifest and moves its tags, if everything that it references exists.
pub(super) fn put(
    tx: &dyn Tx,
    tenant: &Tenant,
    name: &RepositoryName,
    manifest: &NewManifest,
    by: &Origin,
) -> Result<Outcome<ManifestOutcome>> {
    // From here on nobody else adds anything to the repository or removes anything from it.
    let held_by = rows::lock_repository(tx, tenant, name, Lock::Update)?;
    let held_in = held_by.as_ref().map(|repository| repository.id);
    if let Some(refusal) = check_blobs(tx, held_in, manifest)? {
        return Ok(Outcome::Unchanged(refusal));
    }
    let depth = match check_children(tx, held_in, manifest)? {
        Ok(depths) => match nesting(depths, manifest.max_depth) {
            Some(depth) => depth,
            None => return Ok(Outcome::Unchanged(ManifestOutcome::TooDeep)),
        },
        Err(refusal) => return Ok(Outcome::Unchanged(refusal)),
    };
    let mut usage = Usage::default();
    let repository = match held_by {
        Some(repository) => repository,
        None => rows::ensure_repository(tx, tenant, name, Lock::Update, &mut usage)?,
    };
    let lease = leases::of_all(tx, manifest.lease)?;
    let subject = manifest.view.subject.as_ref().filter(|_| manifest.pushed_by.is_some());
    if let Some(subject) = subject
        && !may_hang(count_hung(tx, repository.id, &subject.digest)?)
        && find(tx, repository.id, &manifest.digest)?.is_none()
    {
        return Ok(Outcome::Unchanged(ManifestOutcome::TooManyAbout(subject.digest)));
    }
    let made = insert(tx, repository.id, depth, manifest, lease, &mut usage)?;
    let (id, is_new) = match made {
        Some(id) => (id, true),
        None => {
            let id = find(tx, repository.id, &manifest.digest)?;
            let id = id.ok_or_else(|| StoreError::damaged("a manifest is and is not there"))?;
            leases::renew_manifest(tx, id, lease)?;
            (id, false)
        }
    };
    let is_first_put = note_put(tx, id, by)?;
    let has_moved = tags::set(tx, (repository.id, &manifest.tags), id, by.login, &mut usage)?;
    usage.write_within(tx, repository.tenant, &manifest.quotas)?;
    if !is_new && !is_first_put && !has_moved {
        return Ok(Outcome::Unchanged(ManifestOutcome::Stored));
    }
    let tags: Vec<&str> = manifest.tags.iter().map(Tag::as_str).collect();
    let note = Note::of(EventKind::ManifestPushed, tenant).repository(name).digest(manifest.digest);
    let note = if tags.is_empty() { note } else { note.subject(tags.join(",")) };
    Ok(Outcome::Changed(ManifestOutcome::Stored, note))
}

/// The row of the manifest.
fn find(tx: &dyn Tx, repository: i64, digest: &Digest) -> Result<Option<i64>> {
    tx.find(&Query::column(
        "SELECT id FROM manifests WHERE repository = ?1 AND digest = ?2",
        values![repository, *digest],
    ))
}

/// How many manifests about a subject were put by push logins.
fn count_hung(tx: &dyn Tx, repository: i64, subject: &Digest) -> Result<u32> {
    tx.one(&Query::column(
        "SELECT count(*) FROM manifests WHERE repository = ?1 AND subject = ?2 AND is_hung = 1",
        values![repository, *subject],
    ))
}

/// Records who put a manifest; returns whether this source put it for the first time. The login may have been
/// forgotten meanwhile.
fn note_put(tx: &dyn Tx, manifest: i64, by: &Origin) -> Result<bool> {
    let owner = by.owner.clone().unwrap_or_else(Owner::server);
    let source = sources::keep(tx, by)?;
    let noted = tx.run(
        "INSERT INTO manifest_puts (manifest, owner, login, source)
         SELECT CAST(?1 AS BIGINT), ?2, (SELECT id FROM registry_logins WHERE id = ?3), CAST(?4 AS BIGINT)
         WHERE NOT EXISTS (
             SELECT 1 FROM manifest_puts
             WHERE manifest = ?1 AND owner = ?2
               AND (login = ?3 OR source = ?4 AND NOT EXISTS (SELECT 1 FROM registry_logins WHERE id = ?3)))",
        values![manifest, owner.as_str(), by.login, source],
    )?;
    Ok(noted > 0)
}

/// Checks that every blob exists. A repository that is not made yet has none.
fn check_blobs(
    tx: &dyn Tx,
    repository: Option<i64>,
    manifest: &NewManifest,
) -> Result<Option<ManifestOutcome>> {
    let sizes = tx.find_each(
        "SELECT b.size FROM repositories r
         JOIN blobs b ON b.tenant = r.tenant
         JOIN blob_links l ON l.repository = r.id AND l.blob = b.id
         WHERE r.id = ?1 AND b.digest = ?2 AND b.damaged = 0",
        manifest.view.blobs.iter().map(|blob| values![repository, blob.digest]),
        |row| rows::unsigned(row.get(0)?),
    )?;
    for (blob, found) in manifest.view.blobs.iter().zip(sizes) {
        let is_elsewhere = manifest.may_be_absent.contains(&blob.digest);
        let need = if is_elsewhere { Need::MayBeAbsent } else { Need::Required };
        match (PartFacts { declared: blob.size, found, need }).check() {
            Ok(()) => {}
            Err(PartRefusal::Unknown) => return Ok(Some(ManifestOutcome::BlobUnknown(blob.digest))),
            Err(PartRefusal::SizeMismatch) => return Ok(Some(ManifestOutcome::SizeMismatch(blob.digest))),
        }
    }
    Ok(None)
}

/// Checks that every child exists; returns the depth of each.
fn check_children(
    tx: &dyn Tx,
    repository: Option<i64>,
    manifest: &NewManifest,
) -> Result<std::result::Result<Vec<u32>, ManifestOutcome>> {
    let put_by = manifest.pushed_by.as_ref().map(Owner::as_str);
    let found = tx.find_each(
        "SELECT size, depth FROM manifests m WHERE repository = ?1 AND digest = ?2
           AND (CAST(?3 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM manifest_puts p WHERE p.manifest = m.id AND p.owner = ?3))",
        manifest.view.children.iter().map(|child| values![repository, child.digest, put_by]),
        |row| Ok((rows::unsigned(row.get(0)?)?, row.get::<u32>(1)?)),
    )?;
    let mut depths = Vec::with_capacity(found.len());
    for (child, found) in manifest.view.children.iter().zip(found) {
        let (found, depth) = found.unzip();
        match (PartFacts { declared: child.size, found, need: Need::Required }).check() {
            Ok(()) => depths.extend(depth),
            Err(PartRefusal::Unknown) => return Ok(Err(ManifestOutcome::ChildUnknown(child.digest))),
            Err(PartRefusal::SizeMismatch) => return Ok(Err(ManifestOutcome::SizeMismatch(child.digest))),
        }
    }
    Ok(Ok(depths))
}

/// Inserts the manifest; `None` if the repository has it already.
fn insert(
    tx: &dyn Tx,
    repository: i64,
    depth: u32,
    manifest: &NewManifest,
    lease: Renewal,
    usage: &mut Usage,
) -> Result<Option<i64>> {
    let view = &manifest.view;
    let subject = view.subject.as_ref().map(|subject| subject.digest);
    // Only lists of referrers show annotations. So the annotations of a manifest without a subject have no column.
    let annotations = subject.map(|_| serde_json::to_string(&view.annotations)).transpose();
    let annotations = annotations.map_err(|error| StoreError::damaged(format!("annotations: {error}")))?;
    let size = rows::signed(manifest.body.len() as u64)?;
    let made = tx.find(&Query::column(
        "INSERT INTO manifests (repository, digest, media_type, artifact_type, subject, is_hung, annotations,
                                depth, created_at, size, body, leased_at, held)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0)
         ON CONFLICT (repository, digest) DO NOTHING RETURNING id",
        values![
            repository,
            manifest.digest,
            &view.media_type,
            &view.artifact_type,
            subject,
            manifest.pushed_by.is_some() && subject.is_some(),
            &annotations,
            depth,
            manifest.now,
            size,
            &manifest.body,
            lease.now,
        ],
    ))?;
    let Some(id) = made else { return Ok(None) };
    usage.manifests += 1;
    usage.manifest_bytes += size;
    let config = view.config().map(|config| config.digest);
    tx.each(
        "INSERT INTO manifest_blobs (repository, digest, manifest, is_config) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (repository, digest, is_config, manifest) DO NOTHING",
        view.blobs.iter().map(|blob| values![repository, blob.digest, id, config == Some(blob.digest)]),
    )?;
    tx.each(
        "INSERT INTO manifest_children (repository, digest, manifest) VALUES (?1, ?2, ?3)
         ON CONFLICT (repository, digest, manifest) DO NOTHING",
        view.children.iter().map(|child| values![repository, child.digest, id]),
    )?;
    holds::keep::manifest_added(tx, id)?;
    Ok(Some(id))
}
