//! `gangplank push`.

use std::fs;
use std::io::Write as _;
use std::process::Command;

use gangplank_testkit::{Image, TestServer};
use serde_json::{Value, json};

use crate::cli::{Ran, run};
use crate::image_files::{docker_archive, write_layout};
use crate::{PROGRAM, server};

pub(crate) fn push(server: &TestServer, args: &[&str]) -> Ran {
    let data_dir = server.data_dir();
    let all = [&["push"], args, &["--data-dir", data_dir.to_str().unwrap()]].concat();
    run(server.home(), &all, &[])
}

/// The JSON that a push with `--output=json` printed. Standard error has the result for each blob.
#[track_caller]
pub(crate) fn pushed(ran: Ran) -> Value {
    assert_eq!(ran.code, Some(0), "{ran:?}");
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

pub(crate) fn ready() -> TestServer {
    let server = server();
    server.api().ensure_service("web");
    server
}

#[test]
fn a_layout_is_pushed_and_registered_and_sent_once() {
    let server = ready();
    let image = Image::of([vec![7; 1 << 20], b"small".to_vec()]);
    write_layout(&server.home().join("layout"), &image);
    let first = push(&server, &["oci:layout:v1", "--service-name=web", "--label=app", "--output=json"]);
    assert_eq!(first.stderr.lines().filter(|line| line.contains(": pushed, ")).count(), 3, "{first:?}");
    let first = pushed(first);
    assert_eq!((&first["image"], &first["digest"]), (&json!(":web.app.1"), &json!(image.digest())));
    let size: usize = image.blobs().map(|blob| blob.bytes.len()).sum();
    assert_eq!(first["bytesSent"], json!(size));
    let second = push(&server, &["oci:layout", "--service-name=web", "--label=app", "--output=json"]);
    assert_eq!(
        second.stderr.lines().filter(|line| line.contains(": already there, ")).count(),
        2,
        "{second:?}"
    );
    let second = pushed(second);
    assert_eq!(second["image"], ":web.app.2");
    // Each login proves that it has the configuration, and may then read it back.
    assert_eq!(second["bytesSent"], json!(image.config.bytes.len()));
    let quiet = push(&server, &["oci:layout", "--service-name=web", "--label=other", "-q"]);
    assert_eq!((quiet.code, quiet.stdout.as_str()), (Some(0), ":web.other.3\n"), "{quiet:?}");
    assert_eq!(quiet.stderr, "");
    let operator = server.registry_as(&server.operator_login());
    for blob in image.blobs() {
        assert_eq!(operator.status("HEAD", &format!("sr/blobs/{}", blob.digest)), 200);
    }
}

#[test]
fn a_saved_image_has_one_digest_by_whatever_way_it_comes() {
    let server = ready();
    let image = Image::of([vec![7; 1 << 20], b"small".to_vec()]);
    let archive = docker_archive(&image);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&archive).unwrap();
    fs::write(server.home().join("saved.tar"), &archive).unwrap();
    fs::write(server.home().join("saved.tar.gz"), gzip.finish().unwrap()).unwrap();
    let options = ["--service-name=web", "--label=app", "--output=json"];
    let first = pushed(push(&server, &[["docker-archive:saved.tar:app:v1"].as_slice(), &options].concat()));
    assert!(first["bytesSent"].as_u64().is_some_and(|sent| (1..100_000).contains(&sent)), "{first}");
    let second = pushed(push(&server, &[["docker-archive:saved.tar.gz"].as_slice(), &options].concat()));
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
        let config = json!(image.config.bytes.len());
        assert_eq!((&again["digest"], &again["bytesSent"]), (&first["digest"], &config));
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
    push(&server, &["oci:absent", service, label]).check_failed(&["absent is no directory"]);
    push(&server, &["oci:", service, label]).check_failed(&["no file is named"]);
    push(&server, &["docker-archive:absent", service, label]).check_failed(&["absent: cannot be opened"]);
    let nowhere = push(&server, &["oci:layout", service, label, "--endpoint-url=http://127.0.0.1:1"]);
    nowhere.check_failed(&["cannot reach http://127.0.0.1:1/: Connection refused"]);
    assert_eq!(nowhere.stderr.matches("refused").count(), 1, "{nowhere:?}");
    fs::write(server.home().join("text"), "no archive").unwrap();
    push(&server, &["docker-archive:text", service, label]).check_failed(&["text"]);
    push(&server, &["oci:layout", "--service-name=none", label]).check_failed(&["none", "does not exist"]);
    push(&server, &["oci:layout", service, label, "--platform=x"]).check_usage(&["linux/amd64"]);
    let layer = image.layers[0].digest.strip_prefix("sha256:").unwrap().to_owned();
    let layer = server.home().join("layout/blobs/sha256").join(layer);
    fs::write(&layer, "other").unwrap();
    push(&server, &["oci:layout", service, label]).check_failed(&["damaged", "has 5 bytes instead of"]);
    fs::write(&layer, vec![0; image.layers[0].bytes.len()]).unwrap();
    let damaged = push(&server, &["oci:layout", service, label]);
    assert_eq!((damaged.code, damaged.stdout.as_str()), (Some(1), ""), "{damaged:?}");
    let last = damaged.stderr.lines().last().unwrap();
    assert!(last.contains("damaged at its source") && last.contains("sha256:"), "{damaged:?}");
    server.kill();
    push(&server, &["oci:layout", service, label]).check_failed(&["no server seems to run"]);
}
