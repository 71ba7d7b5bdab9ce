use async_trait::async_trait;
use gangplank_core::{EventKind, LoginId, Origin, Renewal, Tenant, Time};
use gangplank_oci::{Digest, Reference, RepositoryName};

use super::audit::Note;
use super::put_manifest::put;
use super::usage::Usage;
use super::{holds, leases, rows, tags};
use crate::Result;
use crate::metadata::engine::{Engine, Terms, Weight, Whose};
use crate::metadata::manifests::{
    MAX_REFERRER_BYTES, MAX_REFERRERS, ManifestDeleted, ManifestOutcome, Manifests, NewManifest, Referrer,
    Referrers, StoredManifest,
};
use crate::metadata::store::{Outcome, Store};
use crate::metadata::tx::{Level, Lock, Query, Row, Tx, Value, values};

#[async_trait]
impl<E: Engine> Manifests for Store<E> {
    async fn put_manifest(
        &self,
        by: &Origin,
        tenant: &Tenant,
        repository: &RepositoryName,
        manifest: NewManifest,
    ) -> Result<ManifestOutcome> {
        let (tenant, repository, origin) = (tenant.clone(), repository.clone(), by.clone());
        let references = manifest.view.blobs.len() + manifest.view.children.len();
        let weight = Weight::of_manifest(manifest.body.len(), references);
        self.change(by, Terms::tenant(&tenant).takes_nothing().weighing(weight), move |tx| {
            put(tx, &tenant, &repository, &manifest, &origin)
        })
        .await
    }

    async fn manifest(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        reference: &Reference,
        put_by: Option<LoginId>,
        renewal: Option<Renewal>,
    ) -> Result<Option<StoredManifest>> {
        let look = |tx: &dyn Tx| {
            let Some(found) = find(tx, tenant, repository, reference, put_by)? else { return Ok(None) };
            let of_all = renewal.map(|renewal| leases::of_all(tx, renewal)).transpose()?;
            let is_stale = of_all.is_some_and(|renewal| found.leased_at <= renewal.stale);
            Ok(Some((found, renewal.filter(|_| is_stale))))
        };
        let renewal = match self.read_one(look).await? {
            Some((_, Some(renewal))) => renewal,
            Some((found, None)) => return Ok(Some(found.manifest)),
            None => return Ok(None),
        };
        let (tenant, repository, reference) = (tenant.clone(), repository.clone(), reference.clone());
        self.upkeep(Terms::tenant(&tenant).takes_nothing().repeatable(), move |tx| {
            // Since the first look the manifest may have been deleted, or the tag may have moved. So they are
            // read again.
            while let Some(found) = find(tx, &tenant, &repository, &reference, put_by)? {
                // From here on collection skips the manifest. If collection was faster, the row is gone and the
                // loop looks again.
                let lock = Query::column("SELECT id FROM manifests WHERE id = ?1", values![found.id]);
                if tx.lock_one::<i64>(Level::Manifest, Lock::Update, &lock)?.is_some() {
                    leases::renew_manifest(tx, found.id, leases::of_all(tx, renewal)?)?;
                    return Ok(Some(found.manifest));
                }
            }
            Ok(None)
        })
        .await
    }

    async fn delete_manifest(
        &self,
        by: &Origin,
        tenant: &Tenant,
        repository: &RepositoryName,
        digest: &Digest,
        now: Time,
    ) -> Result<ManifestDeleted> {
        let (tenant, repository, digest) = (tenant.clone(), repository.clone(), *digest);
        self.change(by, Terms::tenant(&tenant).takes_nothing(), move |tx| {
            delete(tx, &tenant, &repository, digest, now)
        })
        .await
    }

