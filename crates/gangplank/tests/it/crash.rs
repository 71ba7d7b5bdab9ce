//! `kill -9` is a supported way to stop: acknowledged content exists, and an upload continues.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use gangplank_oci::media_type::OCI_MANIFEST;
use gangplank_testkit::{Blob, Image, Login, Registry, TestServer};
use reqwest::blocking::Client;

use crate::answers::{header, received};
use crate::raw::{Raw, head};
use crate::server;

#[test]
fn an_upload_goes_on_after_a_cut_connection() {
    let server = server();
    let login = server.operator_login();
    let registry = server.registry_as(&login);
    let blob = Blob::new(vec![b'c'; 700_000]);
    for method in ["PATCH", "PUT"] {
        let location = registry.start_upload("sr");
        let put = format!("{location}?digest={}", blob.digest);
        let first = registry.request("PATCH", &location).body(blob.bytes[..1_000].to_vec()).send().unwrap();
        assert_eq!(first.status(), 202);
        let mut cut = Raw::connect(&server);
        let path = if method == "PUT" { &put } else { &location };
        cut.send(head(&login, &format!("{method} {path}"), "Content-Length: 699000\r\n"));
        cut.send(&blob.bytes[1_000..400_000]);
        drop(cut);
        // The server may not have begun to read the interrupted request. Then its bytes arrive after the first
        // answer, and Content-Range makes the client ask again.
        let mut statuses = (0..10).map(|_| resume(&registry, &location, &blob));
        assert_eq!(statuses.find(|status| *status != 416), Some(201), "{method}");
        let path = format!("sr/blobs/{}", blob.digest);
        assert!(registry.send("GET", &path).bytes().unwrap() == blob.bytes);
        assert_eq!(registry.status("DELETE", &path), 202);
    }
}

/// Asks for the offset of an upload of more than 1,000 bytes, and sends the rest. Returns the last status.
fn resume(registry: &Registry, location: &str, blob: &Blob) -> u16 {
    let stands = registry.send("GET", location);
    assert_eq!(stands.status(), 204, "what was acknowledged is not lost");
    let from: usize = received(&stands).strip_prefix("0-").unwrap().parse::<usize>().unwrap() + 1;
    assert!((1_000..=400_000).contains(&from), "{from}");
    let rest = registry
        .request("PUT", &format!("{location}?digest={}", blob.digest))
        .header("content-range", format!("{from}-{}", blob.bytes.len() - 1))
        .body(blob.bytes[from..].to_vec());
    rest.send().unwrap().status().as_u16()
}

#[test]
fn an_upload_goes_on_after_a_crash() {
    let mut server = server();
    let login = server.operator_login();
    let registry = server.registry_as(&login);
    let blob = Blob::new((0..300_000u32).flat_map(u32::to_le_bytes).collect::<Vec<u8>>());
    let location = registry.start_upload("sr");
    let patch = registry.request("PATCH", &location).body(blob.bytes[..500_000].to_vec()).send().unwrap();
    assert_eq!(received(&patch), "0-499999");
    let mut open = Raw::connect(&server);
    open.send(head(&login, &format!("PATCH {location}"), "Content-Length: 700000\r\n"));
    open.send(&blob.bytes[500_000..800_000]);
    server.kill();
    server.restart();
    let stands = registry.send("GET", &location);
    assert_eq!(header(&stands, "location"), location);
    let received: usize = received(&stands).strip_prefix("0-").unwrap().parse::<usize>().unwrap() + 1;
    assert!(received <= 800_000, "{received}");
    let put = format!("{location}?digest={}", blob.digest);
    assert_eq!(registry.put_blob(&put, &blob.bytes[received..]), 201);
    assert!(registry.send("GET", &format!("sr/blobs/{}", blob.digest)).bytes().unwrap() == blob.bytes);
}

