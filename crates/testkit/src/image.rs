//! Small images to push.

use gangplank_oci::{Digest, media_type};
use serde_json::{Value, json};

/// A piece of content and its digest.
#[derive(Clone, Debug)]
pub struct Blob {
    /// The SHA-256 digest.
    pub digest: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Blob {
    /// Content with its digest.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self { digest: Digest::sha256(&bytes).to_string(), bytes }
    }

    /// Content that no other test has.
    pub fn unique() -> Self {
        Self::new(format!("unique {}", uuid::Uuid::new_v4()))
    }

    /// A descriptor of it.
    pub fn descriptor(&self, media_type: &str) -> Value {
        json!({ "mediaType": media_type, "digest": self.digest, "size": self.bytes.len() })
    }
}

/// An image of layers and a configuration.
#[derive(Clone, Debug)]
pub struct Image {
    /// The layers, lowest first: real tar archives.
    pub layers: Vec<Blob>,
    /// The configuration.
    pub config: Blob,
    /// The manifest's bytes.
    pub manifest: Vec<u8>,
}

impl Image {
    /// An image whose layers each hold one file of unique text.
    pub fn unique(layers: usize) -> Self {
        let texts = (0..layers).map(|layer| format!("layer {layer} of {}", uuid::Uuid::new_v4()));
        Self::of(texts.map(String::into_bytes))
    }

    /// An image whose layers each hold one file of the given content.
    pub fn of(files: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self::configured(files, &json!({}))
    }

    /// An image with settings for running it in its configuration, such as `ExposedPorts`.
    pub fn configured(files: impl IntoIterator<Item = Vec<u8>>, config: &Value) -> Self {
        let layers: Vec<Blob> =
            files.into_iter().enumerate().map(|(index, file)| layer(index, &file)).collect();
        let diff_ids: Vec<&str> = layers.iter().map(|layer| layer.digest.as_str()).collect();
        let config = Blob::new(
            json!({
                "architecture": "amd64",
                "os": "linux",
                "config": config,
                "rootfs": { "type": "layers", "diff_ids": diff_ids },
            })
            .to_string(),
        );
        let descriptors: Vec<Value> =
            layers.iter().map(|layer| layer.descriptor(media_type::OCI_LAYER)).collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_MANIFEST,
            "config": config.descriptor(media_type::OCI_CONFIG),
            "layers": descriptors,
        });
        Self { layers, config, manifest: manifest.to_string().into_bytes() }
    }

    /// The manifest's digest.
    pub fn digest(&self) -> String {
        Digest::sha256(&self.manifest).to_string()
    }

    /// Layers and configuration.
    pub fn blobs(&self) -> impl Iterator<Item = &Blob> {
        self.layers.iter().chain([&self.config])
    }
}

fn layer(index: usize, file: &[u8]) -> Blob {
    let mut header = tar::Header::new_ustar();
    header.set_size(file.len() as u64);
    header.set_mode(0o644);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, format!("file-{index}"), file).expect("a tar archive");
    Blob::new(archive.into_inner().expect("a tar archive"))
}
