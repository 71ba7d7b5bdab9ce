//! Pushes an image from an engine, a layout or an archive to a registry.

mod content;
mod docker_archive;
mod engine;
mod engine_address;
mod files;
mod gzip;
mod image;
mod layout;
pub(crate) mod login;
pub(crate) mod platform;
pub(crate) mod progress;
pub(crate) mod registry;
mod scratch;
pub(crate) mod source;
mod staging;
mod upload;

use std::sync::Arc;

use anyhow::{Result, ensure};
use futures_util::{TryStreamExt as _, stream};
use gangplank_oci::{Digest, Reference, Tag, media_type};
use serde_json::json;

use self::image::{Blob, Finished, Image, Manifest, Unfinished};
use self::progress::Progress;
use self::registry::Registry;

/// Pushes under a tag; returns the digest. `jobs` blobs go up at a time.
pub(crate) async fn run(
    source: source::Source,
    platform: Option<platform::Platform>,
    registry: &Registry,
    tag: &Tag,
    jobs: usize,
    progress: &Arc<Progress>,
) -> Result<Digest> {
    let image = match source.open(platform).await? {
        Image::Finished(image) => image,
        Image::Unfinished(image) => tokio::task::spawn_blocking(move || finish(image)).await??,
    };
    stream::iter(image.blobs.iter().map(Ok))
        .try_for_each_concurrent(jobs, |blob| async move {
            upload::upload(registry, blob, progress).await.map(|_| ())
        })
        .await?;
    let last = image.manifests.len().saturating_sub(1);
    for (index, manifest) in image.manifests.iter().enumerate() {
        let by_digest = Reference::from(manifest.digest);
        let reference = if index == last { Reference::from(tag.clone()) } else { by_digest };
        registry.put_manifest(&reference, &manifest.media_type, &manifest.bytes).await?;
    }
    ensure!(!image.manifests.is_empty(), "the image has no manifest");
    Ok(image.manifests[last].digest)
}

/// Compresses the layers, one after the other on all processors, and makes the manifest. Blocks.
fn finish(image: Unfinished) -> Result<Finished> {
    let (mut blobs, mut layers) = (Vec::<Blob>::new(), Vec::new());
    for layer in image.layers {
        let staged = staging::stage_content(&layer.content)?;
        ensure!(
            staged.original == layer.diff_id || staged.original == staged.digest,
            "the archive is damaged: a layer has the digest {}, and should have {}",
            staged.original,
            layer.diff_id
        );
        let kind = match staged.packing {
            staging::Packing::Zstd => media_type::OCI_LAYER_ZSTD,
            staging::Packing::Gzip | staging::Packing::Plain => media_type::OCI_LAYER_GZIP,
        };
        layers.push(json!({ "mediaType": kind, "digest": staged.digest, "size": staged.content.size() }));
        if blobs.iter().all(|blob| blob.digest != staged.digest) {
            blobs.push(Blob { digest: staged.digest, content: staged.content });
        }
    }
    let (digest, size) = (Digest::sha256(&image.config), image.config.len());
    blobs.push(Blob { digest, content: content::Content::Memory(image.config) });
    let config = json!({ "mediaType": media_type::OCI_CONFIG, "digest": digest, "size": size });
    let kind = media_type::OCI_MANIFEST;
    let manifest = json!({ "schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers });
    let bytes = bytes::Bytes::from(manifest.to_string());
    let manifest = Manifest { digest: Digest::sha256(&bytes), media_type: kind.to_owned(), bytes };
    Ok(Finished { blobs, manifests: vec![manifest] })
}

/// The innermost cause: the one that tells a person something.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
