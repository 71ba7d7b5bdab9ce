//! Blobs: reading, repairing and deleting them.

use std::fs;
use std::path::PathBuf;

use gangplank_testkit::{Blob, Image, Registry, TestServer};
use reqwest::header::RANGE;

use crate::answers::{header, refused};
use crate::server;

fn start() -> (TestServer, Registry) {
    let server = server();
    let registry = server.registry_as(&server.operator_login());
    (server, registry)
}

#[test]
fn a_reader_gets_the_range_it_asks_for() {
    let (_server, registry) = start();
    let blob = Blob::new(b"0123456789".to_vec());
    assert_eq!(registry.push_blob("sr", &blob), 201);
    let path = format!("sr/blobs/{}", blob.digest);
    let head = registry.send("HEAD", &path);
    assert_eq!((head.status().as_u16(), header(&head, "content-length")), (200, "10".to_owned()));
    assert_eq!(header(&head, "accept-ranges"), "bytes");
    for (range, status, content_range, body) in [
        ("", 200, "", "0123456789"),
        ("bytes=0-0", 206, "bytes 0-0/10", "0"),
        ("bytes=2-4", 206, "bytes 2-4/10", "234"),
        ("bytes=5-", 206, "bytes 5-9/10", "56789"),
        ("bytes=5-99", 206, "bytes 5-9/10", "56789"),
        ("bytes=-3", 206, "bytes 7-9/10", "789"),
        ("bytes=-99", 206, "bytes 0-9/10", "0123456789"),
        ("bytes=0-1,3-4", 200, "", "0123456789"),
        ("lines=1-2", 200, "", "0123456789"),
        ("bytes=x-y", 200, "", "0123456789"),
        ("bytes=0-99999999999999999999999999", 206, "bytes 0-9/10", "0123456789"),
    ] {
        let answer = registry.request("GET", &path).header(RANGE, range).send().unwrap();
        assert_eq!(answer.status(), status, "{range}");
        assert_eq!(header(&answer, "content-range"), content_range, "{range}");
        assert_eq!(header(&answer, "content-length"), body.len().to_string(), "{range}");
        assert_eq!(header(&answer, "docker-content-digest"), blob.digest);
        assert_eq!(answer.text().unwrap(), body, "{range}");
    }
    for range in ["bytes=10-", "bytes=5-4", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999999999-"] {
        let answer = registry.request("GET", &path).header(RANGE, range).send().unwrap();
        assert_eq!(header(&answer, "content-range"), "bytes */10", "{range}");
        refused(answer, 416, "SIZE_INVALID");
    }
}

#[test]
fn a_large_blob_comes_back_as_it_went_in() {
    let (_server, registry) = start();
    let bytes: Vec<u8> = (0..3_000_000u32).flat_map(u32::to_le_bytes).collect();
    let blob = Blob::new(bytes);
    assert_eq!(registry.push_blob("sr", &blob), 201);
    let path = format!("sr/blobs/{}", blob.digest);
    assert_eq!(registry.send("GET", &path).bytes().unwrap(), blob.bytes);
    let tail = registry.request("GET", &path).header(RANGE, "bytes=11000000-11000999").send().unwrap();
    assert_eq!(tail.bytes().unwrap(), blob.bytes[11_000_000..11_001_000]);
}

#[test]
fn a_blob_is_of_its_repository() {
    let (_server, registry) = start();
    let blob = Blob::unique();
    assert_eq!(registry.push_blob("one", &blob), 201);
    for (method, path) in [("GET", "two"), ("HEAD", "two"), ("DELETE", "two"), ("GET", "one/two")] {
        let path = format!("{path}/blobs/{}", blob.digest);
        refused(registry.send(method, &path), 404, "BLOB_UNKNOWN");
    }
}

#[test]
fn a_deleted_blob_is_gone_from_its_repository_alone() {
    let (_server, registry) = start();
    let blob = Blob::unique();
    let of = |repository: &str| format!("{repository}/blobs/{}", blob.digest);
    assert_eq!(registry.push_blob("one", &blob), 201);
    assert_eq!(registry.push_blob("two", &blob), 201);
    assert_eq!(registry.status("DELETE", &of("one")), 202);
    refused(registry.send("GET", &of("one")), 404, "BLOB_UNKNOWN");
    refused(registry.send("DELETE", &of("one")), 404, "BLOB_UNKNOWN");
    assert_eq!(registry.send("GET", &of("two")).bytes().unwrap(), blob.bytes);
    assert_eq!(registry.status("DELETE", &of("two")), 202);
    assert_eq!(registry.status("HEAD", &of("two")), 404);
    assert_eq!(registry.push_blob("one", &blob), 201);
    assert_eq!(registry.send("GET", &of("one")).bytes().unwrap(), blob.bytes);
}

#[test]
fn what_a_registered_image_needs_is_not_deleted() {
    let (server, registry) = start();
    let image = Image::unique(1);
    let digest = registry.push_image("sr", "v1", &image);
    server.api().ensure_service("web");
    server.api().register("web", "app", &digest);
    for blob in image.blobs() {
        refused(registry.send("DELETE", &format!("sr/blobs/{}", blob.digest)), 403, "DENIED");
    }
    refused(registry.send("DELETE", &format!("sr/manifests/{digest}")), 403, "DENIED");
    assert_eq!(registry.status("DELETE", "sr/manifests/v1"), 202, "a tag is only a name");
    assert_eq!(registry.status("GET", &format!("sr/manifests/{digest}")), 200);
}

/// The files with content of this length.
fn files_of(server: &TestServer, length: usize) -> Vec<PathBuf> {
    let content = server.data_dir().join("blobs/content");
    let shards = fs::read_dir(content).unwrap().map(|shard| shard.unwrap().path());
    let files = shards.flat_map(|shard| fs::read_dir(shard).unwrap().map(|file| file.unwrap().path()));
    files.filter(|file| fs::metadata(file).unwrap().len() == length as u64).collect()
}

/// Checks that a blob with a damaged file is reported as missing, and that a push repairs it.
#[track_caller]
fn check_damage(damage: impl Fn(&PathBuf)) {
    let (server, registry) = start();
    let blob = Blob::new(vec![b'x'; 54_321]);
    assert_eq!(registry.push_blob("sr", &blob), 201);
    for file in files_of(&server, blob.bytes.len()) {
        damage(&file);
    }
    let path = format!("sr/blobs/{}", blob.digest);
    refused(registry.send("HEAD", &path), 404, "BLOB_UNKNOWN");
    refused(registry.send("GET", &path), 404, "BLOB_UNKNOWN");
    let mount = registry.send("POST", &format!("app/blobs/uploads/?mount={}&from=sr", blob.digest));
    assert_eq!(mount.status(), 202, "a mount promises the bytes too");
    assert_eq!(registry.push_blob("sr", &blob), 201);
    assert_eq!(registry.status("HEAD", &path), 200);
    assert_eq!(registry.send("GET", &path).bytes().unwrap(), blob.bytes);
}

#[test]
fn a_blob_whose_file_is_gone_is_not_there_until_pushed_again() {
    if crate::are_replicas("it looks into the directory") {
        return;
    }
    check_damage(|file| fs::remove_file(file).unwrap());
}

#[test]
fn a_blob_whose_file_was_cut_short_is_not_there_until_pushed_again() {
    if crate::are_replicas("it looks into the directory") {
        return;
    }
    check_damage(|file| fs::write(file, "short").unwrap());
}
