//! Sources of images for `gangplank push`: all kinds of engines, and images for several platforms.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use gangplank_oci::{Digest, media_type};
use gangplank_testkit::{Blob, Image, TestServer};
use serde_json::{Value, json};

use crate::cli::{Ran, command, home, run_with_input};
use crate::fake_engine;
use crate::image_files::{archive_of, docker_archive, write_layout};
use crate::push::{push, pushed, ready};

const OPTIONS: [&str; 3] = ["--service-name=web", "--label=app", "--output=json"];

fn push_with(server: &TestServer, args: &[&str], environment: &[(&str, &str)]) -> Ran {
    let data_dir = server.data_dir();
    let all = [&["push"], args, &OPTIONS, &["--data-dir", data_dir.to_str().unwrap()]].concat();
    let mut command = command(server.home(), &all);
    command.envs(environment.iter().copied());
    run_with_input(command, "")
}

/// That image with a compressed layer, as engines that store compressed layers export it.
fn compressed(mut image: Image) -> Image {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&image.layers[0].bytes).unwrap();
    image.layers[0] = Blob::new(gzip.finish().unwrap());
    let mut manifest: Value = serde_json::from_slice(&image.manifest).unwrap();
    manifest["layers"][0] = image.layers[0].descriptor(media_type::OCI_LAYER_GZIP);
    Image { manifest: manifest.to_string().into_bytes(), ..image }
}

/// Two images and the index that lists them, in a layout. If `whole` is false, a layer of the second image is
/// missing.
fn write_index_layout(folder: &Path, whole: bool) -> (String, [Image; 2]) {
    let images = [compressed(Image::unique(1)), compressed(Image::unique(1))];
    let platform = |architecture: &str| json!({ "os": "linux", "architecture": architecture });
    let entries: Vec<Value> = images
        .iter()
        .zip(["amd64", "arm64"])
        .map(|(image, architecture)| {
            let mut entry = Blob::new(image.manifest.clone()).descriptor(media_type::OCI_MANIFEST);
            entry["platform"] = platform(architecture);
            entry
        })
        .collect();
    let index = json!({ "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": entries });
    let index = Blob::new(index.to_string());
    for image in &images {
        write_layout(folder, image);
    }
    let path = |digest: &str| folder.join("blobs/sha256").join(digest.trim_start_matches("sha256:"));
    fs::write(path(&index.digest), &index.bytes).unwrap();
    let top = json!({ "schemaVersion": 2, "manifests": [index.descriptor(media_type::OCI_INDEX)] });
    fs::write(folder.join("index.json"), top.to_string()).unwrap();
    if !whole {
        fs::remove_file(path(&images[1].layers[0].digest)).unwrap();
    }
    (index.digest, images)
}

#[test]
fn an_image_for_several_platforms_goes_whole_or_one_of_it() {
    let server = ready();
    let (index, images) = write_index_layout(&server.home().join("layout"), true);
    let operator = server.registry_as(&server.operator_login());
    let is_there = |digest: &str| operator.status("HEAD", &format!("sr/manifests/{digest}")) == 200;

    let arm = pushed(push_with(&server, &["oci:layout", "--platform=linux/arm64/v8"], &[]));
    assert_eq!(arm["digest"], images[1].digest());
    assert!(is_there(&images[1].digest()) && !is_there(&images[0].digest()) && !is_there(&index));

    let whole = pushed(push_with(&server, &["oci:layout"], &[]));
    assert_eq!(whole["digest"], index);
    assert!(is_there(&images[0].digest()) && is_there(&index));

    let none = push_with(&server, &["oci:layout", "--platform=linux/s390x"], &[]);
    none.check_failed(&["no image for linux/s390x", "linux/amd64, linux/arm64"]);
}

