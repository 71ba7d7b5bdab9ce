//! A store in a directory: a database file and a folder of bytes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::belonging::{self, Standing};
use super::{Fault, Mode, Stores};
use crate::blobs::{BlobStore, Folder};
use crate::coordination::InProcess;
use crate::metadata::progress::Mark;
use crate::metadata::{Metadata, Sqlite};
use crate::{Result, StoreError};

/// The path of the database file in a directory.
pub fn database_in(dir: &Path) -> PathBuf {
    dir.join("gangplank.db")
}

/// The path of the folder of bytes in a directory.
pub fn blobs_in(dir: &Path) -> PathBuf {
    dir.join("blobs")
}

pub(super) fn rows(dir: &Path, mode: Mode) -> Result<Arc<dyn Metadata>> {
    let path = database_in(dir);
    let rows = match mode {
        Mode::Serve => Sqlite::open(&path)?,
        Mode::Offline => Sqlite::open_at_this_schema(&path)?,
        Mode::Read => Sqlite::open_to_read(&path)?,
        #[cfg(feature = "filling")]
        Mode::Fill => Sqlite::open_to_fill(&path)?,
    };
    Ok(rows.metadata())
}

pub(super) async fn with_bytes(
    metadata: Arc<dyn Metadata>,
    dir: &Path,
    mode: Mode,
    reserve: u64,
) -> Result<Stores> {
    refuse_bucket(metadata.as_ref()).await?;
    let blobs = blobs_in(dir);
    let standing = Standing::of(metadata.as_ref(), &blobs).await?;
    let fault = standing.fault().map(|what| Fault { what, aside: None });
    if mode == Mode::Read {
        let folder = Folder::open_to_read(&blobs).with_reserve(reserve);
        return stores(metadata, folder, standing.number(), fault).await;
    }
    if let Some(Fault { what, .. }) = fault {
        return Err(StoreError::unusable(format!(
            "the folder {} {what}, and the database knows content that is in it: mount its disk, or restore it from a \
             backup; if it is lost, `gangplank fsck --repair --data-dir {}` marks all that is missing and makes it anew",
            blobs.display(),
            dir.display()
        )));
    }
    let (folder, number) = belonging::settle(metadata.as_ref(), &blobs, standing).await?;
    stores(metadata, folder.with_reserve(reserve), Some(number), None).await
}

pub(super) async fn with_bytes_anew(metadata: Arc<dyn Metadata>, dir: &Path, reserve: u64) -> Result<Stores> {
    refuse_bucket(metadata.as_ref()).await?;
    let blobs = blobs_in(dir);
    let standing = Standing::of(metadata.as_ref(), &blobs).await?;
    let aside = belonging::put_aside_if_anothers(metadata.as_ref(), &blobs, standing).await?;
    let fault = standing.fault().map(|what| Fault { what, aside });
    let (folder, number) = belonging::settle(metadata.as_ref(), &blobs, standing).await?;
    stores(metadata, folder.with_reserve(reserve), Some(number), fault).await
}

/// Refuses to open a folder for content that is in a bucket. The folder would be empty, and all content would
/// count as lost.
async fn refuse_bucket(metadata: &dyn Metadata) -> Result<()> {
    match metadata.mark(Mark::ContentBucket).await? {
        None => Ok(()),
        Some(_) => Err(StoreError::unusable(
            "the content of this database is in a bucket: say in which, as its server is told, with --blobs or \
             GANGPLANK_BLOBS",
        )),
    }
}

/// A single process uses a directory, so claims can end with it.
async fn stores(
    metadata: Arc<dyn Metadata>,
    folder: Folder,
    number: Option<i64>,
    fault: Option<Fault>,
) -> Result<Stores> {
    let blobs = Arc::new(folder) as Arc<dyn BlobStore>;
    let coordinator = Arc::new(InProcess::after(metadata.last_upload_epoch().await?));
    Ok(Stores { metadata, blobs, coordinator, bucket_calls: None, number, fault })
}
