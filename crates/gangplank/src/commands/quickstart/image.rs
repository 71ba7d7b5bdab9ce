//! A very small image that does something: one layer with one program, which serves one page.

use std::net::{Ipv4Addr, SocketAddrV4};

use anyhow::Result;
use gangplank_oci::{Digest, media_type};
use serde_json::json;

use super::program::{self, Processor};

/// The port that the program listens on.
pub(super) const PORT: u16 = 8080;
/// The page that the program serves.
pub(super) const PAGE: &str = "<!doctype html>\n<meta charset=\"utf-8\">\n<title>Gangplank</title>\n<h1>Hello from a gangplank</h1>\n<p>This page is served by a container: pushed with a login that can only push, registered, deployed.</p>\n";

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
    /// The size of all blobs, in bytes.
    pub(super) fn size(&self) -> usize {
        self.blobs.iter().map(|blob| blob.bytes.len()).sum()
    }
}

/// Builds the image. On one machine every build gives the same bytes.
pub(super) fn build() -> Result<Image> {
    let processor = Processor::of_this_machine();
    let layer = Blob::new(layer(processor)?);
    let port = format!("{PORT}/tcp");
    let config = json!({
        "architecture": processor.name(),
        "os": "linux",
        // An unprivileged user: the program needs no rights.
        "config": { "Entrypoint": ["/hello"], "User": "65534:65534", "ExposedPorts": { port: {} } },
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

fn layer(processor: Processor) -> Result<Vec<u8>> {
    let program = program::serving(processor, SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, PORT), PAGE);
    let mut header = tar::Header::new_ustar();
    header.set_size(program.len() as u64);
    header.set_mode(0o755);
    let mut layer = tar::Builder::new(Vec::new());
    layer.append_data(&mut header, "hello", &program[..])?;
    Ok(layer.into_inner()?)
}
