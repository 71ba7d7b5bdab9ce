//! The image for trials of services: one static program, compiled once for each test run. Its command says what it
//! does.

use std::process::Command;
use std::sync::OnceLock;

use gangplank_oci::media_type;
use gangplank_testkit::{Blob, Image};
use serde_json::json;

/// The image, with or without the program as its entry point.
pub(crate) fn image(has_entry_point: bool) -> Image {
    let layer = Blob::new(layer());
    let entry_point = if has_entry_point { json!(["/app"]) } else { json!(null) };
    let config = Blob::new(
        json!({
            "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
            "os": "linux",
            "config": { "Entrypoint": entry_point, "Cmd": ["/app"] },
            "rootfs": { "type": "layers", "diff_ids": [layer.digest] },
        })
        .to_string(),
    );
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "config": config.descriptor(media_type::OCI_CONFIG),
        "layers": [layer.descriptor(media_type::OCI_LAYER)],
    });
    Image { layers: vec![layer], config, manifest: manifest.to_string().into_bytes() }
}

/// The file system of the image, for `docker import`.
pub(crate) fn layer() -> Vec<u8> {
    let program = program();
    let mut header = tar::Header::new_ustar();
    header.set_size(program.len() as u64);
    header.set_mode(0o755);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, "app", program).expect("a layer");
    archive.into_inner().expect("a layer")
}

fn program() -> &'static [u8] {
    static PROGRAM: OnceLock<Vec<u8>> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/services_app.c");
        let program = folder.path().join("app");
        let mut compile = Command::new("cc");
        compile.args(["-static", "-O1", "-Wall", "-pthread", "-o"]).arg(&program).arg(source);
        assert!(compile.status().expect("a C compiler").success(), "{source} does not compile");
        std::fs::read(&program).expect("the program")
    })
}
