//! Images in files that other programs made, read as those programs read them; and invalid files.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use gangplank_oci::{Digest, media_type};
use gangplank_testkit::{Blob, Image, TestServer};
use serde_json::{Value, json};

use crate::cli::{Ran, command, run_with_input};
use crate::fake_engine;
use crate::image_files::{archive_of, docker_archive, write_layout};
use crate::push::{push, pushed, ready};

const OPTIONS: [&str; 3] = ["--service-name=web", "--label=app", "--output=json"];

fn push_of(server: &TestServer, image: &str, more: &[&str]) -> Ran {
    push(server, &[&[image], &OPTIONS[..], more].concat())
}

/// Writes an archive of files. The last file is the list of images.
fn saved(path: &Path, files: &[(&str, &[u8])], list: &Value) {
    let mut archive = tar::Builder::new(Vec::new());
    let list = list.to_string();
    for (name, bytes) in files.iter().copied().chain([("manifest.json", list.as_bytes())]) {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, bytes).unwrap();
    }
    fs::write(path, archive.into_inner().unwrap()).unwrap();
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn config(seed: &str, architecture: &str, diff_ids: &Value) -> Vec<u8> {
    let rootfs = json!({ "type": "layers", "diff_ids": diff_ids });
    json!({ "author": seed, "architecture": architecture, "os": "linux", "rootfs": rootfs })
        .to_string()
        .into()
}

/// A layout whose index has these entries, with their content.
fn layout(folder: &Path, images: &[&Image], entries: &[Value]) {
    for image in images {
        write_layout(folder, image);
    }
    let index = json!({ "schemaVersion": 2, "manifests": entries });
    fs::write(folder.join("index.json"), index.to_string()).unwrap();
}

