//! Every call that changes a file fails while the server starts, on a new directory and after a crash. The server
//! starts or says why not, and the next start finds everything in order.

use libtest_mimic::Trial;
use serde_json::json;

use crate::budget;
use crate::content::{Content, Numbers};
use crate::leaks;
use crate::needs::{Need, trial};
use crate::operations::{Seen, look_at_blob};
use crate::shim::{ALL, Fault, IO, MAKE_DIRECTORY, NO_SPACE};
use crate::world::World;

pub(crate) fn add(trials: &mut Vec<Trial>) {
    trials.push(trial("starts::on a new directory", &[Need::Compiler], on_a_new_directory));
    trials.push(trial("starts::after a crash", &[Need::Compiler], after_a_crash));
    trials.push(trial("starts::on an earlier database", &[Need::Compiler], on_an_earlier_database));
}

/// Starts the killed server while a call fails, and then again without faults. `false` if the first start ended
/// before the fault.
fn start(world: &mut World, fault: Fault) -> bool {
    world.shim.arm(fault);
    let started = world.server.try_restart();
    let hits = world.shim.hits();
    world.shim.lift();
    let at = fault.at;
    match started {
        Ok(()) if hits > 0 => {
            // The start ignored the fault, or the fault hit a background task of the server.
            world.server.kill();
            world.restart();
        }
        Ok(()) => {}
        Err(said) => {
            assert!(hits > 0 && said.contains("gangplank: "), "call {at}: {said}");
            assert!(!said.contains("panicked"), "call {at}: {said}");
            world.restart();
        }
    }
    hits > 0
}

fn on_a_new_directory() {
    let mut numbers = Numbers(budget::seed("start on a new directory"));
    let mut world = World::start();
    let blob = Content { seed: numbers.next(), size: 1_000 };
    let mut tried = 0;
    // Each call takes two first starts, so a seed selects some of the calls. Of the calls that make the folders of
    // content, only a few are tried.
    for (kinds, stride) in [(ALL & !MAKE_DIRECTORY, 6), (MAKE_DIRECTORY, 100)] {
        for lasting in [false, true] {
            let (mut at, error) = (1, if lasting { NO_SPACE } else { IO });
            loop {
                world.server.kill();
                std::fs::remove_dir_all(world.server.data_dir()).unwrap();
                let failed = start(&mut world, Fault { at, lasting, error, kinds, halve: false });
                let operator = world.server.operator_login();
                let registry = world.server.registry_as(&operator);
                assert_eq!(registry.push_blob("sr", &blob.blob()), 201, "after call {at} failed");
                leaks::check(&world.server.data_dir());
                if !failed {
                    break;
                }
                tried += 1;
                at += 1 + numbers.below(stride);
            }
        }
    }
    eprintln!("start on a new directory: {tried} faults");
}

fn after_a_crash() {
    let mut numbers = Numbers(budget::seed("start after a crash"));
    let mut world = World::start();
    let mut tried = 0;
    for lasting in [false, true] {
        for at in 1.. {
            let kept = Content { seed: numbers.next(), size: 100_000 };
            let registry = world.registry();
            assert_eq!(registry.push_blob("sr", &kept.blob()), 201);
            let location = registry.start_upload("sr");
            let patch = registry.request("PATCH", &location).body(kept.bytes()).send().unwrap();
            assert_eq!(patch.status(), 202);
            world.server.kill();
            // Files that a crash left, which the next start has to remove.
            let (staged, orphan) = ("0".repeat(32), format!("{}42", "0".repeat(30)));
            let blobs = world.server.data_dir().join("blobs");
            std::fs::write(blobs.join("staged").join(staged), "left").unwrap();
            std::fs::create_dir_all(blobs.join("content/42")).unwrap();
            std::fs::write(blobs.join("content/42").join(orphan), "left").unwrap();
            let error = if lasting { NO_SPACE } else { IO };
            let failed =
                start(&mut world, Fault { at, lasting, error, kinds: ALL & !MAKE_DIRECTORY, halve: false });
            assert_eq!(look_at_blob(&world.registry(), "sr", kept), Seen::Whole, "after call {at} failed");
            assert_eq!(world.registry().status("DELETE", &location), 204, "after call {at} failed");
            leaks::check(&world.server.data_dir());
            if !failed {
                break;
            }
            tried += 1;
        }
    }
    eprintln!("start after a crash: {tried} faults");
}

/// Afterwards the database is the old one or the new one, and complete.
fn on_an_earlier_database() {
    const DATABASE: &[u8] = include_bytes!("../../../store/tests/fixtures/schema-3.db");
    const MASTER_KEY: &[u8] = include_bytes!("../../../store/tests/fixtures/schema-3.master.key");
    let mut numbers = Numbers(budget::seed("start on an earlier database"));
    let mut world = World::start();
    let key = json!({
        "accessKeyId": "GPAKFIXTURE000000001", "secretAccessKey": "a-secret-for-the-fixture-alone-0001"
    });
    let mut tried = 0;
    for lasting in [false, true] {
        let (mut at, error) = (1, if lasting { NO_SPACE } else { IO });
        loop {
            world.server.kill();
            let data_dir = world.server.data_dir();
            std::fs::remove_dir_all(&data_dir).unwrap();
            std::fs::create_dir(&data_dir).unwrap();
            std::fs::write(data_dir.join("gangplank.db"), DATABASE).unwrap();
            std::fs::write(data_dir.join("master.key"), MASTER_KEY).unwrap();
            // The folder for content. The fixture has none, and without it the disk would be taken for missing.
            std::fs::create_dir_all(data_dir.join("blobs/content/00")).unwrap();
            let kinds = ALL & !MAKE_DIRECTORY;
            let failed = start(&mut world, Fault { at, lasting, error, kinds, halve: false });
            let api = world.server.api().as_key(&key);
            let services =
                api.lightsail("GetContainerServices", &json!({})).body["containerServices"].clone();
            assert_eq!(services.as_array().map(Vec::len), Some(2), "after call {at} failed: {services}");
            let images = api.lightsail("GetContainerImages", &json!({ "serviceName": "web" })).body;
            assert_eq!(images["containerImages"].as_array().map(Vec::len), Some(2), "{images}");
            if !failed {
                break;
            }
            tried += 1;
            at += 1 + numbers.below(12);
        }
    }
    assert!(tried > 10, "only {tried} calls failed");
    eprintln!("start on an earlier database: {tried} faults");
}
