//! Pushes an image from an engine, a layout or an archive to a registry.

mod layers;
pub(crate) mod progress;
pub(crate) mod source;
mod spool;
pub(crate) mod upload;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use gangplank_oci::{Digest, Reference, Tag};

use self::layers::{parts, staging};
use self::progress::Progress;
pub(crate) use self::source::image::Image;
use self::upload::blob;
use self::upload::registry::{self, Registry};

/// Pushes an image under a tag. Returns its digest. `jobs` blobs are uploaded at a time.
pub(crate) async fn send(
    image: Image,
    registry: &Registry,
    tag: &Tag,
    jobs: usize,
    progress: &Arc<Progress>,
) -> Result<Digest> {
    let upload = |blob| async move { blob::upload(registry, &blob, progress).await };
    let manifests = parts::each_blob(image, jobs, progress, upload).await?;
    let last = manifests.len() - 1;
    for (index, manifest) in manifests.iter().enumerate() {
        let by_digest = Reference::from(manifest.digest);
        let reference = if index == last { Reference::from(tag.clone()) } else { by_digest };
        let step = progress.begin("manifest", "pushing", None);
        registry.put_manifest(&reference, manifest, &step).await?;
    }
    Ok(manifests[last].digest)
}

/// A blob that a push would upload.
pub(crate) struct Planned {
    /// Its digest.
    pub(crate) digest: Digest,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// Whether the registry already has the blob, so that it would be skipped.
    pub(crate) there: bool,
}

/// Finds out what [`send`] would do, and does nothing. Without a registry, all blobs are missing there.
pub(crate) async fn plan(
    image: Image,
    registry: Option<&Registry>,
    jobs: usize,
    progress: &Arc<Progress>,
) -> Result<(Digest, Vec<Planned>)> {
    let planned = Mutex::new(BTreeMap::new());
    let (noted, given) = (&planned, AtomicUsize::new(0));
    let manifests = parts::each_blob(image, jobs, progress, |blob| {
        // The answers come in any order. The result has the order of the image.
        let number = given.fetch_add(1, Ordering::Relaxed);
        async move {
            let there = match registry {
                Some(registry) => {
                    let step = progress.begin_blob(&blob.digest, blob.content.size());
                    registry.has(&blob.digest, &step).await.map_err(registry::Fault::into_error)?
                }
                None => false,
            };
            if !there {
                // Make the checks that a push would make later.
                let blob = blob.clone();
                tokio::task::spawn_blocking(move || staging::check(&blob)).await??;
            }
            let blob = Planned { digest: blob.digest, size: blob.content.size(), there };
            noted.lock().unwrap_or_else(PoisonError::into_inner).insert(number, blob);
            Ok(())
        }
    })
    .await?;
    let planned = planned.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok((manifests[manifests.len() - 1].digest, planned.into_values().collect()))
}
