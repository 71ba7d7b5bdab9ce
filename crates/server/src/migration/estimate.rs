//! The amount that a migration would copy. Nothing is written.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use gangplank_store::blobs::BlobStore;
use gangplank_store::metadata::migration::{self, Move};
use gangplank_store::metadata::{Metadata, Postgres};
use gangplank_store::open::{self, Mode, blobs_in, database_in};

use super::from_directory::{Source, Whose};
use super::to_directory::{NOTHING, refuse};
use super::{Key, Shared, check, content, state};

const PAGE: usize = 500;

/// The extent of a migration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// The number of all contents.
    pub contents: u64,
    /// The bytes of all contents.
    pub bytes: u64,
    /// The number of contents that are not at the target yet.
    pub missing: u64,
    /// The bytes of these contents.
    pub missing_bytes: u64,
    /// The number of rows in all tables.
    pub rows: u64,
}

/// Estimates the migration of a data directory. Its server may run.
///
/// # Errors
/// If the migration could not begin, or if a store cannot be read.
pub async fn of_directory(dir: &Path, to: &Shared, key: &Key) -> Result<Estimate> {
    let dir =
        dir.canonicalize().with_context(|| format!("cannot use the data directory {}", dir.display()))?;
    state::refuse(&dir)?;
    let source = Source::open(&dir, to, Mode::Read).await?;
    source.check(&dir, key).await?;
    let other = source.as_other(&dir);
    let is_begun = Postgres::can_arrive(to.database.clone(), &other).await?;
    let rows = migration::rows_in(&database_in(&dir))?.count;
    let blobs = match &source.bytes {
        Whose::Bucket(blobs) => Some(Arc::clone(blobs)),
        Whose::Folder(_) => {
            let begun = open::bucket_to_estimate(to.bucket.clone(), source.identity).await?;
            begun.filter(|_| is_begun)
        }
    };
    estimate(source.rows.as_ref(), blobs.as_deref(), rows).await
}

/// Estimates the migration of a database and a bucket. Servers may run.
///
/// # Errors
/// If the migration could not begin, or if a store cannot be read.
pub async fn of_shared(dir: &Path, from: &Shared, key: &Key) -> Result<Estimate> {
    let rows = Postgres::leaving(from.database.clone()).await?;
    let metadata = rows.metadata();
    check(key.given()?, metadata.as_ref()).await?;
    refuse(rows.moving().await?.as_ref())?;
    let identity = metadata.identity().await?.context(NOTHING)?;
    let is_begun = match state::read(dir)? {
        None if state::is_new(dir)? => false,
        None => bail!("{} is not empty: name a directory that does not exist", dir.display()),
        Some(Move::Arriving(other) | Move::Arrived(other)) if other.number == identity.cluster => true,
        Some(_) => return state::refuse(dir).map(|()| Estimate::default()),
    };
    open::bucket_to_read(from.bucket.clone(), identity).await?;
    let blobs = if is_begun { open::folder_to_estimate(&blobs_in(dir), identity.cluster)? } else { None };
    let count = rows.row_count().await?.count;
    estimate(metadata.as_ref(), blobs.as_deref(), count).await
}

async fn estimate(rows: &dyn Metadata, target: Option<&dyn BlobStore>, count: u64) -> Result<Estimate> {
    let totals = rows.content_totals(0).await?;
    let (contents, bytes) = (totals.count, totals.bytes);
    let mut all = Estimate { contents, bytes, missing: contents, missing_bytes: bytes, rows: count };
    let Some(target) = target else { return Ok(all) };
    let there = content::list(target).await?;
    (all.missing, all.missing_bytes) = (0, 0);
    let mut position = 0;
    loop {
        let page = rows.contents(position, PAGE).await?;
        let Some(last) = page.last() else { return Ok(all) };
        position = last.row;
        for content in page.iter().filter(|content| there.get(&content.key) != Some(&content.size)) {
            all.missing += 1;
            all.missing_bytes += content.size;
        }
    }
}