fn entry(image: &Image, name: Option<&str>) -> Value {
    let mut entry = Blob::new(image.manifest.clone()).descriptor(media_type::OCI_MANIFEST);
    if let Some(name) = name {
        entry["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
    }
    entry
}

#[test]
fn names_are_no_images() {
    let server = ready();
    let (one, other) = (Image::unique(1), Image::unique(1));
    let full = |image, name: &str| {
        let mut entry = entry(image, None);
        entry["annotations"] = json!({ "io.containerd.image.name": format!("docker.io/library/{name}") });
        entry
    };
    layout(
        &server.home().join("twice"),
        &[&one],
        &[entry(&one, Some("v1")), entry(&one, Some("latest")), full(&one, "app:1.0")],
    );
    for name in ["oci:twice", "oci:twice:v1", "oci:twice:app:1.0"] {
        assert_eq!(pushed(push_of(&server, name, &[]))["digest"], one.digest(), "{name}");
    }
    layout(&server.home().join("two"), &[&one, &other], &[full(&one, "app:latest"), full(&other, "b:1")]);
    assert_eq!(pushed(push_of(&server, "oci:two:app", &[]))["digest"], one.digest());
    push_of(&server, "oci:two", &[]).check_failed(&["app:latest", "b:1", "such as oci:two:"]);
    assert_eq!(
        pushed(push_of(&server, &format!("oci:two:{}", other.digest()), &[]))["digest"],
        other.digest()
    );
    let same = [entry(&one, Some("v1")), entry(&other, Some("v1"))];
    layout(&server.home().join("same"), &[&one, &other], &same);
    push_of(&server, "oci:same:v1", &[]).check_failed(&[
        "2 images are named \"v1\"",
        &one.digest(),
        &other.digest(),
    ]);

    // The wrong layer is now in docker's archive.
    let layer = &one.layers[0];
    let list = |names: &[&str]| -> Value {
        let entry = |name: &&str| json!({ "Config": "c", "RepoTags": [name], "Layers": ["l"] });
        names.iter().map(entry).collect()
    };
    let files = [("c", one.config.bytes.as_slice()), ("l", layer.bytes.as_slice())];
    saved(&server.home().join("a.tar"), &files, &list(&["app:1", "app:2"]));
    pushed(push_of(&server, "docker-archive:a.tar", &[]));
    pushed(push_of(&server, "docker-archive:a.tar:app:2", &[]));
}

#[test]
fn what_go_programs_leave_out_or_write_otherwise_is_read_all_the_same() {
    let server = ready();
    let path = server.home().join("a.tar");
    for (seed, layers, diff_ids) in
        [("a", json!(null), json!(null)), ("b", json!([]), json!(null)), ("c", json!(null), json!([]))]
    {
        let config = config(seed, "amd64", &diff_ids);
        saved(&path, &[("c", &config)], &json!([{ "Config": "c", "RepoTags": null, "Layers": layers }]));
        pushed(push_of(&server, "docker-archive:a.tar", &[]));
    }
    let image = Image::unique(1);
    let files = [("c", image.config.bytes.as_slice()), ("l", image.layers[0].bytes.as_slice())];
    saved(&path, &files, &json!([{ "config": "./c", "repoTags": ["app:v1"], "LAYERS": ["l"] }]));
    pushed(push_of(&server, "docker-archive:a.tar:app:v1", &[]));

    write_layout(&server.home().join("layout"), &image);
    let digest = image.digest();
    let index = format!(
        r#"{{"SCHEMAVERSION":2,"Manifests":[{{"mediatype":"{}","Digest":"{digest}","size":{},"annotations":null,"platform":null}}]}}"#,
        media_type::OCI_MANIFEST,
        image.manifest.len()
    );
    fs::write(server.home().join("layout/index.json"), index).unwrap();
    assert_eq!(pushed(push_of(&server, "oci:layout", &[]))["digest"], digest);
    fs::write(server.home().join("layout/index.json"), r#"{"schemaVersion":2,"manifests":null}"#).unwrap();
    push_of(&server, "oci:layout", &[]).check_failed(&["holds no image"]);
}

#[test]
fn an_image_is_meant_and_not_what_is_about_it() {
    let server = ready();
    let (image, signature) = (Image::unique(1), Image::unique(1));
    let mut manifest: Value = serde_json::from_slice(&signature.manifest).unwrap();
    manifest["subject"] = Blob::new(image.manifest.clone()).descriptor(media_type::OCI_MANIFEST);
    let signature = Image { manifest: manifest.to_string().into_bytes(), ..signature };
    layout(
        &server.home().join("layout"),
        &[&image, &signature],
        &[entry(&signature, None), entry(&image, None)],
    );
    assert_eq!(pushed(push_of(&server, "oci:layout", &[]))["digest"], image.digest());
    let tag = format!("{}.sig", image.digest().replace(':', "-"));
    let unrelated = Image::unique(1);
    layout(
        &server.home().join("cosign"),
        &[&image, &unrelated],
        &[entry(&unrelated, Some(&tag)), entry(&image, Some("v1"))],
    );
    assert_eq!(pushed(push_of(&server, "oci:cosign", &[]))["digest"], image.digest());
    // A wrong entry in place of a file.
    let mut manifest: Value = serde_json::from_slice(&image.manifest).unwrap();
    manifest["config"]["data"] =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &image.config.bytes).into();
    let inline = Image { manifest: manifest.to_string().into_bytes(), ..image };
    layout(&server.home().join("inline"), &[&inline], &[entry(&inline, None)]);
    let file = inline.config.digest.trim_start_matches("sha256:");
    fs::remove_file(server.home().join("inline/blobs/sha256").join(file)).unwrap();
    assert_eq!(pushed(push_of(&server, "oci:inline", &[]))["digest"], inline.digest());
}

#[test]
fn a_layer_that_is_not_what_it_should_be_is_never_registered() {
    let server = ready();
    let path = server.home().join("a.tar");
    let image = Image::of([vec![7; 100_000]]);
    let plain = image.layers[0].bytes.clone();
    let packed = gzip(&plain);
    let list = json!([{ "Config": "c", "RepoTags": ["app:v1"], "Layers": ["l"] }]);
    for (layer, words) in [
        (packed[..packed.len() - 9].to_vec(), "may be truncated"),
        (gzip(b"another"), "is damaged"),
        (b"another".to_vec(), "is damaged"),
        (b"BZh91AY&SY".to_vec(), "is compressed with bzip2"),
        (b"\xfd7zXZ\0".to_vec(), "is compressed with xz"),
    ] {
        saved(&path, &[("c", &image.config.bytes), ("l", &layer)], &list);
        let ran = push_of(&server, "docker-archive:a.tar", &[]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stderr.contains("layer 1") && ran.stderr.contains(words), "{words}: {ran:?}");

        // In the layout, the digest of the compressed layer is right, and the digest of its uncompressed content is
        // wrong.
        let blob = Blob::new(layer.clone());
        let mut manifest: Value = serde_json::from_slice(&image.manifest).unwrap();
        manifest["layers"][0] = blob.descriptor(media_type::OCI_LAYER_GZIP);
        let manifest = manifest.to_string().into_bytes();
        let bad = Image { layers: vec![blob], manifest, ..image.clone() };
        layout(&server.home().join("layout"), &[&bad], &[entry(&bad, None)]);
        if !words.contains("compressed") {
            let ran = push_of(&server, "oci:layout", &[]);
            assert!(ran.code == Some(1) && ran.stderr.contains("is damaged"), "{ran:?}");
        }
    }
    saved(&path, &[("c", &image.config.bytes), ("l", &packed)], &list);
    pushed(push_of(&server, "docker-archive:a.tar", &[]));
    let images = server.api().lightsail("GetContainerImages", &json!({ "serviceName": "web" })).body;
    assert_eq!(images["containerImages"].as_array().unwrap().len(), 1);
}

#[test]
fn what_has_no_end_ends() {
    let server = ready();
    let home = server.home().to_owned();
    let began = Instant::now();
    // A name of 600 MiB in a small archive.
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::XHeader);
    header.set_size(600 << 20);
    header.set_cksum();
    let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
    bomb.write_all(header.as_bytes()).unwrap();
    bomb.write_all(&vec![b'x'; 8 << 20]).unwrap();
    fs::write(home.join("bomb.tar.gz"), bomb.finish().unwrap()).unwrap();
    push_of(&server, "docker-archive:bomb.tar.gz", &[]).check_failed_last(&["629145600 bytes"]);
    // More layers than any registry accepts, all of them the same file.
    let layer = vec![0_u8; 1 << 20];
    let diff_ids = vec![Digest::sha256(&layer).to_string(); 5_000];
    let names = vec!["l"; 5_000];
    let list = json!([{ "Config": "c", "RepoTags": null, "Layers": names }]);
    saved(&home.join("many.tar"), &[("c", &config("many", "amd64", &json!(diff_ids))), ("l", &layer)], &list);
    push_of(&server, "docker-archive:many.tar", &[]).check_failed(&["5000 layers"]);
    // Named pipes to which nobody writes.
    fs::create_dir(home.join("layout")).unwrap();
    for pipe in ["pipe", "layout/index.json"] {
        assert!(Command::new("mkfifo").arg(home.join(pipe)).status().unwrap().success());
    }
    for name in ["oci:layout", "docker-archive:pipe", "oci-archive:pipe", "docker-archive:/dev/zero"] {
        push_of(&server, name, &[]).check_failed(&["is no regular file"]);
    }
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}

