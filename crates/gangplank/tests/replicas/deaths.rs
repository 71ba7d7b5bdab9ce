//! The replica that writes is killed, or is frozen and comes back.

use std::time::{Duration, Instant};

use gangplank_testkit::{Image, Registry};
use rustix::process::Signal;

use crate::world::{PART, Sending, Trials, assert_pulled, blob, go_on, received, start};

pub(crate) const TRIALS: Trials = &[
    ("deaths::a_writer_that_stood_still_changes_nothing", stood_still),
    ("deaths::an_upload_survives_its_writer", survives_its_writer),
    ("deaths::pushes_through_the_load_balancer_survive_a_replica", pushes_survive),
    ("deaths::a_replica_that_stops_finishes_its_requests", stops),
];

/// Within this time another replica continues.
const WITHIN: Duration = Duration::from_secs(45);

/// Replica 0 is frozen for 40 s in the middle of a request. Replica 1 continues after the claim's end. When
/// replica 0 is back, its client sends the rest.
fn stood_still() {
    let server = start();
    let login = server.operator_login();
    let all: Vec<Registry> = server.all_replicas().map(|replica| replica.registry_as(&login)).collect();
    let (half, whole) = (blob(3 * PART + 77), blob(4 * PART + 5));
    let mut uploads = Vec::new();
    for blob in [&half, &whole] {
        let location = all[0].start_upload("sr");
        let sending = Sending::patch(&all[0], &location, blob.bytes.len());
        sending.send(&blob.bytes[..2 * PART + 1000]);
        uploads.push((location, sending, blob));
    }
    // Wait until parts are stored. A request for the offset would wait for the writer.
    std::thread::sleep(Duration::from_secs(4));
    server.replica(0).signal(Signal::STOP);
    let frozen = Instant::now();
    // Another replica finishes the first upload, and only continues the second.
    let (location, _, blob) = &uploads[0];
    let took = go_on(&all[1], location, blob, WITHIN).expect("the session is there");
    eprintln!("replicas: another went on {took:?} after the writer froze");
    assert_pulled(&all[2], "sr", blob);
    let (location, _, blob) = &uploads[1];
    let have = received(&all[2], location).unwrap();
    let taken = have + PART + 33;
    crate::world::append(&all[2], location, have, &blob.bytes[have..taken]);
    std::thread::sleep(Duration::from_secs(40).saturating_sub(frozen.elapsed()));

    server.replica(0).signal(Signal::CONT);
    let back = Instant::now();
    for (location, sending, blob) in uploads {
        sending.send(&blob.bytes[2 * PART + 1000..]);
        let status = sending.answer();
        eprintln!("replicas: {:?} after its return, the old writer answered {status:?}", back.elapsed());
        assert!(!matches!(status, Some(200..300)), "the old writer's answer is {status:?}");
        if blob.digest == whole.digest {
            assert_eq!(received(&all[1], &location), Ok(taken), "the old writer changed the session");
            let took = go_on(&all[1], &location, blob, WITHIN).expect("the session is there");
            eprintln!("replicas: the rest took another {took:?}");
        }
        assert_eq!(all[0].status("GET", &location), 404, "it has ended");
        for registry in &all {
            assert_pulled(registry, "sr", blob);
        }
    }
    // The earlier writer is an ordinary replica again.
    all[0].push_image("sr", "again", &Image::unique(2));
}

fn survives_its_writer() {
    let mut server = start();
    let login = server.operator_login();
    let all: Vec<Registry> = server.all_replicas().map(|replica| replica.registry_as(&login)).collect();
    let mut uploads = Vec::new();
    // The replica is killed with a part stored, with less than a part sent, between two requests, and before the last
    // request.
    for sent in [2 * PART + 5, 1000] {
        let blob = blob(3 * PART + 9);
        let location = all[0].start_upload("sr");
        let sending = Sending::patch(&all[0], &location, blob.bytes.len());
        sending.send(&blob.bytes[..sent]);
        uploads.push((location, blob, Some(sending), 0));
    }
    for sent in [PART + 100, 5000] {
        let blob = blob(3 * PART + 9);
        let location = all[0].start_upload("sr");
        crate::world::append(&all[0], &location, 0, &blob.bytes[..sent]);
        uploads.push((location, blob, None, sent));
    }
    std::thread::sleep(Duration::from_secs(1));
    server.kill_replica(0);
    let killed = Instant::now();
    std::thread::scope(|scope| {
        for (number, (location, blob, sending, acknowledged)) in uploads.into_iter().enumerate() {
            let registry = &all[1 + number % 2];
            scope.spawn(move || {
                assert!(sending.and_then(Sending::answer).is_none(), "an answer of a killed process");
                let have = received(registry, &location);
                assert!(
                    have.is_ok_and(|have| have >= acknowledged),
                    "{have:?}, and {acknowledged} had a 202"
                );
                // No writer has a claim, so no request has to wait.
                let within = if acknowledged > 0 { Duration::from_secs(10) } else { WITHIN };
                go_on(registry, &location, &blob, within).expect("the session is there");
                eprintln!(
                    "replicas: upload {number} went on {:?} after its writer's death",
                    killed.elapsed()
                );
                assert_pulled(registry, "sr", &blob);
            });
        }
    });
    server.restart_replica(0);
}

