//! Opens the bytes of a store that moves. [`Stores`](super::Stores) are opened only for rows that are complete.

use std::path::Path;
use std::sync::Arc;

use super::bucket::{Bucket, Place};
use super::{Mode, belonging};
use crate::blobs::s3::S3;
use crate::blobs::{BlobStore, Folder};
use crate::identity::Identity;
use crate::{Result, StoreError, durable_file};

/// Opens a prefix that nobody uses for the bytes of this database, or the prefix that an earlier try took for
/// them.
///
/// # Errors
/// [`StoreError::Unusable`] if the prefix is not empty, or belongs to another database.
pub async fn bucket_to_fill(bucket: Bucket, identity: Identity) -> Result<Arc<dyn BlobStore>> {
    let store = Place::of(bucket)?.open(Mode::Offline).await?;
    if !is_taken(&store, identity).await? {
        store.belong_to(identity).await?;
    }
    Ok(Arc::new(store))
}

/// Opens the prefix in the same way, but does not take it: `None` if nobody uses it yet. Nothing is written.
///
/// # Errors
/// As [`bucket_to_fill`].
pub async fn bucket_to_estimate(bucket: Bucket, identity: Identity) -> Result<Option<Arc<dyn BlobStore>>> {
    let store = Place::of(bucket)?.open(Mode::Read).await?;
    Ok(is_taken(&store, identity).await?.then(|| Arc::new(store) as Arc<dyn BlobStore>))
}

/// Whether this database owns a prefix; `false` if nobody owns it.
async fn is_taken(store: &S3, identity: Identity) -> Result<bool> {
    let place = store.shown();
    match store.marker().await? {
        Some(owner) if owner == identity => Ok(true),
        Some(owner) => Err(StoreError::unusable(format!(
            "{place} is the place of cluster {owner}, and what moves is cluster {identity}: name a prefix that nobody uses"
        ))),
        None if store.has_content().await? => Err(StoreError::unusable(format!(
            "{place} has content, and no gangplank.json that says whose it is: name a prefix that nobody uses"
        ))),
        None => Ok(false),
    }
}

/// Opens the bytes of this database in a bucket. Nothing is written.
///
/// # Errors
/// [`StoreError::Unusable`] if the prefix belongs to another database, or to none.
pub async fn bucket_to_read(bucket: Bucket, identity: Identity) -> Result<Arc<dyn BlobStore>> {
    let store = Place::of(bucket)?.open(Mode::Read).await?;
    let place = store.shown();
    match store.marker().await? {
        Some(owner) if owner == identity => Ok(Arc::new(store)),
        Some(owner) => Err(StoreError::unusable(format!(
            "{place} is the place of cluster {owner}, and this database is of cluster {identity}"
        ))),
        None => Err(StoreError::unusable(format!("{place} has no gangplank.json: is it the right prefix?"))),
    }
}

/// Opens a new folder for the bytes of a database with this number, or the folder that an earlier try made
/// for them.
///
/// # Errors
/// [`StoreError::Unusable`] if the folder belongs to another database. If it cannot be made.
pub fn folder_to_fill(folder: &Path, number: i64) -> Result<Arc<dyn BlobStore>> {
    match belonging::number_of(folder)? {
        Some(found) if found != number => return Err(another(folder)),
        Some(_) => {}
        None => {
            durable_file::make_folder(folder)?;
            belonging::write_number(folder, number)?;
        }
    }
    Ok(Arc::new(Folder::open(folder)?))
}

/// The folder of bytes that an earlier try made; `None` if there is none. Nothing is written.
///
/// # Errors
/// As [`folder_to_fill`].
pub fn folder_to_estimate(folder: &Path, number: i64) -> Result<Option<Arc<dyn BlobStore>>> {
    match belonging::number_of(folder)? {
        Some(found) if found != number => Err(another(folder)),
        Some(_) => Ok(Some(Arc::new(Folder::open_to_read(folder)))),
        None => Ok(None),
    }
}

fn another(folder: &Path) -> StoreError {
    StoreError::unusable(format!("the folder {} is the one of another database", folder.display()))
}
