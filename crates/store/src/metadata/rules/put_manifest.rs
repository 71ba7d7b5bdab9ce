//! Putting a manifest: checks that everything it references exists, inserts it, and moves its tags.

use gangplank_core::manifest::{Need, PartFacts, PartRefusal, depth as nesting, may_hang};
use gangplank_core::{EventKind, Origin, Owner, Renewal, Tenant};
use gangplank_oci::{Digest, RepositoryName, Tag};

use super::audit::Note;
use super::sources::Acting;
use super::usage::Usage;
use super::{holds, leases, rows, tags};
use crate::metadata::manifests::{ManifestOutcome, NewManifest};
use crate::metadata::store::Outcome;
use crate::metadata::tx::{Asked, AskedEach, Dialect, Lock, Query, Tx, Value, values};
use crate::{Result, StoreError};

/// Inserts a manifest and moves its tags, if everything that it references exists.
pub(super) fn put(
    tx: &dyn Tx,
    tenant: &Tenant,
    name: &RepositoryName,
    manifest: &NewManifest,
    by: &Origin,
) -> Result<Outcome<ManifestOutcome>> {
    let repository = rows::begin_find_repository(tx, tenant, name)?;
    let (acting, reserved) = (Acting::begin(tx, by)?, reserve(tx)?);
    let mut repository = repository.find(tx)?;
    let source = acting.look(tx)?;
    let (held_by, mut looks) = loop {
        // From here on nobody else adds anything to the repository or removes anything from it. The lookups are sent
        // at once.
        let held_by = rows::begin_repository(tx, tenant, name, Lock::Update)?;
        let looks = Looks::begin(tx, repository, manifest)?;
        let held_by = held_by.find(tx)?;
        let is_it = held_by.as_ref().map(|held_by| held_by.id) == repository;
        if is_it {
            break (held_by, looks);
        }
        repository = held_by.map(|held_by| held_by.id);
    };
    if let Some(refusal) = check_blobs(looks.blobs.find(tx)?, manifest) {
        return Ok(Outcome::Unchanged(refusal));
    }
    let depth = match check_children(looks.children.find(tx)?, manifest) {
        Ok(depths) => match nesting(depths, manifest.max_depth) {
            Some(depth) => depth,
            None => return Ok(Outcome::Unchanged(ManifestOutcome::TooDeep)),
        },
        Err(refusal) => return Ok(Outcome::Unchanged(refusal)),
    };
    let mut usage = Usage::default();
    let repository = match held_by {
        Some(repository) => repository,
        None => {
            let repository = rows::ensure_repository(tx, tenant, name, Lock::Update, &mut usage)?;
            // Another transaction may have made the repository meanwhile.
            (looks.known, looks.tags) = Looks::begin_own(tx, Some(repository.id), manifest)?;
            repository
        }
    };
    let lease = leases::of_all(tx, manifest.lease)?;
    let subject = manifest.view.subject.as_ref().filter(|_| manifest.pushed_by.is_some());
    if let Some(subject) = subject
        && !may_hang(count_hung(tx, repository.id, &subject.digest)?)
        && find(tx, repository.id, &manifest.digest)?.is_none()
    {
        return Ok(Outcome::Unchanged(ManifestOutcome::TooManyAbout(subject.digest)));
    }
    let source = source.keep(tx)?;
    let row = |id| row(repository.id, depth, manifest, lease, id);
    let (id, is_new) = match reserved.map(|reserved| reserved.one(tx)).transpose()? {
        Some(reserved) => match looks.known.find(tx)? {
            Some(id) => (id, false),
            None => {
                tx.post(INSERT, row(Some(reserved))?)?;
                (reserved, true)
            }
        },
        None => match tx.find(&Query::column(INSERT, row(None)?))? {
            Some(id) => (id, true),
            None => {
                let id = looks.known.find(tx)?;
                (id.ok_or_else(|| StoreError::damaged("a manifest is and is not there"))?, false)
            }
        },
    };
    if is_new {
        add_parts(tx, repository.id, id, manifest, &mut usage)?;
    } else {
        leases::renew_manifest(tx, id, lease)?;
    }
    let is_first_put = note_put(tx, (id, is_new), by, source)?;
    let has_moved = tags::set(tx, looks.tags, (repository.id, &manifest.tags), id, by.login, &mut usage)?;
    usage.write_within(tx, repository.tenant, &manifest.quotas)?;
    if !is_new && !is_first_put && !has_moved {
        return Ok(Outcome::Unchanged(ManifestOutcome::Stored));
    }
    let tags: Vec<&str> = manifest.tags.iter().map(Tag::as_str).collect();
    let note = Note::of(EventKind::ManifestPushed, tenant).repository(name).digest(manifest.digest);
    let note = if tags.is_empty() { note } else { note.subject(tags.join(",")) };
    Ok(Outcome::Changed(ManifestOutcome::Stored, note))
}

