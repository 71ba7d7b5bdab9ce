//! The smallest image worth pushing: one layer with one file.

use anyhow::Result;
use gangplank_oci::{Digest, media_type};
use serde_json::json;

/// A piece of content and its digest.
#[derive(Clone, Debug)]
pub(super) struct Blob {
    pub(super) digest: Digest,
    pub(super) bytes: Vec<u8>,
}

/// An image in memory.
#[derive(Clone, Debug)]
pub(super) struct Image {
    /// Layers and configuration, in the order to push them.
    pub(super) blobs: Vec<Blob>,
    /// The manifest's bytes.
    pub(super) manifest: Vec<u8>,
}

impl Image {
    /// The bytes of its blobs together.
    pub(super) fn size(&self) -> usize {
        self.blobs.iter().map(|blob| blob.bytes.len()).sum()
    }
}

/// Builds the image; every build is the same to the byte.
pub(super) fn build() -> Result<Image> {
    let layer = Blob::new(layer()?);
    let config = json!({
        "architecture": "amd64",
        "os": "linux",
        "config": { "Cmd": ["/hello.txt"] },
        "rootfs": { "type": "layers", "diff_ids": [layer.digest] },
    });
    let config = Blob::new(config.to_string().into_bytes());
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "config": config.descriptor(media_type::OCI_CONFIG),
        "layers": [layer.descriptor(media_type::OCI_LAYER)],
    });
    Ok(Image { blobs: vec![layer, config], manifest: manifest.to_string().into_bytes() })
}

impl Blob {
    fn new(bytes: Vec<u8>) -> Self {
        Self { digest: Digest::sha256(&bytes), bytes }
    }

    fn descriptor(&self, media_type: &str) -> serde_json::Value {
        json!({ "mediaType": media_type, "digest": self.digest, "size": self.bytes.len() })
    }
}

fn layer() -> Result<Vec<u8>> {
    let text = b"Hello from a gangplank: put up to load the ship, and taken away again.\n";
    let mut header = tar::Header::new_ustar();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    let mut layer = tar::Builder::new(Vec::new());
    layer.append_data(&mut header, "hello.txt", &text[..])?;
    Ok(layer.into_inner()?)
}