#[test]
fn a_session_whose_bytes_a_crash_took_is_over() {
    let mut server = server();
    let login = server.operator_login();
    let registry = server.registry_as(&login);
    let blob = Blob::new(vec![0; 100_000]);
    for kill in [false, true] {
        let location = registry.start_upload("sr");
        let patch = registry.request("PATCH", &location).body(blob.bytes.clone()).send().unwrap();
        assert_eq!(patch.status(), 202);
        if kill {
            server.kill();
        }
        for file in server.data_dir().join("blobs/staged").read_dir().unwrap() {
            std::fs::OpenOptions::new().write(true).open(file.unwrap().path()).unwrap().set_len(10).unwrap();
        }
        if kill {
            server.restart();
        }
        assert_eq!(registry.status("GET", &location), 404);
        assert_eq!(registry.put_blob(&format!("{location}?digest={}", blob.digest), b""), 404);
        assert_eq!(registry.status("HEAD", &format!("sr/blobs/{}", blob.digest)), 404);
        assert_eq!(server.data_dir().join("blobs/staged").read_dir().unwrap().count(), 0);
    }
}

#[test]
fn a_session_whose_bytes_a_power_cut_zeroed_is_over() {
    let mut server = server();
    let login = server.operator_login();
    let registry = server.registry_as(&login);
    let blob = Blob::new(vec![7; 100_000]);
    for method in ["GET", "PATCH", "PUT"] {
        let location = registry.start_upload("sr");
        let patch = registry.request("PATCH", &location).body(blob.bytes.clone()).send().unwrap();
        assert_eq!(patch.status(), 202);
        server.kill();
        for file in server.data_dir().join("blobs/staged").read_dir().unwrap() {
            // The file looks as after delayed allocation: its length was written to the journal, and its data was not
            // written.
            std::fs::write(file.unwrap().path(), vec![0; 120_000]).unwrap();
        }
        server.restart();
        let path = format!(
            "{location}{}",
            if method == "PUT" { format!("?digest={}", blob.digest) } else { String::new() }
        );
        assert_eq!(registry.status(method, &path), 404, "{method}");
        assert_eq!(server.data_dir().join("blobs/staged").read_dir().unwrap().count(), 0);
    }
}

/// Pushes images until the server is gone. Returns those with an acknowledged manifest.
fn push_until_the_end(
    endpoint: &str,
    login: &Login,
    thread: usize,
    stop: &AtomicBool,
) -> (Vec<Blob>, Vec<(String, Image)>) {
    let client = Client::new();
    let (mut blobs, mut images) = (Vec::new(), Vec::new());
    let send = |method: &str, path: String, body: &[u8]| {
        let url = format!("{endpoint}/v2/sr/{path}");
        let request = client.request(method.parse().unwrap(), url).body(body.to_vec());
        let request = request.header("content-type", OCI_MANIFEST);
        let answer = request.basic_auth(&login.username, Some(&login.password)).send();
        answer.is_ok_and(|answer| answer.status() == 201)
    };
    while !stop.load(Ordering::Relaxed) {
        let (image, tag) = (Image::unique(1), format!("t{thread}-{}", images.len()));
        for blob in image.blobs() {
            if send("POST", format!("blobs/uploads/?digest={}", blob.digest), &blob.bytes) {
                blobs.push(blob.clone());
            }
        }
        if send("PUT", format!("manifests/{tag}"), &image.manifest) {
            images.push((tag, image));
        }
    }
    (blobs, images)
}

/// Checks that all acknowledged content exists.
fn check_kept(server: &TestServer, login: &Login, blobs: &[Blob], images: &[(String, Image)]) {
    let registry = server.registry_as(login);
    for blob in blobs {
        let got = registry.send("GET", &format!("sr/blobs/{}", blob.digest));
        assert_eq!(got.bytes().unwrap(), blob.bytes);
    }
    for (tag, image) in images {
        assert_eq!(registry.send("GET", &format!("sr/manifests/{tag}")).bytes().unwrap(), image.manifest);
    }
}

