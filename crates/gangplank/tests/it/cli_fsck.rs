//! `gangplank fsck` finds faults, also while the server runs, and repairs those that it can.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use gangplank_testkit::{Blob, Image, TestServer};
use serde_json::Value;

use crate::cli::run;
use crate::{PROGRAM, server};

/// The exit status, and the report as JSON.
fn fsck(data_dir: &Path, args: &[&str]) -> (i32, Value) {
    let mut command = Command::new(PROGRAM);
    command.env_clear().env("HOME", data_dir).args(["fsck", "--output", "json", "--data-dir"]).arg(data_dir);
    let output = command.args(args).output().unwrap();
    let told = serde_json::from_slice(&output.stdout);
    let told = told.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), told)
}

fn kinds(told: &Value) -> Vec<&str> {
    let findings = told["findings"].as_array().unwrap();
    let mut kinds: Vec<&str> = findings.iter().map(|finding| finding["kind"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    kinds
}

/// The file of a blob.
fn file_of(server: &TestServer, blob: &Blob) -> PathBuf {
    let shards = server.data_dir().join("blobs/content").read_dir().unwrap();
    let mut files =
        shards.flat_map(|shard| shard.unwrap().path().read_dir().unwrap()).map(|file| file.unwrap().path());
    files.find(|file| fs::read(file).unwrap() == blob.bytes).unwrap()
}

#[test]
fn all_is_well_beside_a_running_server_and_without() {
    let mut server = server();
    let registry = server.registry_as(&server.operator_login());
    registry.push_image("sr", "latest", &Image::unique(2));
    registry.start_upload("sr");
    for running in [true, false] {
        if !running {
            server.kill();
        }
        let (status, told) = fsck(&server.data_dir(), &[]);
        assert_eq!(
            (status, told["ok"].as_bool(), told["contents"].as_u64()),
            (0, Some(true), Some(3)),
            "{told}"
        );
    }
    assert_eq!(fsck(&server.data_dir(), &["--repair"]).0, 0);
}

#[test]
fn broken_content_is_found_and_mended_by_the_next_push() {
    let mut server = server();
    let login = server.operator_login();
    let registry = server.registry_as(&login);
    let blobs: Vec<Blob> = (0..3).map(|_| Blob::unique()).collect();
    let kept = Blob::unique();
    for blob in blobs.iter().chain([&kept]) {
        assert_eq!(registry.push_blob("sr", blob), 201);
    }
    let files: Vec<PathBuf> = blobs.iter().map(|blob| file_of(&server, blob)).collect();
    fs::remove_file(&files[0]).unwrap();
    fs::write(&files[1], &blobs[1].bytes[1..]).unwrap();
    let mut flipped = blobs[2].bytes.clone();
    flipped[0] ^= 1;
    fs::write(&files[2], flipped).unwrap();
    let expected = ["damaged-content", "missing-content", "short-content"];
    let (status, told) = fsck(&server.data_dir(), &[]);
    assert_eq!((status, kinds(&told)), (2, expected.to_vec()), "beside the server: {told}");
    let head = |blob: &Blob| registry.status("HEAD", &format!("sr/blobs/{}", blob.digest));
    assert_eq!(head(&blobs[2]), 200, "nothing was changed");
    let refused =
        Command::new(PROGRAM).args(["fsck", "--repair", "--data-dir"]).arg(server.data_dir()).output();
    assert!(String::from_utf8_lossy(&refused.unwrap().stderr).contains("in use by another gangplank"));
    assert!(server.terminate().success());
    let (status, told) = fsck(&server.data_dir(), &["--repair"]);
    assert_eq!((status, kinds(&told)), (2, expected.to_vec()), "{told}");
    let (_, again) = fsck(&server.data_dir(), &[]);
    assert_eq!(again["findings"], told["findings"], "what was marked is said to be, later too");
    server.restart();
    for blob in &blobs {
        assert_eq!(head(blob), 404);
        assert_eq!(registry.status("GET", &format!("sr/blobs/{}", blob.digest)), 404);
        assert_eq!(registry.push_blob("sr", blob), 201);
        assert_eq!(registry.send("GET", &format!("sr/blobs/{}", blob.digest)).bytes().unwrap(), blob.bytes);
    }
    assert_eq!(head(&kept), 200);
    let (status, told) = fsck(&server.data_dir(), &[]);
    assert_eq!(status, 0, "{told}");
}

#[test]
fn a_mark_comes_off_what_is_whole() {
    let mut server = server();
    let registry = server.registry_as(&server.operator_login());
    let blob = Blob::unique();
    assert_eq!(registry.push_blob("sr", &blob), 201);
    assert!(server.terminate().success());
    let rows = rusqlite::Connection::open(server.data_dir().join("gangplank.db")).unwrap();
    rows.execute_batch("UPDATE blobs SET damaged = 1").unwrap();
    drop(rows);
    for (args, expected) in [(&[][..], 2), (&["--repair"], 0)] {
        let (status, told) = fsck(&server.data_dir(), args);
        assert_eq!((status, kinds(&told)), (expected, vec!["marked-content"]), "{told}");
    }
    assert_eq!(fsck(&server.data_dir(), &[]).0, 0);
    server.restart();
    assert_eq!(registry.send("GET", &format!("sr/blobs/{}", blob.digest)).bytes().unwrap(), blob.bytes);
}

#[test]
fn bytes_without_rows_go_unless_they_are_what_is_missing() {
    let mut server = server();
    let registry = server.registry_as(&server.operator_login());
    let (lost, kept) = (Blob::unique(), Blob::unique());
    for blob in [&lost, &kept] {
        assert_eq!(registry.push_blob("sr", blob), 201);
    }
    assert!(server.terminate().success());
    let blobs = server.data_dir().join("blobs");
    let stray = |number: u8| blobs.join(format!("content/0{number}/{}0{number}", "0".repeat(30)));
    for shard in ["01", "02"] {
        fs::create_dir_all(blobs.join("content").join(shard)).unwrap();
    }
    fs::rename(file_of(&server, &lost), stray(1)).unwrap();
    fs::write(stray(2), "nobody's").unwrap();
    fs::write(blobs.join("staged").join("0".repeat(32)), "nobody's").unwrap();
    let expected =
        ["content-without-row", "content-without-row", "missing-content", "staged-without-session"].to_vec();
    let (status, told) = fsck(&server.data_dir(), &[]);
    assert_eq!((status, kinds(&told)), (2, expected.clone()), "{told}");
    assert!(stray(2).exists());
    let (status, told) = fsck(&server.data_dir(), &["--repair"]);
    assert_eq!((status, kinds(&told)), (0, expected), "{told}");
    assert!(!stray(2).exists() && stray(1).exists());
    assert_eq!(fsck(&server.data_dir(), &[]).0, 0);
    server.restart();
    for blob in [&lost, &kept] {
        assert_eq!(registry.send("GET", &format!("sr/blobs/{}", blob.digest)).bytes().unwrap(), blob.bytes);
    }
}

#[test]
fn rows_that_contradict_each_other_are_set_right() {
    let mut server = server();
    let registry = server.registry_as(&server.operator_login());
    server.api().ensure_service("web");
    let image = Image::unique(1);
    server.api().register("web", "app", &registry.push_image("sr", "latest", &image));
    assert!(server.terminate().success());
    let rows = rusqlite::Connection::open(server.data_dir().join("gangplank.db")).unwrap();
    rows.execute_batch(
        "UPDATE manifests SET held = 0;
         UPDATE blob_links SET held = 0, leased_at = leased_at + 1000000000000;
         INSERT INTO blobs (tenant, digest, size, key)
         SELECT tenant, 'sha256:' || hex(zeroblob(32)), 0, hex(zeroblob(16)) FROM blobs LIMIT 1;",
    )
    .unwrap();
    drop(rows);
    let (status, told) = fsck(&server.data_dir(), &[]);
    assert_eq!(status, 2, "{told}");
    for kind in ["wrong-hold", "lease-ahead", "unlinked-content", "missing-content"] {
        assert!(kinds(&told).contains(&kind), "{kind}: {told}");
    }
    let (status, told) = fsck(&server.data_dir(), &["--repair"]);
    assert_eq!(status, 0, "{told}");
    assert_eq!(fsck(&server.data_dir(), &[]).0, 0);
    server.restart();
    assert_eq!(registry.send("GET", "sr/manifests/latest").bytes().unwrap(), image.manifest);
}

#[test]
fn in_words_it_says_how_much_is_wrong_and_what_to_do() {
    let mut server = server();
    let blob = Blob::unique();
    assert_eq!(server.registry_as(&server.operator_login()).push_blob("sr", &blob), 201);
    fs::remove_file(file_of(&server, &blob)).unwrap();
    assert!(server.terminate().success());
    let data_dir = server.data_dir();
    let told = |args: &[&str]| {
        let args = [&["fsck", "--data-dir", data_dir.to_str().unwrap()], args].concat();
        let ran = run(server.home(), &args, &[]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(2), ""), "{ran:?}");
        ran.stdout
    };
    let found = told(&[]);
    assert!(found.contains("; one thing is not as it should be\n") && found.contains("--repair"), "{found}");
    for (args, when) in [(vec!["--repair"], "mended"), (vec![], "after that")] {
        let marked = told(&args);
        assert!(
            marked.contains("the next push replaces it") && !marked.contains("--repair"),
            "{when}: {marked}"
        );
    }
}
