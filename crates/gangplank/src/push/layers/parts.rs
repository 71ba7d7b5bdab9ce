//! Takes an image apart into blobs. Uncompressed layers are compressed one after the other, each on all processors,
//! while the layers before them are uploaded.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result, anyhow, ensure};
use bytes::Bytes;
use futures_util::{TryStreamExt as _, stream};
use gangplank_oci::{Digest, media_type};
use serde_json::json;
use tokio::sync::mpsc;

use super::packing::Packing;
use super::staging::{self, Stop};
use crate::push::progress::Progress;
use crate::push::source::content::Content;
use crate::push::source::image::{Blob, Image, Manifest, Unfinished};

/// Passes every blob of an image to `take`, up to `jobs` at a time. Returns the manifests. The last one is the
/// image's own.
pub(crate) async fn each_blob<T>(
    image: Image,
    jobs: usize,
    progress: &Arc<Progress>,
    take: impl Fn(Blob) -> T,
) -> Result<Vec<Manifest>>
where
    T: Future<Output = Result<()>>,
{
    // One blob waits while others are uploaded. More would only fill the disk.
    let (give, taken) = mpsc::channel(1);
    let stop = Stop::default();
    // After a failed upload the rest of a layer is of no use.
    let _stopped = StopOnDrop(stop.clone());
    let progress = Arc::clone(progress);
    let making = tokio::task::spawn_blocking(move || {
        let mut give =
            |blob| give.blocking_send(blob).map_err(|_| anyhow!("the receiver of the blobs is gone"));
        match image {
            Image::Finished(image) => {
                image.blobs.into_iter().try_for_each(give)?;
                Ok(image.manifests)
            }
            Image::Unfinished(image) => finish(image, &progress, &stop, &mut give),
        }
    });
    let making = async { making.await? };
    let blobs = stream::unfold(taken, |mut taken| async { Some((Ok(taken.recv().await?), taken)) });
    let (manifests, ()) = tokio::try_join!(making, blobs.try_for_each_concurrent(jobs, take))?;
    ensure!(!manifests.is_empty(), "the image has no manifest");
    Ok(manifests)
}

struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Compresses the layers of a saved image and makes its manifest. Blocks.
fn finish(
    image: Unfinished,
    progress: &Arc<Progress>,
    stop: &Arc<AtomicBool>,
    give: &mut dyn FnMut(Blob) -> Result<()>,
) -> Result<Vec<Manifest>> {
    let (mut given, mut layers) = (HashSet::new(), Vec::new());
    let mut ready = image.staged;
    for (number, layer) in image.layers.iter().enumerate() {
        let step =
            progress.begin(format_args!("layer {}", number + 1), "reading", Some(layer.content.size()));
        // Several layers may be the same file in the archive.
        let start = layer.content.start();
        let staged = match start.and_then(|start| ready.get(&start).cloned()) {
            Some(staged) => staged,
            None => {
                let staged = staging::stage_content(&layer.content, stop, &|bytes| step.advance(bytes));
                staged.with_context(|| format!("layer {}", number + 1))?
            }
        };
        staging::require(&staged.unpacked, &layer.diff_id)
            .with_context(|| format!("layer {}", number + 1))?;
        if let Some(start) = start {
            ready.insert(start, staged.clone());
        }
        layers.push((staged.packing, staged.digest, staged.content.size()));
        if given.insert(staged.digest) {
            give(Blob { digest: staged.digest, content: staged.content, diff_id: None })?;
        }
    }
    let manifest = manifest(&image.config, &layers);
    let digest = Digest::sha256(&image.config);
    give(Blob { digest, content: Content::Memory(image.config), diff_id: None })?;
    Ok(vec![manifest])
}

/// The manifest of a saved image. It has Docker's media type, which every registry and engine accepts. If a layer has
/// a compression that Docker's format cannot express, it has OCI's.
fn manifest(config: &Bytes, layers: &[(Packing, Digest, u64)]) -> Manifest {
    let docker = layers.iter().all(|(packing, ..)| *packing != Packing::Zstd);
    let (kind, config_kind) = if docker {
        (media_type::DOCKER_MANIFEST, media_type::DOCKER_CONFIG)
    } else {
        (media_type::OCI_MANIFEST, media_type::OCI_CONFIG)
    };
    let layer_kind = |packing: &Packing| match (packing, docker) {
        (Packing::Zstd, _) => media_type::OCI_LAYER_ZSTD,
        (_, true) => media_type::DOCKER_LAYER_GZIP,
        (_, false) => media_type::OCI_LAYER_GZIP,
    };
    let layers: Vec<_> = layers
        .iter()
        .map(|(packing, digest, size)| json!({ "mediaType": layer_kind(packing), "size": size, "digest": digest }))
        .collect();
    let digest = Digest::sha256(config);
    let config = json!({ "mediaType": config_kind, "size": config.len(), "digest": digest });
    let manifest = json!({ "schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers });
    let bytes = Bytes::from(manifest.to_string());
    Manifest { digest: Digest::sha256(&bytes), media_type: kind.to_owned(), bytes }
}