#[test]
fn platforms_are_told_and_chosen() {
    let server = ready();
    let images: Vec<Image> = (0..2).map(|_| Image::unique(1)).collect();
    let platform = |image, variant: &str| {
        let mut entry = entry(image, None);
        entry["platform"] = json!({ "os": "linux", "architecture": "arm", "variant": variant });
        entry
    };
    let entries = [platform(&images[0], "v6"), platform(&images[1], "v7")];
    let index = Blob::new(json!({ "schemaVersion": 2, "manifests": entries }).to_string());
    layout(
        &server.home().join("layout"),
        &images.iter().collect::<Vec<_>>(),
        &[index.descriptor(media_type::OCI_INDEX)],
    );
    let file = index.digest.trim_start_matches("sha256:");
    fs::write(server.home().join("layout/blobs/sha256").join(file), &index.bytes).unwrap();
    let ran = push_of(&server, "oci:layout", &["--platform=linux/arm"]);
    ran.check_failed(&["2 images that are for linux/arm", "linux/arm/v6", "linux/arm/v7"]);
    let ran = push_of(&server, "oci:layout", &["--platform=linux/arm/v7"]);
    assert!(ran.stderr.contains("Warning: this image is for linux/arm/v7"), "{ran:?}");
    assert_eq!(pushed(ran)["digest"], images[1].digest());
    let below = push_of(&server, &format!("oci:layout:{}", images[0].digest()), &[]);
    assert_eq!(pushed(below)["digest"], images[0].digest());
    let amd64 = Image::unique(1);
    write_layout(&server.home().join("amd64"), &amd64);
    assert!(!push_of(&server, "oci:amd64", &[]).stderr.contains("Warning"));
}

