//! Every call that changes a file fails while `gangplank fsck --repair` repairs a data directory. The command
//! reports the failure, intact content stays intact, and a run on a working disk completes the repair.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use libtest_mimic::Trial;

use crate::PROGRAM;
use crate::budget;
use crate::content::{Content, Numbers};
use crate::needs::{Need, trial};
use crate::operations::{Seen, look_at_blob};
use crate::shim::{ALL, Fault, IO, MAKE_DIRECTORY, NO_SPACE};
use crate::world::World;

pub(crate) fn add(trials: &mut Vec<Trial>) {
    trials.push(trial("repairs::under failing calls", &[Need::Compiler], under_failing_calls));
}

fn repair(world: &World) -> Output {
    let mut command = Command::new(PROGRAM);
    command.env_clear().envs(world.shim.environment()).args(["fsck", "--repair", "--data-dir"]);
    command.arg(world.server.data_dir()).output().unwrap()
}

/// Makes damage that can be repaired: misplaced files, unknown files and staged files, wrong reference counts, a blob
/// that no repository has.
fn damage(data_dir: &Path, content: Content, seed: u64) {
    let blobs = data_dir.join("blobs");
    let stray = |number: u64| {
        let key = format!("{seed:030x}{number:02x}");
        (blobs.join("content").join(format!("{number:02x}")).join(&key), blobs.join("staged").join(&key))
    };
    let shards = blobs.join("content").read_dir().unwrap();
    let mut files =
        shards.flat_map(|shard| shard.unwrap().path().read_dir().unwrap()).map(|file| file.unwrap().path());
    let file = files.find(|file| fs::read(file).unwrap() == content.bytes()).unwrap();
    for number in [1, 2] {
        fs::create_dir_all(stray(number).0.parent().unwrap()).unwrap();
    }
    fs::rename(file, stray(1).0).unwrap();
    fs::write(stray(2).0, "nobody's").unwrap();
    fs::write(stray(3).1, "nobody's").unwrap();
    let rows = rusqlite::Connection::open(data_dir.join("gangplank.db")).unwrap();
    rows.execute_batch(
        "UPDATE blob_links SET held = NOT held;
         INSERT INTO blobs (tenant, digest, size, key)
         SELECT tenant, 'sha256:' || hex(zeroblob(32)), 0, lower(hex(randomblob(16))) FROM blobs LIMIT 1;",
    )
    .unwrap();
}

fn under_failing_calls() {
    let mut numbers = Numbers(budget::seed("repairs"));
    let mut world = World::start();
    let (kept, lost) =
        (Content { seed: numbers.next(), size: 70_000 }, Content { seed: numbers.next(), size: 50_000 });
    for content in [kept, lost] {
        assert_eq!(world.registry().push_blob("sr", &content.blob()), 201);
    }
    world.server.terminate();
    let mut tried = 0;
    for (lasting, error) in [(false, IO), (true, NO_SPACE)] {
        for at in 1.. {
            damage(&world.server.data_dir(), lost, numbers.next() >> 8);
            world.shim.arm(Fault { at, lasting, error, kinds: ALL & !MAKE_DIRECTORY, halve: false });
            let output = repair(&world);
            let hits = world.shim.hits();
            world.shim.lift();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!said.contains("panicked"), "call {at}: {said}");
            let status = output.status.code();
            assert!(status == Some(0) || hits > 0, "call {at}: {status:?}: {said}");
            let output = repair(&world);
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success(), "after call {at}: {said}");
            world.restart();
            for content in [kept, lost] {
                assert_eq!(look_at_blob(&world.registry(), "sr", content), Seen::Whole, "after call {at}");
            }
            crate::leaks::check(&world.server.data_dir());
            world.server.terminate();
            if hits == 0 {
                break;
            }
            tried += 1;
        }
    }
    eprintln!("repairs: {tried} faults");
}
