//! A full disk is said to be full, harms nothing, and is forgotten when there is space again.

use std::path::PathBuf;
use std::process::Command;

use gangplank_testkit::{Blob, Image, TestServer};
use serde_json::json;

use crate::builder;

/// A server whose data directory is a small file system. The fields are dropped in this order.
struct SmallServer {
    _disk: SmallDisk,
    server: TestServer,
}

/// A small file system, unmounted when dropped.
struct SmallDisk(PathBuf);

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Starts one; `None` for those who may not mount.
fn small_server() -> Option<SmallServer> {
    let home = tempfile::tempdir().unwrap();
    let data_dir = home.path().join("data");
    std::fs::create_dir(&data_dir).unwrap();
    let options = ["-t", "tmpfs", "-o", "size=12m,mode=700", "tmpfs"];
    let mounted = Command::new("mount").args(options).arg(&data_dir).output();
    if !mounted.is_ok_and(|mounted| mounted.status.success()) {
        gangplank_testkit::skip("a small file system cannot be mounted (it takes root)");
        return None;
    }
    let disk = SmallDisk(data_dir);
    Some(SmallServer { _disk: disk, server: builder().start_in(home) })
}

#[test]
fn a_full_disk_is_survived() {
    let Some(SmallServer { server, _disk }) = &small_server() else { return };
    let data_dir = server.data_dir();
    let api = server.api();
    api.ensure_service("web");
    let login = server.operator_login();
    let registry = server.registry_as(&login);
    let image = Image::unique(1);
    let digest = registry.push_image("sr", "v1", &image);

    let ballast = data_dir.join("ballast");
    for size in [5 << 20, 8 << 20] {
        let large = Blob::new(vec![b'f'; size]);
        std::fs::write(&ballast, vec![0; 7 << 20]).unwrap();
        let location = registry.start_upload("sr");
        let status = registry.put_blob(&format!("{location}?digest={}", large.digest), &large.bytes);
        assert!(matches!(status, 503 | 507), "{status}");
        let patch = registry.request("PATCH", &registry.start_upload("sr")).body(large.bytes.clone());
        let status = patch.send().unwrap().status().as_u16();
        assert!(matches!(status, 503 | 507), "{status}");
        assert_eq!(registry.status("HEAD", &format!("sr/blobs/{}", large.digest)), 404);
        assert_eq!(data_dir.join("blobs/staged").read_dir().unwrap().count(), 0, "partial uploads stay");
    }

    // Not a byte left, also not for the database.
    let mut filler = std::fs::OpenOptions::new().append(true).open(&ballast).unwrap();
    let mut piece = 1 << 20;
    while piece > 0 {
        if std::io::Write::write_all(&mut filler, &vec![0; piece]).is_err() {
            piece /= 2;
        }
    }
    for number in 0..40 {
        let blob = Blob::new(vec![b'0'; 30_000 + number]);
        let post = registry.request("POST", &format!("sr/blobs/uploads/?digest={}", blob.digest));
        let status = post.body(blob.bytes.clone()).send().unwrap().status();
        assert!(matches!(status.as_u16(), 503 | 507), "{status}");
        let manifest = registry.put_manifest(
            "sr",
            &format!("t{number}"),
            "application/vnd.oci.image.manifest.v1+json",
            &image.manifest,
        );
        assert!(matches!(manifest.status().as_u16(), 201 | 503 | 507), "{}", manifest.status());
    }
    assert_eq!(registry.send("GET", "sr/manifests/v1").bytes().unwrap(), image.manifest);
    for blob in image.blobs() {
        assert_eq!(registry.send("GET", &format!("sr/blobs/{}", blob.digest)).bytes().unwrap(), blob.bytes);
    }
    assert_eq!(api.lightsail("GetContainerServices", &json!({})).status, 200);

    drop(filler);
    std::fs::remove_file(&ballast).unwrap();
    registry.push_image("sr", "v2", &Image::unique(1));
    assert_eq!(api.register("web", "app", &digest), ":web.app.1");
}
