//! Cycles of garbage collection without a pause, while clients push. No acknowledged content is removed before
//! its lease is over. No push is refused because of a blob that the client was told to skip. Registered images
//! stay, and garbage is removed. Then all of this is repeated with `kill -9` during cycles.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use gangplank_oci::media_type::OCI_MANIFEST;
use gangplank_testkit::{Api, Blob, Image, Registry, TestServer};
use libtest_mimic::Trial;
use reqwest::header::CONTENT_TYPE;
use serde_json::json;

use crate::budget::{self, Rounds};
use crate::content::Numbers;
use crate::needs::{Need, trial};
use crate::world::World;
use crate::{leaks, world};

/// The life of a lease here.
const GRACE: Duration = Duration::from_secs(4);

/// The longest time of a push that has to succeed. The leases of a slower push may have ended.
const PROMPT: Duration = Duration::from_secs(3);

pub(crate) fn add(trials: &mut Vec<Trial>) {
    trials.push(trial("collections::beside pushes", &[Need::Compiler], beside_pushes));
    trials.push(trial("collections::killed in the middle", &[Need::Compiler], killed_in_the_middle));
}

fn start() -> World {
    let grace = format!("{}s", GRACE.as_secs());
    World::start_with(&[("GANGPLANK_GC_GRACE", &grace), ("GANGPLANK_GC_INTERVAL", "1s")])
}

/// State that all clients share.
struct Soak {
    stop: AtomicBool,
    /// Registered images by name.
    registered: Mutex<BTreeMap<String, Image>>,
    pushes: AtomicU64,
    late: AtomicU64,
}

fn beside_pushes() {
    let seed = budget::seed("collections");
    let world = start();
    let soak = Soak {
        stop: AtomicBool::new(false),
        registered: Mutex::default(),
        pushes: AtomicU64::new(0),
        late: AtomicU64::new(0),
    };
    // Layers that many images share, so that pushes skip blobs of other pushes.
    let shared: Vec<Blob> = (0..6).map(|_| Blob::unique()).collect();
    thread::scope(|scope| {
        for number in 0..3 {
            let mut numbers = Numbers(seed.wrapping_add(number));
            let (registry, api, soak, shared) = (world.registry(), world.api(), &soak, &shared);
            scope.spawn(move || {
                while !soak.stop.load(Ordering::Relaxed) {
                    push(&registry, &api, soak, shared, &mut numbers);
                }
            });
        }
        let (api, soak) = (world.api(), &soak);
        scope.spawn(move || {
            while !soak.stop.load(Ordering::Relaxed) {
                let answer = api.gangplank("CollectGarbage", &json!({}));
                assert_eq!(answer.status, 200, "{answer:?}");
            }
        });
        let until = Instant::now() + Duration::from_secs(25);
        for _ in Rounds::at_least(1) {
            thread::sleep(Duration::from_secs(1));
        }
        thread::sleep(until.saturating_duration_since(Instant::now()));
        soak.stop.store(true, Ordering::Relaxed);
    });
    let registry = world.registry();
    let kept = soak.registered.into_inner().unwrap();
    for image in kept.values() {
        assert_whole(&registry, image);
    }
    // When nobody pushes, everything unregistered is removed.
    for name in kept.keys() {
        let input = json!({ "serviceName": "web", "image": name });
        assert_eq!(world.api().lightsail("DeleteContainerImage", &input).status, 200);
    }
    let gone = (0..40).any(|_| {
        thread::sleep(Duration::from_millis(500));
        contents(&world.server) == 0
    });
    assert!(gone, "{} contents are left", contents(&world.server));
    leaks::check(&world.server.data_dir());
    let (pushes, late) = (soak.pushes.into_inner(), soak.late.into_inner());
    eprintln!("collections: {pushes} pushes beside cycles, {late} of them too slow to judge");
    assert!(pushes > 50 && late < pushes / 2, "{pushes} pushes, {late} late");
}

