//! Images in files.

use std::fs;
use std::path::Path;

use gangplank_testkit::Image;
use serde_json::json;

/// Writes an OCI image layout.
pub(crate) fn write_layout(folder: &Path, image: &Image) {
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    let write = |digest: &str, bytes: &[u8]| {
        fs::write(blobs.join(digest.strip_prefix("sha256:").unwrap()), bytes).unwrap();
    };
    for blob in image.blobs() {
        write(&blob.digest, &blob.bytes);
    }
    write(&image.digest(), &image.manifest);
    let index = json!({ "schemaVersion": 2, "manifests": [{
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": image.digest(),
        "size": image.manifest.len(),
        "annotations": { "org.opencontainers.image.ref.name": "v1" },
    }] });
    fs::write(folder.join("index.json"), index.to_string()).unwrap();
}

/// Writes an archive in the form of `docker save`: its layers are uncompressed.
pub(crate) fn docker_archive(image: &Image) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut add = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, bytes).unwrap();
    };
    add("config.json", &image.config.bytes);
    let names: Vec<String> = (0..image.layers.len()).map(|number| format!("{number}/layer.tar")).collect();
    for (name, layer) in names.iter().zip(&image.layers) {
        add(name, &layer.bytes);
    }
    let list = json!([{ "Config": "config.json", "RepoTags": ["app:v1"], "Layers": names }]);
    add("manifest.json", list.to_string().as_bytes());
    archive.into_inner().unwrap()
}

/// Packs a folder.
pub(crate) fn archive_of(folder: &Path) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_dir_all(".", folder).unwrap();
    archive.into_inner().unwrap()
}