    async fn referrers(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        digest: &Digest,
        artifact_type: Option<&str>,
        put_by: Option<LoginId>,
        after: i64,
    ) -> Result<Referrers> {
        let (tenant, repository, digest) = (tenant.clone(), repository.clone(), *digest);
        let artifact_type = artifact_type.map(str::to_owned);
        self.read_long(Whose::of(&tenant), move |tx| {
            let Some(repository) = rows::find_repository(tx, &tenant, &repository)? else {
                return Ok(Referrers::default());
            };
            let [repository, digest] = values![repository, digest];
            referrers(tx, [repository, digest, Value::from(&artifact_type), after.into(), put_by.into()])
        })
        .await
    }
}

struct Found {
    id: i64,
    leased_at: Time,
    manifest: StoredManifest,
}

fn find(
    tx: &dyn Tx,
    tenant: &Tenant,
    repository: &RepositoryName,
    reference: &Reference,
    put_by: Option<LoginId>,
) -> Result<Option<Found>> {
    let (text, reference) = match reference {
        Reference::Tag(tag) => (
            "SELECT m.digest, m.media_type, m.body, m.id, m.leased_at
             FROM tenants t
             JOIN repositories r ON r.tenant = t.id
             JOIN tags g ON g.repository = r.id
             JOIN manifests m ON m.id = g.manifest
             WHERE t.account = ?1 AND t.region = ?2 AND r.name = ?3 AND g.name = ?4
               AND (CAST(?5 AS BIGINT) IS NULL
                    OR EXISTS (SELECT 1 FROM manifest_puts p WHERE p.manifest = m.id AND p.login = ?5)
                   AND EXISTS (SELECT 1 FROM tag_puts s
                               WHERE s.repository = r.id AND s.tag = g.name AND s.login = ?5))",
            Value::from(tag.as_str()),
        ),
        Reference::Digest(digest) => (
            "SELECT m.digest, m.media_type, m.body, m.id, m.leased_at
             FROM tenants t
             JOIN repositories r ON r.tenant = t.id
             JOIN manifests m ON m.repository = r.id
             WHERE t.account = ?1 AND t.region = ?2 AND r.name = ?3 AND m.digest = ?4
               AND (CAST(?5 AS BIGINT) IS NULL
                    OR EXISTS (SELECT 1 FROM manifest_puts p WHERE p.manifest = m.id AND p.login = ?5))",
            Value::from(*digest),
        ),
    };
    let key =
        values![tenant.account.as_str(), tenant.region.as_str(), repository.as_str(), &reference, put_by];
    tx.find(&Query::new(text, key, |row| {
        Ok(Found { id: row.get(3)?, leased_at: row.get(4)?, manifest: read_stored(row)? })
    }))
}

fn delete(
    tx: &dyn Tx,
    tenant: &Tenant,
    name: &RepositoryName,
    digest: Digest,
    now: Time,
) -> Result<Outcome<ManifestDeleted>> {
    let Some(repository) = rows::lock_repository(tx, tenant, name, Lock::Update)? else {
        return Ok(Outcome::Unchanged(ManifestDeleted::NoSuchManifest));
    };
    let lock = Query::column(
        "SELECT id FROM manifests WHERE repository = ?1 AND digest = ?2",
        values![repository.id, digest],
    );
    let Some(manifest) = tx.lock_one(Level::Manifest, Lock::Update, &lock)? else {
        return Ok(Outcome::Unchanged(ManifestDeleted::NoSuchManifest));
    };
    if holds::closure::needs_manifest(tx, manifest)? {
        return Ok(Outcome::Unchanged(ManifestDeleted::Registered));
    }
    leases::renew_parts(tx, manifest, Renewal::at(tx.steady(now)?))?;
    let mut usage = Usage::default();
    remove(tx, &[manifest], &mut usage)?;
    usage.write(tx, repository.tenant)?;
    let note = Note::of(EventKind::ManifestDeleted, tenant).repository(name).digest(digest);
    Ok(Outcome::Changed(ManifestDeleted::Deleted, note))
}

