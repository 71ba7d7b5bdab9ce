//! A full disk is reported, does no harm, and is forgotten when there is space again.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::Command;

use gangplank_core::Time;
use gangplank_store::logs::{LogLine, LogName, Logs, LogsKept, Pipe};
use gangplank_testkit::{Blob, Image, TestServer};
use serde_json::json;

use crate::builder;
use crate::cli::run;
use crate::raw::{ask, streamed};

/// A server whose data directory is a small file system. The order of the fields is the order of dropping.
pub(crate) struct SmallServer {
    _disk: SmallDisk,
    pub(crate) server: TestServer,
}

/// A small file system. Dropping it unmounts the file system.
pub(crate) struct SmallDisk(PathBuf);

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Starts one. `None` if this user may not mount.
pub(crate) fn small_server() -> Option<SmallServer> {
    let home = tempfile::tempdir().unwrap();
    let data_dir = home.path().join("data");
    std::fs::create_dir(&data_dir).unwrap();
    let disk = small_disk(data_dir)?;
    Some(SmallServer { _disk: disk, server: builder().start_in(home) })
}

/// Mounts a file system of 12 MiB on a directory. `None` if this user may not mount.
pub(crate) fn small_disk(directory: PathBuf) -> Option<SmallDisk> {
    let options = ["-t", "tmpfs", "-o", "size=12m,mode=700", "tmpfs"];
    let mounted = Command::new("mount").args(options).arg(&directory).output();
    if !mounted.is_ok_and(|mounted| mounted.status.success()) {
        gangplank_testkit::skip("a small file system cannot be mounted (it takes root)");
        return None;
    }
    Some(SmallDisk(directory))
}

#[test]
fn a_small_archive_does_not_fill_the_disk_for_temporary_files() {
    let server = crate::push::ready();
    let temporary = server.home().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let Some(_disk) = small_disk(temporary.clone()) else { return };
    let packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut archive = tar::Builder::new(packed);
    let mut header = tar::Header::new_gnu();
    header.set_size(64 << 20);
    archive.append_data(&mut header, "layer.tar", std::io::repeat(0).take(64 << 20)).unwrap();
    std::fs::write(server.home().join("app.tar.gz"), archive.into_inner().unwrap().finish().unwrap())
        .unwrap();
    let data_dir = server.data_dir();
    let push = ["push", "docker-archive:app.tar.gz", "--service-name=web", "--label=app", "--data-dir"];
    let ran = run(
        server.home(),
        &[&push[..], &[data_dir.to_str().unwrap()]].concat(),
        &[("TMPDIR", temporary.to_str().unwrap())],
    );
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("set TMPDIR") && !ran.stderr.contains("truncated"), "{ran:?}");
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

    // No byte is left, not even for the database.
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

#[test]
fn what_the_reserve_is_for() {
    let Some(SmallServer { server, _disk }) = &small_server() else { return };
    let api = server.api();
    api.ensure_service("web");
    let login = server.operator_login();
    let registry = server.registry_as(&login);
    let image = Image::unique(1);
    let digest = registry.push_image("sr", "v1", &image);
    let name = api.register("web", "app", &digest);

    // An eighth of the 12 MiB is reserved. Leave a little less than that.
    let free = || {
        let disk = rustix::fs::statvfs(server.data_dir()).unwrap();
        usize::try_from(disk.f_bavail * disk.f_frsize).unwrap()
    };
    let ballast = server.data_dir().join("ballast");
    std::fs::write(&ballast, vec![0; free() - (1 << 20)]).unwrap();

    let blob = Blob::new(vec![b'r'; 100_000]);
    let chunked =
        streamed(&login, &format!("POST /v2/sr/blobs/uploads/?digest={}", blob.digest), "", &blob.bytes);
    assert_eq!(ask(server, chunked).unwrap().status, 507);
    let patch = registry.request("PATCH", &registry.start_upload("sr")).body(blob.bytes.clone());
    let answer = patch.send().unwrap();
    assert_eq!(answer.status(), 507);
    assert!(answer.headers().contains_key("retry-after"));
    let other = image.manifest.iter().copied().chain(*b" ").collect::<Vec<u8>>();
    let manifest = registry.put_manifest("sr", "v2", "application/vnd.oci.image.manifest.v1+json", &other);
    assert_eq!(manifest.status(), 507);
    assert_eq!(server.data_dir().join("blobs/staged").read_dir().unwrap().count(), 0);

    // Requests that free space still work, and so do small ones.
    assert_eq!(api.lightsail("GetContainerServices", &json!({})).status, 200);
    assert_eq!(server.registry_as(&api.push_login()).status("GET", ""), 200);
    let delete = api.lightsail("DeleteContainerImage", &json!({ "serviceName": "web", "image": name }));
    assert_eq!(delete.status, 200);
    assert_eq!(registry.status("DELETE", &format!("sr/manifests/{digest}")), 202);
    assert_eq!(registry.status("DELETE", &format!("sr/blobs/{}", image.config.digest)), 202);

    std::fs::remove_file(&ballast).unwrap();
    registry.push_image("sr", "v2", &Image::unique(1));
}