/// The lookups of a put in a repository that is being locked.
struct Looks<'a> {
    /// The sizes of the blobs that the manifest names.
    blobs: AskedEach<'a, 2, u64>,
    /// The sizes and depths of the children of the manifest.
    children: AskedEach<'a, 3, (u64, u32)>,
    /// The row of the manifest, if the repository has it already.
    known: Asked<'a, i64>,
    tags: AskedEach<'a, 2, i64>,
}

impl<'a> Looks<'a> {
    /// A repository that is not made yet has nothing.
    fn begin(tx: &dyn Tx, repository: Option<i64>, manifest: &'a NewManifest) -> Result<Self> {
        let blobs = tx.begin_each(
            "SELECT b.size FROM repositories r
             JOIN blobs b ON b.tenant = r.tenant
             JOIN blob_links l ON l.repository = r.id AND l.blob = b.id
             WHERE r.id = ?1 AND b.digest = ?2 AND b.damaged = 0",
            manifest.view.blobs.iter().map(|blob| values![repository, blob.digest]),
            |row| rows::unsigned(row.get(0)?),
        )?;
        let put_by = manifest.pushed_by.as_ref().map(Owner::as_str);
        let children = tx.begin_each(
            "SELECT size, depth FROM manifests m WHERE repository = ?1 AND digest = ?2
               AND (CAST(?3 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM manifest_puts p WHERE p.manifest = m.id AND p.owner = ?3))",
            manifest.view.children.iter().map(|child| values![repository, child.digest, put_by]),
            |row| Ok((rows::unsigned(row.get(0)?)?, row.get::<u32>(1)?)),
        )?;
        let (known, tags) = Self::begin_own(tx, repository, manifest)?;
        Ok(Self { blobs, children, known, tags })
    }

    fn begin_own(
        tx: &dyn Tx,
        repository: Option<i64>,
        manifest: &'a NewManifest,
    ) -> Result<(Asked<'a, i64>, AskedEach<'a, 2, i64>)> {
        let known = tx.begin(Query::column(FIND, values![repository, manifest.digest]))?;
        Ok((known, tags::begin(tx, repository, &manifest.tags)?))
    }
}

/// Reserves the number of a new row, if the database would otherwise tell the number only after the insertion,
/// with one round trip more.
fn reserve(tx: &dyn Tx) -> Result<Option<Asked<'static, i64>>> {
    match tx.dialect() {
        Dialect::Sqlite => Ok(None),
        Dialect::Postgres => {
            let next = "SELECT nextval(pg_get_serial_sequence('manifests', 'id'))";
            tx.begin(Query::column(next, values![])).map(Some)
        }
    }
}

const FIND: &str = "SELECT id FROM manifests WHERE repository = ?1 AND digest = ?2";