#[test]
fn what_was_acknowledged_under_load_is_there_after_every_crash() {
    let mut server = server();
    let login = server.operator_login();
    let (mut blobs, mut images) = (Vec::new(), Vec::new());
    for round in 0..5 {
        let (endpoint, stop) = (server.endpoint(), AtomicBool::new(false));
        thread::scope(|scope| {
            let pushing: Vec<_> = (0..3)
                .map(|thread| {
                    let (endpoint, login, stop) = (&endpoint, &login, &stop);
                    scope.spawn(move || push_until_the_end(endpoint, login, round * 10 + thread, stop))
                })
                .collect();
            thread::sleep(Duration::from_millis(300 + 70 * round as u64));
            server.kill();
            stop.store(true, Ordering::Relaxed);
            for pushed in pushing {
                let (more_blobs, more_images) = pushed.join().expect("a thread's end");
                blobs.extend(more_blobs);
                images.extend(more_images);
            }
        });
        server.restart();
        check_kept(&server, &login, &blobs, &images);
    }
    assert!(blobs.len() > 5 && !images.is_empty(), "{} blobs, {} images", blobs.len(), images.len());
    assert_eq!(server.data_dir().join("blobs/staged").read_dir().unwrap().count(), 0);
}

#[test]
fn content_without_a_row_is_removed_after_a_crash() {
    let mut server = server();
    let registry = server.registry_as(&server.operator_login());
    let blob = Blob::unique();
    assert_eq!(registry.push_blob("sr", &blob), 201);
    let orphan = "00000000000070008000000000000042";
    let path = server.data_dir().join("blobs/content/42").join(orphan);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "published, and then the power went").unwrap();
    server.kill();
    server.restart();
    let registry = server.registry_as(&server.operator_login());
    let gone = (0..200).any(|_| {
        thread::sleep(Duration::from_millis(50));
        !path.exists()
    });
    assert!(gone);
    assert_eq!(registry.status("HEAD", &format!("sr/blobs/{}", blob.digest)), 200);
}

#[test]
fn a_lost_master_key_is_told_and_not_replaced() {
    let mut server = server();
    let path = server.data_dir().join("master.key");
    let key = std::fs::read(&path).unwrap();
    assert!(server.terminate().success());
    for (content, told) in [(None, "master.key is missing"), (Some("00".repeat(32)), "another master.key")] {
        match content {
            None => std::fs::remove_file(&path).unwrap(),
            Some(other) => std::fs::write(&path, other).unwrap(),
        }
        let start = std::process::Command::new(crate::PROGRAM)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(server.data_dir())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&start.stderr).into_owned();
        assert!(!start.status.success() && said.contains(told), "{said}");
    }
    std::fs::write(&path, key).unwrap();
    server.restart();
    assert_eq!(server.api().lightsail("GetContainerServices", &serde_json::json!({})).status, 200);
}

#[test]
fn a_lost_database_is_told_and_not_begun_anew() {
    let mut server = server();
    let login = server.operator_login();
    let blob = Blob::unique();
    assert_eq!(server.registry_as(&login).push_blob("sr", &blob), 201);
    assert!(server.terminate().success());
    let [database, elsewhere] = ["gangplank.db", "kept"].map(|name| server.data_dir().join(name));
    let directory = server.data_dir().display().to_string();
    for with_key in [true, false] {
        std::fs::rename(&database, &elsewhere).unwrap();
        let key = server.data_dir().join("master.key");
        let aside = server.data_dir().join("key kept");
        if !with_key {
            std::fs::rename(&key, &aside).unwrap();
        }
        for command in [
            &["serve", "--listen", "127.0.0.1:0", "--data-dir", &directory][..],
            &["fsck", "--repair", "--data-dir", &directory],
            &["gc", "--grace", "0", "--data-dir", &directory],
        ] {
            let ended = std::process::Command::new(crate::PROGRAM).args(command).output().unwrap();
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            assert!(
                !ended.status.success() && said.contains("restore it from a backup"),
                "{command:?}: {said}"
            );
            assert!(!database.exists(), "{command:?}");
        }
        if !with_key {
            std::fs::rename(&aside, &key).unwrap();
        }
        std::fs::rename(&elsewhere, &database).unwrap();
    }
    server.restart();
    assert_eq!(server.registry_as(&login).status("HEAD", &format!("sr/blobs/{}", blob.digest)), 200);
}