#[test]
fn a_call_that_cannot_be_kept_is_refused_and_changes_nothing() {
    let Some(SmallServer { server, _disk }) = &small_server() else { return };
    let api = server.api();
    api.ensure_service("web");
    let ballast = server.data_dir().join("ballast");
    let mut filler = std::fs::File::create(&ballast).unwrap();
    while std::io::Write::write_all(&mut filler, &[0; 4096]).is_ok() {}
    let refused = (0..200).find_map(|number| {
        let name = format!("full-{number}");
        let input = json!({ "serviceName": name, "power": "nano", "scale": 1 });
        let answer = api.lightsail("CreateContainerService", &input);
        (answer.status != 200).then_some((name, answer))
    });
    let (name, answer) = refused.expect("a full disk takes no more services");
    assert_eq!((answer.status, answer.error()), (503, "ServiceUnavailable"), "{answer:?}");
    assert!(answer.headers.contains_key("retry-after"));
    assert_eq!(api.lightsail("GetContainerServices", &json!({ "serviceName": name })).status, 400);
    assert_eq!(api.lightsail("GetContainerServices", &json!({ "serviceName": "web" })).status, 200);
    drop(filler);
    std::fs::remove_file(&ballast).unwrap();
    api.ensure_service(&name);
}

#[test]
fn logs_of_containers_leave_the_reserve_and_go_on_when_there_is_space_again() {
    let home = tempfile::tempdir().unwrap();
    let Some(_disk) = small_disk(home.path().to_owned()) else { return };
    let free = || {
        let disk = rustix::fs::statvfs(home.path()).unwrap();
        disk.f_bavail * disk.f_frsize
    };
    let ballast = home.path().join("ballast");
    std::fs::write(&ballast, vec![0; 6 << 20]).unwrap();
    let kept = LogsKept { age: std::time::Duration::from_hours(96), bytes: 100 << 20 };
    let logs = Logs::open(home.path().join("logs"), kept, 64 << 20);
    let log = LogName { service: "s-1".to_owned(), container: "app".to_owned() };
    let mut lines = 0;
    let mut add = |text: String| {
        lines += 1;
        logs.append(
            &log,
            &LogLine { at: Time(1_800_000_000_000), node: "1-0".to_owned(), pipe: Pipe::Output, text },
        );
    };
    let dropped = || logs.dropped().load(std::sync::atomic::Ordering::Relaxed);
    while dropped() == 0 {
        (0..100).for_each(|_| add("x".repeat(10_000)));
        logs.flush();
    }
    assert!(free() >= (12 << 20) / 8, "{} bytes are free", free());
    std::fs::remove_file(&ballast).unwrap();
    add("after".to_owned());
    logs.flush();
    let told = dropped();
    let kept = logs.kept(&log, "1-0", 100_000).unwrap();
    assert_eq!(kept.last().unwrap().text, "after");
    assert_eq!(kept.len() as u64 + told, lines);
    assert!(kept[..kept.len() - 1].iter().all(|line| line.text.len() == 10_000), "no line is torn");
    let platform = logs.kept(&log, "", 100).unwrap();
    let counts = platform.iter().map(|line| line.text.strip_suffix(" lines dropped").unwrap());
    assert_eq!(counts.map(|count| count.parse::<u64>().unwrap()).sum::<u64>(), told);
}
