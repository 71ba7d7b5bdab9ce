//! `gangplank push`.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use gangplank_testkit::{Image, TestServer};
use serde_json::{Value, json};

use crate::cli::{Ran, run};
use crate::{PROGRAM, server};

fn push(server: &TestServer, args: &[&str]) -> Ran {
    let data_dir = server.data_dir();
    let all = [&["push"], args, &["--data-dir", data_dir.to_str().unwrap()]].concat();
    run(server.home(), &all, &[])
}

fn ready() -> TestServer {
    let server = server();
    server.api().ensure_service("web");
    server
}

/// Writes an OCI image layout.
fn write_layout(folder: &Path, image: &Image) {
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

#[test]
fn a_layout_is_pushed_and_registered_and_sent_once() {
    let server = ready();
    let image = Image::of([vec![7; 1 << 20], b"small".to_vec()]);
    write_layout(&server.home().join("layout"), &image);
    let first =
        push(&server, &["oci:layout:v1", "--service-name=web", "--label=app", "--output=json"]).json();
    assert_eq!((&first["image"], &first["digest"]), (&json!(":web.app.1"), &json!(image.digest())));
    let size: usize = image.blobs().map(|blob| blob.bytes.len()).sum();
    assert_eq!(first["bytesSent"], json!(size));
    let second = push(&server, &["oci:layout", "--service-name=web", "--label=app", "--output=json"]).json();
    assert_eq!((&second["image"], &second["bytesSent"]), (&json!(":web.app.2"), &json!(0)));
    let quiet = push(&server, &["oci:layout", "--service-name=web", "--label=other", "-q"]);
    assert_eq!((quiet.code, quiet.stdout.as_str()), (Some(0), ":web.other.3\n"), "{quiet:?}");
    let operator = server.registry_as(&server.operator_login());
    for blob in image.blobs() {
        assert_eq!(operator.status("HEAD", &format!("sr/blobs/{}", blob.digest)), 200);
    }
}

/// Writes what `docker save` writes: layers that nobody has compressed.
fn docker_archive(image: &Image) -> Vec<u8> {
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

#[test]
fn a_saved_image_has_one_digest_by_whatever_way_it_comes() {
    let server = ready();
    let archive = docker_archive(&Image::of([vec![7; 1 << 20], b"small".to_vec()]));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&archive).unwrap();
    fs::write(server.home().join("saved.tar"), &archive).unwrap();
    fs::write(server.home().join("saved.tar.gz"), gzip.finish().unwrap()).unwrap();
    let options = ["--service-name=web", "--label=app", "--output=json"];
    let first = push(&server, &[["docker-archive:saved.tar:app:v1"].as_slice(), &options].concat()).json();
    assert!(first["bytesSent"].as_u64().is_some_and(|sent| (1..100_000).contains(&sent)), "{first}");
    let second = push(&server, &[["docker-archive:saved.tar.gz"].as_slice(), &options].concat()).json();
    let data_dir = server.data_dir();
    let shell = format!(
        "exec {PROGRAM} push - {} --data-dir {} < saved.tar",
        options.join(" "),
        data_dir.to_str().unwrap()
    );
    let output = Command::new("/bin/sh").args(["-c", &shell]).current_dir(server.home()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let third: Value = serde_json::from_slice(&output.stdout).unwrap();
    for again in [&second, &third] {
        assert_eq!((&again["digest"], &again["bytesSent"]), (&first["digest"], &json!(0)));
    }
    assert_eq!(third["image"], ":web.app.3");
}

#[test]
fn what_cannot_be_pushed_is_said_in_one_sentence() {
    let mut server = ready();
    let (service, label) = ("--service-name=web", "--label=app");
    let image = Image::unique(1);
    write_layout(&server.home().join("layout"), &image);
    push(&server, &["oci:layout:none", service, label]).check_failed(&["none", "v1"]);
    push(&server, &["oci:absent", service, label]).check_failed(&["absent"]);
    fs::write(server.home().join("text"), "no archive").unwrap();
    push(&server, &["docker-archive:text", service, label]).check_failed(&["text"]);
    push(&server, &["oci:layout", "--service-name=none", label]).check_failed(&["none", "does not exist"]);
    push(&server, &["oci:layout", service, label, "--platform=x"]).check_usage(&["linux/amd64"]);
    let layer = image.layers[0].digest.strip_prefix("sha256:").unwrap().to_owned();
    fs::write(server.home().join("layout/blobs/sha256").join(layer), "other").unwrap();
    push(&server, &["oci:layout", service, label]).check_failed(&["damaged", "sha256"]);
    server.kill();
    push(&server, &["oci:layout", service, label]).check_failed(&["no server seems to run"]);
}
