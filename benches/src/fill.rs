//! Fills the store of a stopped gangplank directly. It takes minutes; pushes would take hours.
//!
//! The store makes the rows, as for pushes. Only syncs are left out until the end.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, anyhow, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use gangplank_core::{AccountId, Origin, Quotas, Region, Renewal, Tenant, Time};
use gangplank_oci::{Algorithm, Digest, Hasher, ManifestView, RepositoryName, Tag};
use gangplank_store::blobs::{ContentKey, LocalFiles};
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::blobs::NewBlob;
use gangplank_store::metadata::manifests::{ManifestOutcome, NewManifest};
use gangplank_store::open::{Mode, StoreConfig, blobs_in, local_files};
use serde_json::json;

use crate::work::MEDIA_TYPE;

/// The repository that is filled.
pub(crate) const REPOSITORY: &str = "growth";

/// How many blobs have bytes. These blobs are spread evenly over all blobs: their numbers are the multiples
/// of the number of all blobs divided by this constant. Only they may be read.
pub(crate) const WITH_BYTES: usize = 10_000;

/// The number of garbage blobs for a cycle.
pub(crate) const GARBAGE: usize = 1_000;

/// The number of blobs that are written at a time.
const WRITERS: usize = 16;

/// The number of rows in a commit while filling.
const AT_ONCE: usize = 1 << 12;

/// The bytes of the blob with a number.
pub(crate) fn blob(number: usize) -> [u8; 8] {
    number.to_le_bytes()
}

/// The digest and the bytes of the manifest with a number.
pub(crate) fn manifest(number: usize, of: usize) -> (Digest, Vec<u8>) {
    let part = |kind: &str, number: usize| {
        let digest = digest(number).to_string();
        json!({ "mediaType": format!("application/vnd.oci.image.{kind}"), "digest": digest, "size": 8 })
    };
    let body = json!({
        "schemaVersion": 2, "mediaType": MEDIA_TYPE, "config": part("config.v1+json", number),
        "layers": [part("layer.v1.tar+gzip", (number + 1) % of)],
        "annotations": { "org.opencontainers.image.description": format!("number {number}") },
    });
    let body = body.to_string().into_bytes();
    (Digest::of(Algorithm::Sha256, &body), body)
}

fn digest(number: usize) -> Digest {
    Digest::of(Algorithm::Sha256, &blob(number))
}

/// Fills a data directory with blobs and manifests, each under its own tag, and with repositories `tags/N` of N
/// tags.
pub(crate) fn fill(data: &Path, size: usize, tags: &[usize]) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let store = StoreConfig::local(data, Mode::Fill).open().await?;
        put_bytes(&local_files(&blobs_in(data), Mode::Fill)?, size)?;
        let filler = Filler::new(store.metadata.as_ref())?;
        let repository = RepositoryName::parse(REPOSITORY)?;
        each(0..size, |number| filler.add_blob(&repository, number, filler.now)).await?;
        let tag = |number| Tag::parse(&format!("m{number}"));
        each(0..size, async |number| filler.put(&repository, number, size, vec![tag(number)?]).await).await?;
        for count in tags {
            let repository = RepositoryName::parse(&format!("tags/{count}"))?;
            each(0..2, |number| filler.add_blob(&repository, number, filler.now)).await?;
            let names = (0..*count).map(tag).collect::<Result<Vec<_>, _>>()?;
            filler.put(&repository, 0, size, names).await?;
        }
        anyhow::Ok(())
    })?;
    // Syncs now, and not during a measurement.
    rustix::fs::sync();
    Ok(())
}

/// Makes garbage in the store of a stopped gangplank. Returns the time of a cycle that collects it.
pub(crate) fn collect(data: &Path, size: usize) -> Result<Duration> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let rows = StoreConfig::local(data, Mode::Offline).rows().await?;
        Filler::new(rows.metadata.as_ref())?.collect(size).await
    })
}

/// Writes the bytes of blobs that have some. In parallel, because each waits for syncs.
fn put_bytes(store: &LocalFiles, size: usize) -> Result<()> {
    let step = size.div_ceil(WITH_BYTES);
    let put = |first: usize| {
        (first * step..size).step_by(step * WRITERS).try_for_each(|number| {
            let mut writer = store.writer(&key(number)?, Hasher::new(Algorithm::Sha256));
            writer.write(&blob(number))?;
            writer.publish()?;
            anyhow::Ok(())
        })
    };
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS).map(|first| scope.spawn(move || put(first))).collect();
        writers.into_iter().try_for_each(|writer| writer.join().map_err(|_| anyhow!("a writer panicked"))?)
    })
}

async fn each<F: Future<Output = Result<()>>>(
    numbers: std::ops::Range<usize>,
    work: impl Fn(usize) -> F,
) -> Result<()> {
    stream::iter(numbers).map(work).buffer_unordered(AT_ONCE).try_collect().await
}

/// The content key of the blob with a number.
fn key(number: usize) -> Result<ContentKey> {
    ContentKey::parse(&format!("{:030x}{:02x}", number, number % 256)).context("a content key")
}

/// Quotas that are never reached.
fn plenty() -> Quotas {
    let most = u64::MAX;
    Quotas { repositories: most, manifests: most, tags: most, ..Quotas::default() }
}

struct Filler<'a> {
    rows: &'a dyn Metadata,
    tenant: Tenant,
    now: Time,
}

impl<'a> Filler<'a> {
    fn new(rows: &'a dyn Metadata) -> Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let region = Region::parse("us-east-1").context("a region")?;
        let tenant = Tenant { account: AccountId::parse("000000000000")?, region };
        Ok(Self { rows, tenant, now: Time(i64::try_from(now)?) })
    }

    async fn add_blob(&self, repository: &RepositoryName, number: usize, now: Time) -> Result<()> {
        let (digest, key) = (digest(number), key(number)?);
        let blob = NewBlob {
            digest,
            size: 8,
            key,
            damaged: None,
            put_by: None,
            session: None,
            within: None,
            quotas: plenty(),
        };
        self.rows.add_blob(&self.tenant, repository, blob, now).await?;
        Ok(())
    }

    async fn put(
        &self,
        repository: &RepositoryName,
        number: usize,
        size: usize,
        tags: Vec<Tag>,
    ) -> Result<()> {
        let (digest, body) = manifest(number, size);
        let manifest = NewManifest {
            digest,
            view: ManifestView::parse(&body, Some(MEDIA_TYPE))?,
            body,
            pushed_by: None,
            may_be_absent: Vec::new(),
            max_depth: 4,
            quotas: plenty(),
            tags,
            now: self.now,
            lease: Renewal::at(self.now),
        };
        let outcome =
            self.rows.put_manifest(&Origin::local(self.now), &self.tenant, repository, manifest).await?;
        ensure!(outcome == ManifestOutcome::Stored, "{outcome:?}");
        Ok(())
    }

    /// The time of the collection alone.
    async fn collect(&self, size: usize) -> Result<Duration> {
        let long_ago = self.now.minus(Duration::from_hours(240));
        let repository = RepositoryName::parse("garbage")?;
        each(size..size + GARBAGE, |number| self.add_blob(&repository, number, long_ago)).await?;
        let start = Instant::now();
        let mut found = 0;
        loop {
            let over = self.now.minus(Duration::from_hours(120));
            let step = self.rows.collect(over, self.now, 500).await?;
            if step.blobs + step.manifests + step.repositories == 0 {
                break;
            }
            found += step.blobs;
        }
        ensure!(found == GARBAGE as u64, "a cycle found {found} of {GARBAGE}");
        Ok(start.elapsed())
    }
}
