//! Moves a data directory to a database and a bucket.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use gangplank_store::blobs::BlobStore;
use gangplank_store::identity::Identity;
use gangplank_store::metadata::migration::{Bytes, Changes, Move, Other};
use gangplank_store::metadata::{Metadata, Postgres, Snapshot};
use gangplank_store::open::{self, Mode, StoreConfig, Stores, blobs_in, database_in};

use super::{Extent, Key, Moved, NAME_A_KEY, Shared, check, comparing, content, state};
use crate::data_dir::{DataDir, MASTER_KEY};
use crate::private;
use crate::sealing::MasterKey;

/// Moves a data directory. `progress` gets the bytes that are at the target, and all bytes.
///
/// # Errors
/// If the directory is in use, unless the call only copies content. Also if the target is not empty or belongs to
/// another migration, if the key does not belong to the directory, or if a store fails. After an error, the next run
/// continues.
pub async fn from_directory(
    dir: &Path,
    to: &Shared,
    key: &Key,
    extent: Extent,
    mut progress: impl FnMut(u64, u64),
) -> Result<Moved> {
    private::umask();
    let locked = match extent {
        Extent::Everything => Some(DataDir::take_to_move(dir)?),
        Extent::Content => None,
    };
    let dir =
        dir.canonicalize().with_context(|| format!("cannot use the data directory {}", dir.display()))?;
    match state::read(&dir)? {
        None => {}
        Some(Move::Moved(other)) if other.place == to.place => return end(to, &other).await,
        Some(_) => state::refuse(&dir)?,
    }
    let mode = if extent == Extent::Everything { Mode::Offline } else { Mode::Read };
    let source = Source::open(&dir, to, mode).await?;
    source.check(&dir, key).await?;
    let other = source.as_other(&dir);
    let rows = Postgres::arriving(to.database.clone(), &other).await?;
    let blobs = match &source.bytes {
        Whose::Folder(_) => open::bucket_to_fill(to.bucket.clone(), source.identity).await?,
        Whose::Bucket(blobs) => Arc::clone(blobs),
    };

    if extent == Extent::Everything {
        content::clear_staged(blobs.as_ref()).await?;
    }

    let mut moved = Moved::default();
    let mut damaged = HashSet::new();
    if let Whose::Folder(from) = &source.bytes {
        let copied = content::copy(source.rows.as_ref(), from, &blobs, &mut progress).await?;
        (moved.contents, moved.bytes) = (copied.contents, copied.bytes);
        (moved.copied, moved.copied_bytes) = (copied.new, copied.new_bytes);
        for (key, name) in copied.damaged {
            damaged.insert(key);
            moved.damaged.push(name);
        }
    } else {
        let totals = source.rows.content_totals(0).await?;
        (moved.contents, moved.bytes) = (totals.count, totals.bytes);
    }
    if locked.is_none() {
        // While a server runs, content may be removed before it is copied.
        moved.damaged.clear();
        return Ok(moved);
    }
    let changes = Changes { bytes: Bytes::Bucket, damaged: damaged.iter().cloned().collect() };
    let copied = rows.take_rows(&database_in(&dir), &other, &changes).await;
    moved.rows = Some(copied.context("cannot copy the rows")?.count);
    moved.removed = comparing::compare(rows.metadata().as_ref(), blobs.as_ref(), &damaged).await?;
    let number = other.number;
    state::write(&dir, &Move::Moved(Other { number, place: to.place.clone() }))?;
    rows.end_arrival()
        .await
        .context("everything has moved, and the database could not be told: run it again")?;
    Ok(moved)
}

/// If a run was stopped before its last step, takes that step.
async fn end(to: &Shared, noted: &Other) -> Result<Moved> {
    let rows = Postgres::leaving(to.database.clone()).await?;
    match rows.moving().await? {
        Some(Move::Arrived(from)) if from.number == noted.number => rows.end_arrival().await?,
        Some(_) => bail!("the directory has moved to {}, which is part of another migration now", to.place),
        None => {}
    }
    let totals = rows.metadata().content_totals(0).await?;
    Ok(Moved { contents: totals.count, bytes: totals.bytes, was_done: true, ..Moved::default() })
}

/// The data directory.
pub(super) struct Source {
    pub(super) rows: Arc<dyn Metadata>,
    pub(super) bytes: Whose,
    pub(super) identity: Identity,
}

/// Where the bytes of a directory are.
pub(super) enum Whose {
    Folder(Arc<dyn BlobStore>),
    /// The bytes are in a bucket, and stay there.
    Bucket(Arc<dyn BlobStore>),
}

impl Source {
    pub(super) async fn open(dir: &Path, to: &Shared, mode: Mode) -> Result<Self> {
        let in_bucket =
            Snapshot::open(&database_in(dir)).context("cannot read the database")?.is_in_bucket()?;
        let store = StoreConfig::local(dir, mode).with_bucket(in_bucket.then(|| to.bucket.clone()));
        let Stores { metadata, blobs, fault, .. } = store.open().await?;
        if let Some(fault) = fault {
            bail!("the folder {} {}: mount its disk, or restore it", blobs_in(dir).display(), fault.what);
        }
        let identity = metadata.identity().await?;
        let identity =
            identity.context("no server has served this directory yet: there is nothing to move")?;
        let bytes = if in_bucket { Whose::Bucket(blobs) } else { Whose::Folder(blobs) };
        Ok(Self { rows: metadata, bytes, identity })
    }

    /// Checks the master key.
    pub(super) async fn check(&self, dir: &Path, key: &Key) -> Result<()> {
        match key {
            Key::Given(master) | Key::ToKeep(master, _) => check(master, self.rows.as_ref()).await,
            Key::OfDirectory => {
                let master = MasterKey::in_file(&dir.join(MASTER_KEY)).context(NAME_A_KEY)?;
                check(&master, self.rows.as_ref()).await
            }
        }
    }

    /// The description of the directory that the target records.
    pub(super) fn as_other(&self, dir: &Path) -> Other {
        Other { number: self.identity.cluster, place: format!("the data directory {}", dir.display()) }
    }
}