/// Pushes an image as clients do: asks for each blob, mounts or sends the missing ones, and puts the manifest.
/// Registers some images, and deletes some registrations.
fn push(registry: &Registry, api: &Api, soak: &Soak, shared: &[Blob], numbers: &mut Numbers) {
    let started = Instant::now();
    let pick =
        |numbers: &mut Numbers| shared[usize::try_from(numbers.below(shared.len() as u64)).unwrap()].clone();
    let own = numbers.next().to_le_bytes().to_vec();
    let layers = [pick(numbers).bytes, pick(numbers).bytes, own];
    let image = Image::of(layers);
    let repository = ["sr", "other"][usize::try_from(numbers.below(2)).unwrap()];
    for blob in image.blobs() {
        let path = format!("{repository}/blobs/{}", blob.digest);
        if registry.status("HEAD", &path) == 200 {
            continue;
        }
        let from = if repository == "sr" { "other" } else { "sr" };
        let mount = format!("{repository}/blobs/uploads/?mount={}&from={from}", blob.digest);
        match registry.status("POST", &mount) {
            201 => {}
            202 => assert_eq!(registry.push_blob(repository, blob), 201),
            other => panic!("mount: {other}"),
        }
    }
    thread::sleep(Duration::from_millis(numbers.below(1_500)));
    let put = registry.request("PUT", &format!("{repository}/manifests/{}", image.digest()));
    let put = put.header(CONTENT_TYPE, OCI_MANIFEST).body(image.manifest.clone()).send().unwrap();
    soak.pushes.fetch_add(1, Ordering::Relaxed);
    if started.elapsed() > PROMPT {
        soak.late.fetch_add(1, Ordering::Relaxed);
        return;
    }
    assert_eq!(put.status(), 201, "{:?}: {:?}", started.elapsed(), put.text());
    if numbers.below(3) == 0 {
        let name = api.register("web", "app", &image.digest());
        soak.registered.lock().unwrap().insert(name, image.clone());
    }
    if numbers.below(4) == 0 {
        let ended = soak.registered.lock().unwrap().pop_first();
        if let Some((name, ended)) = ended {
            assert_whole(registry, &ended);
            let deleted = Instant::now();
            let input = json!({ "serviceName": "web", "image": name });
            assert_eq!(api.lightsail("DeleteContainerImage", &input).status, 200);
            thread::sleep(Duration::from_millis(500));
            // The grace period has begun, and is not over.
            let whole = is_whole(registry, &ended);
            assert!(
                whole || deleted.elapsed() > PROMPT,
                "gone {:?} after its registration",
                deleted.elapsed()
            );
        }
    }
}

fn assert_whole(registry: &Registry, image: &Image) {
    assert!(is_whole(registry, image), "{} is not whole", image.digest());
}

/// Whether one of the repositories has an image with all its content.
fn is_whole(registry: &Registry, image: &Image) -> bool {
    ["sr", "other"].iter().any(|repository| {
        registry.send("GET", &format!("{repository}/manifests/{}", image.digest())).status() == 200
            && image.blobs().all(|blob| {
                let got = registry.send("GET", &format!("{repository}/blobs/{}", blob.digest));
                got.status() == 200 && got.bytes().is_ok_and(|bytes| bytes == blob.bytes)
            })
    })
}

fn contents(server: &TestServer) -> usize {
    let shards = server.data_dir().join("blobs/content").read_dir().unwrap();
    shards.map(|shard| shard.unwrap().path().read_dir().unwrap().count()).sum()
}

fn killed_in_the_middle() {
    let mut numbers = Numbers(budget::seed("collections killed"));
    let mut world = World::start();
    let kept = Image::unique(2);
    world.api().register("web", "app", &world.registry().push_image("sr", "kept", &kept));
    let (mut rounds, mut halfway) = (0, 0);
    for round in Rounds::at_least(8) {
        let registry = world.registry();
        for number in 0..12 {
            registry.push_image("sr", &format!("garbage-{number}"), &Image::unique(1));
        }
        let before = contents(&world.server);
        thread::scope(|scope| {
            let api = world.server.api();
            let asked = scope.spawn(move || {
                let input = json!({ "graceSeconds": 0 }).to_string();
                api.try_call("Gangplank_20261123.CollectGarbage", input.as_bytes(), &[])
            });
            thread::sleep(Duration::from_millis(numbers.below(25)));
            world.server.kill();
            let _ = asked.join();
        });
        let after = contents(&world.server);
        halfway += u64::from(after < before && after > 3);
        world::restart(&mut world.server);
        assert_whole(&world.registry(), &kept);
        leaks::check(&world.server.data_dir());
        let answer = world.api().gangplank("CollectGarbage", &json!({ "graceSeconds": 0 }));
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(contents(&world.server), 3, "the rest goes with the next cycle");
        leaks::check(&world.server.data_dir());
        assert_whole(&world.registry(), &kept);
        rounds = round + 1;
    }
    eprintln!("collections: killed {rounds} times, {halfway} of them between the first bytes and the last");
}