/// The row of the manifest.
fn find(tx: &dyn Tx, repository: i64, digest: &Digest) -> Result<Option<i64>> {
    tx.find(&Query::column(FIND, values![repository, *digest]))
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
fn note_put(tx: &dyn Tx, (manifest, is_new): (i64, bool), by: &Origin, source: i64) -> Result<bool> {
    let owner = by.owner.clone().unwrap_or_else(Owner::server);
    let text = "INSERT INTO manifest_puts (manifest, owner, login, source)
         SELECT CAST(?1 AS BIGINT), ?2, (SELECT id FROM registry_logins WHERE id = ?3), CAST(?4 AS BIGINT)
         WHERE NOT EXISTS (
             SELECT 1 FROM manifest_puts
             WHERE manifest = ?1 AND owner = ?2
               AND (login = ?3 OR source = ?4 AND NOT EXISTS (SELECT 1 FROM registry_logins WHERE id = ?3)))";
    let values = values![manifest, owner.as_str(), by.login, source];
    // A new manifest has no earlier put.
    if is_new { tx.post(text, values).map(|()| true) } else { Ok(tx.run(text, values)? > 0) }
}

/// Checks that every blob exists.
fn check_blobs(sizes: Vec<Option<u64>>, manifest: &NewManifest) -> Option<ManifestOutcome> {
    for (blob, found) in manifest.view.blobs.iter().zip(sizes) {
        let is_elsewhere = manifest.may_be_absent.contains(&blob.digest);
        let need = if is_elsewhere { Need::MayBeAbsent } else { Need::Required };
        match (PartFacts { declared: blob.size, found, need }).check() {
            Ok(()) => {}
            Err(PartRefusal::Unknown) => return Some(ManifestOutcome::BlobUnknown(blob.digest)),
            Err(PartRefusal::SizeMismatch) => return Some(ManifestOutcome::SizeMismatch(blob.digest)),
        }
    }
    None
}

/// Checks that every child exists; returns the depth of each.
fn check_children(
    found: Vec<Option<(u64, u32)>>,
    manifest: &NewManifest,
) -> std::result::Result<Vec<u32>, ManifestOutcome> {
    let mut depths = Vec::with_capacity(found.len());
    for (child, found) in manifest.view.children.iter().zip(found) {
        let (found, depth) = found.unzip();
        match (PartFacts { declared: child.size, found, need: Need::Required }).check() {
            Ok(()) => depths.extend(depth),
            Err(PartRefusal::Unknown) => return Err(ManifestOutcome::ChildUnknown(child.digest)),
            Err(PartRefusal::SizeMismatch) => return Err(ManifestOutcome::SizeMismatch(child.digest)),
        }
    }
    Ok(depths)
}

/// Inserts a manifest and returns its number. The caller may choose the number. There is no answer if the
/// repository has the manifest already.
const INSERT: &str =
    "INSERT INTO manifests (repository, digest, media_type, artifact_type, subject, is_hung, annotations,
                            depth, created_at, size, body, leased_at, held, id)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, ?13)
     ON CONFLICT (repository, digest) DO NOTHING RETURNING id";

/// The values of [`INSERT`].
fn row(
    repository: i64,
    depth: u32,
    manifest: &NewManifest,
    lease: Renewal,
    id: Option<i64>,
) -> Result<[Value<'_>; 13]> {
    let view = &manifest.view;
    let subject = view.subject.as_ref().map(|subject| subject.digest);
    // Only lists of referrers show annotations. So the annotations of a manifest without a subject have no column.
    let annotations = subject.map(|_| serde_json::to_string(&view.annotations)).transpose();
    let annotations = annotations.map_err(|error| StoreError::damaged(format!("annotations: {error}")))?;
    Ok(values![
        repository,
        manifest.digest,
        &view.media_type,
        &view.artifact_type,
        subject,
        manifest.pushed_by.is_some() && subject.is_some(),
        annotations,
        depth,
        manifest.now,
        rows::signed(manifest.body.len() as u64)?,
        &manifest.body,
        lease.now,
        id,
    ])
}

/// Inserts what a new manifest references.
fn add_parts(tx: &dyn Tx, repository: i64, id: i64, manifest: &NewManifest, usage: &mut Usage) -> Result<()> {
    let view = &manifest.view;
    usage.manifests += 1;
    usage.manifest_bytes += rows::signed(manifest.body.len() as u64)?;
    let config = view.config().map(|config| config.digest);
    tx.post_each(
        "INSERT INTO manifest_blobs (repository, digest, manifest, is_config) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (repository, digest, is_config, manifest) DO NOTHING",
        view.blobs.iter().map(|blob| values![repository, blob.digest, id, config == Some(blob.digest)]),
    )?;
    tx.post_each(
        "INSERT INTO manifest_children (repository, digest, manifest) VALUES (?1, ?2, ?3)
         ON CONFLICT (repository, digest, manifest) DO NOTHING",
        view.children.iter().map(|child| values![repository, child.digest, id]),
    )?;
    holds::keep::manifest_added(tx, id)
}