/// Clients push through `HAProxy` while one replica after the other is killed. They try again as real clients
/// do.
fn pushes_survive() {
    let mut server = start();
    let registry = server.registry_as(&server.push_login());
    let stop = std::sync::atomic::AtomicBool::new(false);
    let pushed = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                        let image = Image::of([blob(PART + 3).bytes, blob(3000).bytes]);
                        push_patiently(&registry, &image);
                        pushed.lock().unwrap().push(image);
                    }
                })
            })
            .collect();
        for number in 0..3 {
            std::thread::sleep(Duration::from_millis(1700));
            server.kill_replica(number);
            std::thread::sleep(Duration::from_millis(300));
            server.restart_replica(number);
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        for client in clients {
            client.join().unwrap();
        }
    });
    let pushed = pushed.into_inner().unwrap();
    eprintln!("replicas: {} images were pushed beside three kills", pushed.len());
    assert!(pushed.len() >= 3);
    let reader = server.registry_as(&server.operator_login());
    for image in &pushed {
        assert_eq!(reader.status("GET", &format!("sr/manifests/{}", image.digest())), 200);
        image.blobs().for_each(|blob| assert_pulled(&reader, "sr", blob));
    }
}

/// Pushes an image. If a request gets no answer, or the load balancer or a replica refuses it for now, the blob
/// is sent again from its beginning.
fn push_patiently(registry: &Registry, image: &Image) {
    let again = |what: &str, step: &dyn Fn() -> Option<u16>| {
        let start = Instant::now();
        loop {
            match step() {
                Some(201) => return,
                None | Some(502..=504) => assert!(start.elapsed() < WITHIN, "{what}"),
                Some(other) => panic!("{what}: {other}"),
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    };
    let status =
        |sent: reqwest::Result<reqwest::blocking::Response>| sent.ok().map(|answer| answer.status().as_u16());
    for blob in image.blobs() {
        again("a blob", &|| {
            let opened = registry.request("POST", "sr/blobs/uploads/").send().ok()?;
            if opened.status() != 202 {
                return Some(opened.status().as_u16());
            }
            let location = opened.headers()["location"].to_str().unwrap().to_owned();
            let put = registry.request("PUT", &format!("{location}?digest={}", blob.digest));
            status(put.body(blob.bytes.clone()).send())
        });
    }
    again("a manifest", &|| {
        let put = registry.request("PUT", &format!("sr/manifests/{}", image.digest()));
        let put = put.header("content-type", gangplank_oci::media_type::OCI_MANIFEST);
        status(put.body(image.manifest.clone()).send())
    });
}

/// After SIGTERM requests in flight are finished, and the load balancer's clients notice nothing.
fn stops() {
    let mut server = start();
    let login = server.push_login();
    let direct = server.replica(0).registry_as(&login);
    let blob = blob(PART + 5);
    let location = direct.start_upload("sr");
    let sending = Sending::patch(&direct, &location, blob.bytes.len());
    sending.send(&blob.bytes[..1000]);
    std::thread::sleep(Duration::from_millis(300));
    let asked = std::sync::atomic::AtomicBool::new(false);
    let others = server.registry_as(&login);
    server.replica(0).signal(Signal::TERM);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !asked.load(std::sync::atomic::Ordering::Relaxed) {
                others.push_image("sr", "any", &Image::unique(1));
            }
        });
        std::thread::sleep(Duration::from_secs(3));
        sending.send(&blob.bytes[1000..]);
        assert_eq!(sending.answer(), Some(202), "a request in flight");
        assert!(server.wait_for_replica(0).success());
        asked.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let next = server.replica(1).registry_as(&login);
    assert_eq!(next.status("PUT", &format!("{location}?digest={}", blob.digest)), 201);
}
