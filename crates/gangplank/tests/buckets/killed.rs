//! Our server or the bucket's server is killed during the last request of a push. Every answer given is true,
//! no session answers 500, and nothing is left over.

use std::time::Duration;

use gangplank_testkit::s3::{Fault, FaultProxy, Program, S3Server};
use gangplank_testkit::{Blob, Registry, TestServer};

use crate::world::{PART, World, blob, builder, until};

/// Checks the state after a push whose last request was cut, as its client finds it.
fn settle(registry: &Registry, location: &str, blob: &Blob, answered: Option<u16>) {
    if answered == Some(201) {
        assert_eq!(
            registry.status("HEAD", &format!("sr/blobs/{}", blob.digest)),
            200,
            "it was said to be there"
        );
        return;
    }
    let status = registry.status("GET", location);
    assert!(matches!(status, 204 | 404), "the session says {status}");
    let again = registry.put_blob(&format!("{location}?digest={}", blob.digest), b"");
    assert!(matches!(again, 201 | 404), "the same request again: {again}");
    if again == 404 {
        assert_eq!(registry.push_blob("sr", blob), 201, "from the start");
    }
}

fn pulled(registry: &Registry, blob: &Blob) {
    let answer = registry.send("GET", &format!("sr/blobs/{}", blob.digest));
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().unwrap() == blob.bytes);
}

/// The last request in a separate thread; its status, if there was an answer.
fn putting(registry: &Registry, location: &str, blob: &Blob) -> std::thread::JoinHandle<Option<u16>> {
    let put = registry.request("PUT", &format!("{location}?digest={}", blob.digest));
    std::thread::spawn(move || put.send().ok().map(|answer| answer.status().as_u16()))
}

#[test]
fn our_server_is_killed_inside_the_last_request() {
    for program in Program::ALL {
        let Some(mut world) = World::start(program) else { continue };
        // Each call of the last request is slowed down, so that the kills hit all of its steps.
        let slow = || {
            |seen: &gangplank_testkit::s3::Seen| match seen.call {
                "UploadPart" | "CompleteMultipartUpload" | "HeadObject" => {
                    Fault::Delay(Duration::from_millis(60))
                }
                _ => Fault::None,
            }
        };
        let mut blobs = Vec::new();
        for (round, length) in (0..8).zip([PART + 5, 2 * PART + 9].into_iter().cycle()) {
            let blob = blob(length);
            let location = world.staged(&blob);
            world.proxy.decide(slow());
            let put = putting(&world.registry, &location, &blob);
            std::thread::sleep(Duration::from_millis(10 + 35 * round));
            world.server.kill();
            let answered = put.join().unwrap();
            world.proxy.mend();
            world.server.restart();
            settle(&world.registry, &location, &blob, answered);
            blobs.push(blob);
        }
        for blob in &blobs {
            pulled(&world.registry, blob);
        }
        // Pushes that started again have left their first session, which ends after an idle hour.
        until(Duration::from_secs(20), || world.objects().len() >= blobs.len());
        assert!(world.uploads().len() <= blobs.len());
    }
}

#[test]
fn the_bucket_s_server_is_killed_inside_the_end_of_an_upload() {
    for program in Program::ALL {
        let Some(mut s3) = S3Server::start(program) else {
            gangplank_testkit::skip(&format!("{} is not installed", program.name()));
            continue;
        };
        let proxy = FaultProxy::before(&s3.address());
        let server: TestServer = builder().in_bucket(&s3, &proxy.endpoint(), "killed/blobs").start();
        let registry = server.registry_as(&server.operator_login());
        let mut blobs = Vec::new();
        for round in 0..4 {
            let blob = blob(2 * PART + 11);
            let location = registry.start_upload("sr");
            let patch = registry.request("PATCH", &location).body(blob.bytes.clone()).send().unwrap();
            let location = patch.headers()["location"].to_str().unwrap().to_owned();
            let put = putting(&registry, &location, &blob);
            std::thread::sleep(Duration::from_millis(5 + 12 * round));
            s3.kill();
            let answered = put.join().unwrap();
            assert!(matches!(answered, Some(201 | 404 | 503)), "{answered:?}");
            s3.restart();
            // The server may already say that it can write while it still starts.
            until(Duration::from_mins(1), || registry.push_blob("sr", &crate::world::blob(100)) == 201);
            settle(&registry, &location, &blob, answered);
            blobs.push(blob);
        }
        for blob in &blobs {
            pulled(&registry, blob);
        }
    }
}
