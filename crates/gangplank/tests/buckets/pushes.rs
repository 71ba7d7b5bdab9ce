//! Pushes and pulls, and the objects that they leave in the bucket.

use std::collections::BTreeSet;
use std::time::Duration;

use gangplank_testkit::s3::Program;
use gangplank_testkit::{Image, TestServer};
use reqwest::blocking::Body;

use crate::world::{PART, World, blob, builder, until};

#[test]
fn a_blob_is_pushed_in_every_way_and_pulled() {
    for program in Program::ALL {
        let Some(world) = World::start(program) else { continue };
        let mut pushed = BTreeSet::new();
        for length in [0, 1, 300_000, PART, PART + 1, 2 * PART, 3 * PART + 17] {
            let registry = &world.registry;
            let one = blob(length);
            let post = format!("sr/blobs/uploads/?digest={}", one.digest);
            let posted = registry.request("POST", &post).body(one.bytes.clone()).send().unwrap();
            assert_eq!(posted.status(), 201, "POST of {length} by {program:?}");
            let two = blob(length + 1);
            assert_eq!(registry.push_blob("sr", &two), 201, "PUT of {length} by {program:?}");
            let three = blob(length + 2);
            let location = world.registry.start_upload("sr");
            let streamed = Body::new(std::io::Cursor::new(three.bytes.clone()));
            let patched = registry.request("PATCH", &location).body(streamed).send().unwrap();
            let location = patched.headers()["location"].to_str().unwrap().to_owned();
            assert_eq!(registry.put_blob(&format!("{location}?digest={}", three.digest), b""), 201);
            for blob in [one, two, three] {
                pushed.insert(blob.digest.clone());
                assert!(world.pull(&blob.digest).unwrap() == blob.bytes, "{length} by {program:?}");
                let range = registry.request("GET", &format!("sr/blobs/{}", blob.digest));
                if blob.bytes.len() > 2 {
                    let part = range.header("range", "bytes=1-2").send().unwrap();
                    assert_eq!(part.status(), 206);
                    assert!(part.bytes().unwrap() == blob.bytes[1..3]);
                }
            }
        }
        assert_eq!(world.uploads(), Vec::<String>::new(), "{program:?}");
        until(Duration::from_secs(20), || world.objects().len() == pushed.len());
    }
}

#[test]
fn an_upload_in_odd_chunks_goes_on_after_a_restart() {
    for program in Program::ALL {
        let Some(mut world) = World::start(program) else { continue };
        let blob = blob(3 * PART + 4_321);
        let mut location = world.registry.start_upload("sr");
        let mut sent = 0;
        for (at, length) in [1, 10, 1_000_000, PART, 5, PART - 100].into_iter().enumerate() {
            let chunk = &blob.bytes[sent..sent + length];
            let range = format!("{sent}-{}", sent + length - 1);
            let patch = world.registry.request("PATCH", &location).header("content-range", range);
            let answer = patch.body(chunk.to_vec()).send().unwrap();
            assert_eq!(answer.status(), 202, "chunk {at} by {program:?}");
            location = answer.headers()["location"].to_str().unwrap().to_owned();
            sent += length;
            if at % 2 == 1 {
                world.server.kill();
                world.server.restart();
                let status = world.registry.send("GET", &location);
                assert_eq!(status.headers()["range"], format!("0-{}", sent - 1));
            }
        }
        let put = format!("{location}?digest={}", blob.digest);
        assert_eq!(world.registry.put_blob(&put, &blob.bytes[sent..]), 201);
        assert!(world.pull(&blob.digest).unwrap() == blob.bytes);
        until(Duration::from_secs(20), || world.objects().len() == 1);
    }
}

#[test]
fn an_image_is_pushed_kept_over_a_restart_and_collected_with_its_bytes() {
    for program in Program::ALL {
        let with_grace = |builder: gangplank_testkit::ServerBuilder| builder.arg("--gc-grace").arg("1s");
        let Some(mut world) = World::start_with(program, with_grace) else { continue };
        let image = Image::unique(3);
        let digest = world.registry.push_image("sr", "latest", &image);
        let mounted = format!("other/blobs/uploads/?mount={}&from=sr", image.layers[0].digest);
        assert_eq!(world.registry.status("POST", &mounted), 201);
        assert_eq!(world.server.terminate().code(), Some(0));
        world.server.restart();
        for layer in &image.layers {
            assert!(world.pull(&layer.digest).unwrap() == layer.bytes);
        }
        assert_eq!(world.registry.status("GET", "sr/manifests/latest"), 200);
        assert_eq!(world.objects().len(), image.layers.len() + 1);
        assert_eq!(world.registry.status("DELETE", &format!("sr/manifests/{digest}")), 202);
        std::thread::sleep(Duration::from_millis(1_500));
        let collected =
            world.server.api().gangplank("CollectGarbage", &serde_json::json!({ "graceSeconds": 1 }));
        assert_eq!(collected.status, 200, "{collected:?}");
        until(Duration::from_secs(20), || world.objects().is_empty());
    }
}

#[test]
fn an_upload_that_is_given_up_leaves_nothing() {
    for program in Program::ALL {
        let Some(world) = World::start(program) else { continue };
        let location = world.staged(&blob(PART + 5));
        assert!(!world.uploads().is_empty() && !world.objects().is_empty());
        assert_eq!(world.registry.status("DELETE", &location), 204);
        until(Duration::from_secs(10), || world.uploads().is_empty() && world.objects().is_empty());
        let location = world.staged(&blob(PART + 5));
        let wrong = format!("{location}?digest={}", blob(9).digest);
        assert_eq!(world.registry.put_blob(&wrong, b""), 400);
        until(Duration::from_secs(10), || world.uploads().is_empty() && world.objects().is_empty());
    }
}

#[test]
fn two_servers_never_share_a_prefix() {
    let Some(world) = World::start(Program::Versitygw) else { return };
    let said = TestServer::refused(&builder().in_bucket(world.s3, &world.s3.endpoint(), &world.prefix));
    assert!(said.contains("is the place of cluster") && said.contains(&world.prefix), "{said}");
}