#[test]
fn what_a_foreign_layer_lacks_is_said() {
    let server = ready();
    let image = Image::unique(1);
    let mut manifest: Value = serde_json::from_slice(&image.manifest).unwrap();
    manifest["layers"][0]["mediaType"] = media_type::OCI_FOREIGN_LAYER.into();
    manifest["layers"][0]["urls"] = json!(["https://owner.example/layer"]);
    let image = Image { manifest: manifest.to_string().into_bytes(), ..image };
    layout(&server.home().join("layout"), &[&image], &[entry(&image, None)]);
    let file = image.layers[0].digest.trim_start_matches("sha256:");
    fs::remove_file(server.home().join("layout/blobs/sha256").join(file)).unwrap();
    push_of(&server, "oci:layout", &[]).check_failed(&[
        "foreign layer",
        &image.layers[0].digest,
        "https://owner.example/layer",
    ]);
}

#[test]
fn the_latest_of_a_name_is_asked_for_and_a_file_of_that_name_is_pointed_to() {
    let server = ready();
    let image = Image::unique(1);
    let engine = fake_engine::start(server.home(), "app:latest", docker_archive(&image));
    let data_dir = server.data_dir();
    let ask = |image: &str| {
        let mut push =
            command(server.home(), &["push", image, OPTIONS[0], OPTIONS[1], OPTIONS[2], "--data-dir"]);
        push.arg(&data_dir).env("DOCKER_HOST", &engine);
        run_with_input(push, "")
    };
    pushed(ask("app"));
    fs::write(server.home().join("app.tar"), docker_archive(&image)).unwrap();
    write_layout(&server.home().join("ocidir"), &image);
    ask("app.tar").check_failed(&["no image \"app.tar\"", "docker-archive:app.tar"]);
    ask("./ocidir").check_failed(&["oci:./ocidir"]);
    ask("ocidir").check_failed(&["oci:ocidir"]);
    for elsewhere in ["dir:ocidir", "docker://app", "containers-storage:app:latest"] {
        ask(elsewhere).check_failed(&[&format!("skopeo copy {elsewhere} oci:DIR")]);
    }
    ask("file://app.tar").check_failed(&["docker-archive:app.tar"]);
    ask("oci-archive:app.tar").check_failed(&["an archive of `docker save`", "docker-archive:app.tar"]);
    fs::write(server.home().join("oci.tar"), archive_of(&server.home().join("ocidir"))).unwrap();
    ask("docker-archive:oci.tar").check_failed(&["an OCI layout", "oci-archive:oci.tar"]);
    let archive = archive_of(&server.home().join("ocidir"));
    fs::write(server.home().join("oci.tar.bz2"), [b"BZh9", &archive[..]].concat()).unwrap();
    push_of(&server, "oci-archive:oci.tar.bz2", &[]).check_failed_last(&["bzip2 -dc FILE"]);
}
