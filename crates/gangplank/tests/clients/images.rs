//! Images in the forms that clients accept: a folder, an archive, a file system.

use std::path::Path;

use gangplank_oci::media_type;
use gangplank_testkit::{Blob, Image, Registry};
use serde_json::{Value, json};

/// An image of one layer, for a processor architecture.
fn image(architecture: &str) -> Image {
    let mut image = Image::unique(1);
    let mut config: Value = serde_json::from_slice(&image.config.bytes).expect("a configuration");
    config["architecture"] = json!(architecture);
    image.config = Blob::new(config.to_string());
    let mut manifest: Value = serde_json::from_slice(&image.manifest).expect("a manifest");
    manifest["config"] = image.config.descriptor(media_type::OCI_CONFIG);
    image.manifest = manifest.to_string().into_bytes();
    image
}

/// A file system of one file, from which `docker import` and `podman import` make an image.
pub(crate) fn file_system() -> Vec<u8> {
    Image::unique(1).layers.remove(0).bytes
}

/// Writes a new image as an OCI layout, under the reference `latest`. Returns its digest.
pub(crate) fn write_layout(folder: &Path) -> String {
    let image = image("amd64");
    write(folder, &[&image], &Blob::new(image.manifest.clone()), media_type::OCI_MANIFEST)
}

/// Writes a new index of two images in the same way. Returns its digest.
pub(crate) fn write_index_layout(folder: &Path) -> String {
    let (images, index) = index();
    write(folder, &[&images[0], &images[1]], &index, media_type::OCI_INDEX)
}

/// Pushes a new index of two images. Returns the digests of the two.
pub(crate) fn push_index(registry: &Registry, repository: &str, tag: &str) -> [String; 2] {
    let (images, index) = index();
    let digests = images.map(|image| registry.push_image(repository, &image.digest(), &image));
    let put = registry.put_manifest(repository, tag, media_type::OCI_INDEX, &index.bytes);
    assert_eq!(put.status(), 201, "PUT of an index");
    digests
}

fn index() -> ([Image; 2], Blob) {
    let images = ["amd64", "arm64"].map(image);
    let entries = ["amd64", "arm64"].iter().zip(&images).map(|(architecture, image)| {
        let mut entry = Blob::new(image.manifest.clone()).descriptor(media_type::OCI_MANIFEST);
        entry["platform"] = json!({ "architecture": architecture, "os": "linux" });
        entry
    });
    let index = json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_INDEX,
        "manifests": entries.collect::<Vec<_>>(),
    });
    (images, Blob::new(index.to_string()))
}

/// Packs a layout into an archive, with a full image name for programs that import it.
pub(crate) fn archive(folder: &Path, name: &str) -> Vec<u8> {
    let index = folder.join("index.json");
    let mut entries: Value = serde_json::from_slice(&std::fs::read(&index).unwrap()).unwrap();
    entries["manifests"][0]["annotations"] = json!({ "io.containerd.image.name": name });
    std::fs::write(&index, entries.to_string()).unwrap();
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_dir_all(".", folder).expect("an archive");
    archive.into_inner().expect("an archive")
}

fn write(folder: &Path, images: &[&Image], top: &Blob, media_type: &str) -> String {
    let blobs = folder.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).expect("a layout's folder");
    let manifests: Vec<Blob> = images.iter().map(|image| Blob::new(image.manifest.clone())).collect();
    for blob in images.iter().flat_map(|image| image.blobs()).chain(&manifests).chain([top]) {
        let name = blob.digest.trim_start_matches("sha256:");
        std::fs::write(blobs.join(name), &blob.bytes).expect("a layout's blob");
    }
    let mut entry = top.descriptor(media_type);
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": "latest" });
    let index = json!({ "schemaVersion": 2, "manifests": [entry] });
    std::fs::write(folder.join("index.json"), index.to_string()).expect("a layout's index");
    std::fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("a layout's mark");
    top.digest.clone()
}