/// Removes manifests of one tenant, with their tags, records of who put them, and edges. Returns how many bytes
/// the manifests had. The manifests and their repositories must be locked with `Update`.
pub(crate) fn remove(tx: &dyn Tx, manifests: &[i64], usage: &mut Usage) -> Result<u64> {
    let each = || manifests.iter().map(|manifest| values![*manifest]);
    let below = holds::keep::end_edges(tx, manifests)?;
    tags::forget_puts(tx, manifests)?;
    let tags = tx.each("DELETE FROM tags WHERE manifest = ?1", each())?;
    usage.tags -= i64::try_from(tags).unwrap_or(i64::MAX);
    tx.post_each("DELETE FROM manifest_puts WHERE manifest = ?1", each())?;
    let delete = "DELETE FROM manifests WHERE id = ?1 RETURNING size";
    let sizes = tx.find_each(delete, each(), |row| row.get::<i64>(0))?;
    for size in sizes.iter().flatten() {
        usage.manifest_bytes -= size;
        usage.manifests -= 1;
    }
    holds::keep::let_go(tx, &below)?;
    rows::unsigned(sizes.iter().flatten().sum())
}

/// Reads `digest, media_type, body`, the first three columns.
pub(crate) fn read_stored(row: &Row<'_>) -> Result<StoredManifest> {
    let digest: Digest = row.get(0)?;
    Ok(StoredManifest { digest: digest.to_string(), media_type: row.get(1)?, body: row.get(2)? })
}

/// The condition for manifests of the repository `?1` about the subject `?2`. `?3` is an artifact type or null,
/// `?4` the mark, and `?5` a login or null. With a login, only manifests that it put are found.
const ABOUT: &str =
    "m.repository = ?1 AND m.subject = ?2 AND (CAST(?3 AS TEXT) IS NULL OR m.artifact_type = ?3) AND m.id > ?4
    AND (CAST(?5 AS BIGINT) IS NULL OR EXISTS (SELECT 1 FROM manifest_puts p WHERE p.manifest = m.id AND p.login = ?5))";

/// Reads a page of the manifests that meet [`ABOUT`].
fn referrers(tx: &dyn Tx, values: [Value<'_>; 5]) -> Result<Referrers> {
    // The sizes come first, so that no more than a page of annotations is ever in memory.
    let text = format!(
        "SELECT m.id, octet_length(coalesce(m.annotations, '{{}}')) FROM manifests m
         WHERE {ABOUT} ORDER BY m.id LIMIT ?6"
    );
    let most = Value::from(rows::limit(MAX_REFERRERS + 1));
    let sizes: Vec<(i64, usize)> =
        tx.all(&Query::new(&text, with(&values, most), |row| Ok((row.get(0)?, row.get(1)?))))?;
    let mut bytes = 0;
    let fits = |(at, (_, size)): &(usize, &(i64, usize))| {
        bytes += size;
        *at == 0 || (*at < MAX_REFERRERS && bytes <= MAX_REFERRER_BYTES)
    };
    let Some((end, (last, _))) = sizes.iter().enumerate().take_while(fits).last() else {
        return Ok(Referrers::default());
    };
    let more = (end + 1 < sizes.len()).then_some(*last);
    let text = format!(
        "SELECT m.digest, m.media_type, m.size, m.artifact_type, coalesce(m.annotations, '{{}}') FROM manifests m
         WHERE {ABOUT} AND m.id <= ?6 ORDER BY m.id"
    );
    let page = tx.all(&Query::new(&text, with(&values, Value::from(*last)), read_referrer))?;
    Ok(Referrers { page, more })
}

fn with<'v>(values: &[Value<'v>; 5], last: Value<'v>) -> Vec<Value<'v>> {
    values.iter().cloned().chain([last]).collect()
}

fn read_referrer(row: &Row<'_>) -> Result<Referrer> {
    Ok(Referrer {
        digest: row.get::<Digest>(0)?.to_string(),
        media_type: row.get(1)?,
        size: rows::unsigned(row.get(2)?)?,
        artifact_type: row.get(3)?,
        annotations: row.get(4)?,
    })
}