#[test]
fn of_an_image_that_an_engine_has_in_part_the_part_is_pushed() {
    let server = ready();
    let folder = server.home().join("layout");
    let (_, images) = write_index_layout(&folder, false);
    push_with(&server, &["oci:layout"], &[]).check_failed(&["not whole", "--platform"]);
    // Newer engines export an archive that is both a layout and a saved image.
    fs::write(folder.join("manifest.json"), "[]").unwrap();
    let engine = fake_engine::start(server.home(), "app:v1", archive_of(&folder));
    let ran = push_with(&server, &["app:v1"], &[("DOCKER_HOST", &engine)]);
    assert!(ran.stderr.contains("linux/amd64 alone"), "{ran:?}");
    assert_eq!(pushed(ran)["digest"], images[0].digest());
}

#[test]
fn an_engine_is_found_where_its_own_programs_look() {
    let server = ready();
    let archive = docker_archive(&Image::of([vec![7; 1 << 20]]));
    let digest = pushed({
        fs::write(server.home().join("saved.tar"), &archive).unwrap();
        push_with(&server, &["docker-archive:saved.tar"], &[])
    })["digest"]
        .clone();

    let tcp = fake_engine::start_on_a_port("app:v1", archive.clone());
    let by_port = push_with(&server, &["app:v1"], &[("DOCKER_HOST", &format!("tcp://{tcp}"))]);
    assert_eq!(pushed(by_port)["digest"], digest);

    // A docker context: first it is chosen by name, then it is the current context.
    let id = Digest::sha256(b"far").to_string();
    let meta = server.home().join(".docker/contexts/meta").join(id.trim_start_matches("sha256:"));
    fs::create_dir_all(&meta).unwrap();
    let endpoints = json!({ "Name": "far", "Endpoints": { "docker": { "Host": format!("tcp://{tcp}") } } });
    fs::write(meta.join("meta.json"), endpoints.to_string()).unwrap();
    let named = push_with(&server, &["app:v1"], &[("DOCKER_CONTEXT", "far")]);
    assert_eq!(pushed(named)["digest"], digest);
    fs::write(server.home().join(".docker/config.json"), r#"{"currentContext":"far"}"#).unwrap();
    assert_eq!(pushed(push_with(&server, &["app:v1"], &[]))["digest"], digest);
    push_with(&server, &["app:v1"], &[("DOCKER_CONTEXT", "near")])
        .check_failed(&["no docker context \"near\""]);

    let socket = fake_engine::start(server.home(), "app:v1", archive);
    let podmans =
        push_with(&server, &["app:v1"], &[("CONTAINER_HOST", &socket), ("DOCKER_CONTEXT", "default")]);
    assert_eq!(pushed(podmans)["digest"], digest);

    let host = [("DOCKER_HOST", socket.as_str())];
    push_with(&server, &["absent"], &host).check_failed(&["no image \"absent\"", "engine.sock"]);
    push_with(&server, &["app:v1", "--platform=linux/arm64"], &host)
        .check_failed(&["an image for linux/amd64, not for linux/arm64"]);
    push_with(&server, &["no name"], &host).check_failed(&["\"no name\" is no name of an image"]);
    let wrong = [("DOCKER_HOST", "ssh://somewhere")];
    push_with(&server, &["app:v1"], &wrong).check_failed(&["ssh://somewhere of DOCKER_HOST", "unix:///path"]);
}

#[test]
fn an_export_that_breaks_off_is_not_pushed() {
    let server = ready();
    let whole = docker_archive(&Image::of([vec![7; 1 << 20]]));
    for length in [0, 700, whole.len() / 2, whole.len() - 4096] {
        let home = home();
        let engine = fake_engine::start(home.path(), "app:v1", whole[..length].to_vec());
        let ran = push_with(&server, &["app:v1"], &[("DOCKER_HOST", &engine)]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
        assert!(ran.stderr.contains("the engine's export of app:v1"), "{ran:?}");
    }
    assert_eq!(push(&server, &["docker-archive:/dev/null", OPTIONS[0], OPTIONS[1]]).code, Some(1));
}
