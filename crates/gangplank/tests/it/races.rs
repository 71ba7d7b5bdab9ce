//! Many clients at once, and clients that disconnect early.

use std::thread;

use gangplank_oci::media_type::OCI_MANIFEST;
use gangplank_testkit::{Blob, Image, Registry, TestServer};
use reqwest::header::CONTENT_RANGE;

use crate::answers::received;
use crate::raw::{Raw, head};
use crate::server;

fn start() -> (TestServer, Registry) {
    let server = server();
    let registry = server.registry_as(&server.operator_login());
    (server, registry)
}

/// Runs `work` this many times at once. Returns the results in order.
fn at_once<T: Send>(times: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> = (0..times).map(|number| scope.spawn(move || work(number))).collect();
        running.into_iter().map(|thread| thread.join().expect("a thread's end")).collect()
    })
}

/// Checks that a blob is missing or correct, and correct after one more push.
#[track_caller]
fn check_whole(registry: &Registry, blob: &Blob) {
    let path = format!("sr/blobs/{}", blob.digest);
    let answer = registry.send("GET", &path);
    if answer.status() == 200 {
        assert!(answer.bytes().unwrap() == blob.bytes, "other bytes under {}", blob.digest);
    } else {
        assert_eq!(answer.status(), 404);
    }
    assert_eq!(registry.push_blob("sr", blob), 201);
    assert!(registry.send("GET", &path).bytes().unwrap() == blob.bytes, "other bytes after a push");
}

#[test]
fn a_client_that_leaves_while_its_blob_is_stored_spoils_nothing() {
    let (server, registry) = start();
    let login = server.operator_login();
    at_once(4, |thread| {
        for round in 0..12 {
            let blob = Blob::new(vec![u8::try_from(thread * 20 + round).unwrap(); 300_000 + round]);
            let location = registry.start_upload("sr");
            let (first, rest) = blob.bytes.split_at(if round % 2 == 0 { 300_000 } else { 1_000 });
            let patch = registry.request("PATCH", &location).body(first.to_vec()).send().unwrap();
            assert_eq!(patch.status(), 202);
            let put = format!("{location}?digest={}", blob.digest);
            let mut leaving = Raw::connect(&server);
            let length = format!("Content-Length: {}\r\n", rest.len());
            leaving.send(head(&login, &format!("PUT {put}"), &length));
            leaving.send(rest);
            thread::sleep(std::time::Duration::from_micros(300 * round as u64));
            drop(leaving);
            // The retry may find the session or not, but it must store only the blob.
            let again = if round % 3 == 0 { rest } else { b"" };
            let status = registry.put_blob(&put, again);
            assert!(matches!(status, 201 | 400 | 404), "{status}");
            check_whole(&registry, &blob);
        }
    });
}

#[test]
fn two_requests_on_one_session_do_not_mix() {
    let (_server, registry) = start();
    let halves = [vec![b'a'; 400_000], vec![b'b'; 400_000]];
    for with_range in [false, true] {
        let location = registry.start_upload("sr");
        let statuses = at_once(2, |number| {
            let request = registry.request("PATCH", &location).body(halves[number].clone());
            let request = if with_range { request.header(CONTENT_RANGE, "0-399999") } else { request };
            request.send().unwrap().status().as_u16()
        });
        let stands = received(&registry.send("GET", &location));
        let orders: Vec<Blob> = if with_range {
            assert!(statuses == [202, 416] || statuses == [416, 202], "{statuses:?}");
            assert_eq!(stands, "0-399999");
            halves.iter().map(|half| Blob::new(half.clone())).collect()
        } else {
            assert_eq!((statuses, stands.as_str()), (vec![202, 202], "0-799999"));
            let [a, b] = &halves;
            vec![Blob::new([&a[..], b].concat()), Blob::new([&b[..], a].concat())]
        };
        // The test cannot know in which order the halves were written. The blob must be one of the two.
        let put = |blob: &Blob| registry.put_blob(&format!("{location}?digest={}", blob.digest), b"");
        let first = put(&orders[0]);
        assert!(matches!(first, 201 | 400), "{first}");
        let stored: Vec<_> = orders
            .iter()
            .filter(|blob| registry.status("HEAD", &format!("sr/blobs/{}", blob.digest)) == 200)
            .collect();
        assert_eq!(stored.len(), usize::from(first == 201));
    }
}

