//! Every call that changes a file fails, one at a time, in every operation. The client gets an error, or a
//! success if the operation did succeed. No acknowledged content is lost, and none is incomplete. When the disk
//! works again, a repeated request succeeds and no unneeded file is left.

use gangplank_oci::media_type::{OCI_CONFIG, OCI_MANIFEST};
use gangplank_testkit::Blob;
use libtest_mimic::Trial;
use serde_json::json;

use crate::budget;
use crate::content::{Content, Numbers};
use crate::leaks;
use crate::needs::{Need, trial};
use crate::operations::{Deed, OPERATIONS, Prepare, Seen, look_at_blob};
use crate::shim::{ALL, Fault, IO, NO_SPACE, SYNC};
use crate::world::World;

/// The faults. The loop sets `at`.
const FAULTS: [(&str, Fault); 6] = [
    ("one call fails", Fault { at: 1, lasting: false, error: IO, kinds: ALL, halve: false }),
    ("the disk fails", Fault { at: 1, lasting: true, error: IO, kinds: ALL, halve: false }),
    ("one sync fails", Fault { at: 1, lasting: false, error: IO, kinds: SYNC, halve: false }),
    ("one call finds no space", Fault { at: 1, lasting: false, error: NO_SPACE, kinds: ALL, halve: false }),
    (
        "the disk is full after half a write",
        Fault { at: 1, lasting: true, error: NO_SPACE, kinds: ALL, halve: true },
    ),
    ("one write is short", Fault { at: 1, lasting: false, error: NO_SPACE, kinds: ALL, halve: true }),
];

/// More calls than any operation makes. A loop that gets here would not end.
const MANY: u64 = 2_000;

pub(crate) fn add(trials: &mut Vec<Trial>) {
    for (name, prepare) in OPERATIONS {
        trials.push(trial(format!("injected::{name}"), &[Need::Compiler], move || sweep(name, prepare)));
    }
}

fn sweep(name: &str, prepare: Prepare) {
    let seed = budget::seed(name);
    let mut numbers = Numbers(seed);
    let mut world = World::start();
    let kept = Content { seed, size: 70_000 };
    assert_eq!(world.registry().push_blob("sr", &kept.blob()), 201);
    hold(&world, kept);
    let mut tried = 0;
    for (how, fault) in FAULTS {
        let mut done: Vec<(u64, Box<dyn Deed>)> = Vec::new();
        for at in 1.. {
            assert!(at < MANY, "{how}: the operation does not end");
            let mut deed = prepare(&world, numbers.next());
            let context = format!("{how} at {at}");
            if !attempt(&mut world, deed.as_mut(), Fault { at, ..fault }, kept, &context) {
                break;
            }
            tried += 1;
            done.push((at, deed));
        }
        world.server.terminate();
        world.restart();
        for (at, deed) in &done {
            assert_eq!(deed.look(&world), Seen::Whole, "{how} at {at}, after a restart");
        }
        leaks::check(&world.server.data_dir());
    }
    eprintln!("{name}: {tried} faults");
}

/// Registers an image that needs a blob, so that the blob is not collected.
fn hold(world: &World, kept: Content) {
    let manifest = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": kept.blob().descriptor(OCI_CONFIG), "layers": [],
    });
    let manifest = Blob::new(manifest.to_string());
    let put = world.registry().put_manifest("sr", &manifest.digest, OCI_MANIFEST, &manifest.bytes);
    assert_eq!(put.status(), 201);
    world.api().register("web", "kept", &manifest.digest);
}

/// Runs one operation while one call fails. Returns `false` if the operation ended before that call.
fn attempt(world: &mut World, deed: &mut dyn Deed, fault: Fault, kept: Content, context: &str) -> bool {
    world.shim.arm(fault);
    let status = deed.act(world);
    let acknowledged = matches!(status, Some(200..=299));
    assert_eq!(look_at_blob(&world.registry(), "sr", kept), Seen::Whole, "{context}: reads go on");
    let hits = world.shim.hits();
    world.shim.lift();
    let refused = matches!(status, Some(500..=599));
    assert!(acknowledged || (refused && hits > 0), "{context}: answered {status:?} after {hits} faults");
    let check = |world: &World, deed: &dyn Deed, when: &str| {
        let seen = deed.look(world);
        let right = seen == Seen::Whole || (seen == Seen::Absent && !acknowledged);
        assert!(right, "{context}, {when}: answered {status:?}, seen {seen:?}");
        seen
    };
    let mut seen = check(world, deed, "at once");
    if hits == 0 {
        return false;
    }
    // The database shortens its log after the answer. The following write waits until that is done, and until the
    // fault in it has happened.
    let written = login_status(world);
    if !world.is_ready() {
        assert!(written >= 500, "{context}: a write was answered {written} though the server is not ready");
        if fault.at.is_multiple_of(2) {
            world.server.kill();
        } else {
            world.server.terminate();
        }
        world.restart();
        seen = check(world, deed, "after a restart");
    }
    if seen == Seen::Absent || deed.may_be_repeated() {
        let retried = deed.act(world);
        assert!(matches!(retried, Some(200..=299)), "{context}: a retry is answered {retried:?}");
    }
    assert_eq!(deed.look(world), Seen::Whole, "{context}: after a retry");
    true
}

/// The answer to a write of another kind.
fn login_status(world: &World) -> u16 {
    world.api().lightsail("CreateContainerServiceRegistryLogin", &serde_json::json!({})).status
}
