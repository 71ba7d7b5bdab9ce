//! Collection on two replicas while three take pushes. Content that a client was told exists is never removed.
//! Content that nobody needs is removed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use gangplank_oci::media_type::OCI_MANIFEST;
use gangplank_testkit::replicas::s3;
use gangplank_testkit::{Api, Blob, Image, Registry};
use reqwest::header::CONTENT_TYPE;
use serde_json::json;

use crate::world::{Trials, builder, until};

pub(crate) const TRIALS: Trials = &[("collections::on_two_replicas_beside_pushes_on_three", beside_pushes)];

/// The life of a lease here. The time of leases moves in steps of some seconds.
const GRACE: Duration = Duration::from_secs(16);
/// A slower push may have outlived its leases.
const PROMPT: Duration = Duration::from_secs(5);
/// The length of the trial.
const LASTS: Duration = Duration::from_secs(35);

#[derive(Default)]
struct Soak {
    stop: AtomicBool,
    registered: Mutex<Vec<(String, Image)>>,
    pushes: AtomicU64,
    late: AtomicU64,
    skipped: AtomicU64,
}

fn beside_pushes() {
    let prefix = Blob::unique().digest.replace(':', "-");
    let server = builder()
        .in_bucket(s3(), &s3().endpoint(), &prefix)
        .env("GANGPLANK_GC_GRACE", &format!("{}s", GRACE.as_secs()))
        .env("GANGPLANK_GC_INTERVAL", "1s")
        .env("GANGPLANK_RESTORE_WINDOW", "0")
        .start();
    server.api().ensure_service("web");
    let login = server.operator_login();
    let soak = Soak::default();
    let shared: Vec<Blob> = (0..6).map(|_| Blob::unique()).collect();
    thread::scope(|scope| {
        for number in 0..3 {
            let replica = server.replica(number);
            let (registry, api, soak, shared) = (replica.registry_as(&login), replica.api(), &soak, &shared);
            scope.spawn(move || {
                let mut round = number;
                while !soak.stop.load(Ordering::Relaxed) {
                    round += 3;
                    push(&registry, &api, soak, shared, round);
                }
            });
        }
        for number in 1..3 {
            let (api, soak) = (server.replica(number).api(), &soak);
            scope.spawn(move || {
                while !soak.stop.load(Ordering::Relaxed) {
                    let answer = api.gangplank("CollectGarbage", &json!({}));
                    assert_eq!(answer.status, 200, "{answer:?}");
                    thread::sleep(Duration::from_millis(20));
                }
            });
        }
        thread::sleep(LASTS);
        soak.stop.store(true, Ordering::Relaxed);
    });
    let registered = soak.registered.into_inner().unwrap();
    for (name, image) in &registered {
        for replica in server.all_replicas() {
            assert_whole(&replica.registry_as(&login), name, image);
        }
    }
    let (pushes, late) = (soak.pushes.into_inner(), soak.late.into_inner());
    let skipped = soak.skipped.into_inner();
    eprintln!(
        "replicas: {pushes} pushes beside collections, {skipped} blobs skipped, {late} too slow to judge"
    );
    assert!(
        pushes > 30 && late < pushes / 2 && skipped > 20,
        "{pushes} pushes, {late} late, {skipped} skipped"
    );
    let objects = || s3().keys_under(&format!("{prefix}/content/")).len();
    for (name, _) in &registered {
        let input = json!({ "serviceName": "web", "image": name });
        assert_eq!(server.api().lightsail("DeleteContainerImage", &input).status, 200);
    }
    // Nobody asks for the content meanwhile, because a request would renew its lease.
    until("what nobody needs goes", GRACE + Duration::from_secs(75), || objects() == 0);
}

/// Pushes an image as clients do: asks for each blob, sends the missing ones, and puts the manifest. Registers every
/// third, and deletes some registrations.
fn push(registry: &Registry, api: &Api, soak: &Soak, shared: &[Blob], round: usize) {
    let started = Instant::now();
    let pick = |by: usize| shared[by % shared.len()].bytes.clone();
    let image = Image::of([pick(round), pick(round / 2 + 1), Blob::unique().bytes]);
    for blob in image.blobs() {
        if registry.status("HEAD", &format!("sr/blobs/{}", blob.digest)) == 200 {
            soak.skipped.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        assert_eq!(registry.push_blob("sr", blob), 201);
    }
    thread::sleep(Duration::from_millis(round as u64 * 37 % 900));
    let put = registry.request("PUT", &format!("sr/manifests/{}", image.digest()));
    let put = put.header(CONTENT_TYPE, OCI_MANIFEST).body(image.manifest.clone()).send().unwrap();
    soak.pushes.fetch_add(1, Ordering::Relaxed);
    if started.elapsed() > PROMPT {
        soak.late.fetch_add(1, Ordering::Relaxed);
        return;
    }
    assert_eq!(put.status(), 201, "{:?}: {:?}", started.elapsed(), put.text());
    if round.is_multiple_of(3) {
        let name = api.register("web", "app", &image.digest());
        soak.registered.lock().unwrap().push((name, image));
    } else if round.is_multiple_of(7) {
        let ended = soak.registered.lock().unwrap().pop();
        if let Some((name, ended)) = ended {
            assert_whole(registry, &name, &ended);
            let input = json!({ "serviceName": "web", "image": name });
            assert_eq!(api.lightsail("DeleteContainerImage", &input).status, 200);
        }
    }
}

/// Checks that a registered image is there with all its content.
#[track_caller]
fn assert_whole(registry: &Registry, name: &str, image: &Image) {
    let reference = name.strip_prefix(":web.").unwrap();
    let got = registry.send("GET", &format!("web/manifests/{reference}"));
    assert_eq!(got.status(), 200, "{name}");
    assert!(got.bytes().unwrap() == image.manifest, "{name}");
    for blob in image.blobs() {
        let got = registry.send("GET", &format!("sr/blobs/{}", blob.digest));
        assert_eq!(got.status(), 200, "{name}: {}", blob.digest);
        assert!(got.bytes().unwrap() == blob.bytes, "{name}: {}", blob.digest);
    }
}