#[test]
fn a_session_is_finished_once() {
    let (_server, registry) = start();
    for _ in 0..5 {
        let blob = Blob::unique();
        let location = registry.start_upload("sr");
        let put = format!("{location}?digest={}", blob.digest);
        // One of the requests ends the session. The others are answered like repetitions of a request whose answer
        // was lost.
        let statuses = at_once(4, |_| registry.put_blob(&put, &blob.bytes));
        assert_eq!(statuses, [201, 201, 201, 201]);
        check_whole(&registry, &blob);
    }
}

#[test]
fn everybody_may_push_the_same_blob() {
    if crate::are_replicas("it looks into the directory") {
        return;
    }
    let (server, registry) = start();
    let blob = Blob::new(vec![b'z'; 500_000]);
    let statuses =
        at_once(12, |number| registry.push_blob(if number % 2 == 0 { "sr" } else { "other" }, &blob));
    assert_eq!(statuses, [201; 12]);
    for repository in ["sr", "other"] {
        let got = registry.send("GET", &format!("{repository}/blobs/{}", blob.digest)).bytes().unwrap();
        assert!(got == blob.bytes);
    }
    assert_eq!(std::fs::read_dir(server.data_dir().join("blobs/staged")).unwrap().count(), 0);
}

#[test]
fn everybody_may_push_the_same_tag() {
    let (_server, registry) = start();
    let images: Vec<Image> = (0..12).map(|_| Image::unique(1)).collect();
    for image in &images {
        for blob in image.blobs() {
            assert_eq!(registry.push_blob("sr", blob), 201);
        }
    }
    let tag = |number: usize| registry.put_manifest("sr", "latest", OCI_MANIFEST, &images[number].manifest);
    let statuses = at_once(images.len(), |number| tag(number).status().as_u16());
    assert!(statuses.iter().all(|status| *status == 201), "{statuses:?}");
    for image in &images {
        let got = registry.send("GET", &format!("sr/manifests/{}", image.digest())).bytes().unwrap();
        assert_eq!(got, image.manifest);
    }
    let latest = registry.send("GET", "sr/manifests/latest").bytes().unwrap();
    assert!(images.iter().any(|image| image.manifest == latest));
}

#[test]
fn a_reader_of_a_moving_tag_sees_one_image_or_the_other() {
    let (_server, registry) = start();
    let images = [Image::unique(1), Image::unique(1)];
    for image in &images {
        registry.push_image("sr", "latest", image);
    }
    at_once(4, |number| {
        for round in 0..20 {
            if number == 0 {
                let manifest = &images[round % 2].manifest;
                assert_eq!(registry.put_manifest("sr", "latest", OCI_MANIFEST, manifest).status(), 201);
            } else {
                let got = registry.send("GET", "sr/manifests/latest").bytes().unwrap();
                assert!(images.iter().any(|image| image.manifest == got));
            }
        }
    });
}

#[test]
fn a_push_beside_a_deletion_holds_what_it_was_told() {
    let (_server, registry) = start();
    let image = Image::unique(1);
    for _ in 0..5 {
        at_once(3, |number| {
            for blob in image.blobs() {
                match number {
                    0 => drop(registry.status("DELETE", &format!("sr/blobs/{}", blob.digest))),
                    _ => assert_eq!(registry.push_blob("sr", blob), 201),
                }
            }
        });
        for blob in image.blobs() {
            check_whole(&registry, blob);
        }
        registry.push_image("sr", "v1", &image);
    }
}
