//! The order in which a push reaches the disk, and the behaviour after a failed sync.

use libtest_mimic::Trial;

use crate::content::Content;
use crate::needs::{Need, trial};
use crate::shim::{Fault, IO, SYNC};
use crate::world::World;

pub(crate) fn add(trials: &mut Vec<Trial>) {
    let needs = [Need::Compiler];
    trials.push(trial("sync_order::a push is durable before it is answered", &needs, a_push));
    trials.push(trial("sync_order::an upload waits for the disk at its end", &needs, an_upload));
    trials.push(trial("sync_order::new directories are synced", &needs, new_directories));
    trials.push(trial("sync_order::a log whose sync failed is not built upon", &needs, after_a_failed_sync));
    trials.push(trial(
        "sync_order::nor if nobody waited for that sync",
        &needs,
        after_a_failed_sync_of_nobody,
    ));
}

/// The place of the first call after `from` that has all of `words`.
#[track_caller]
fn next(calls: &[&str], from: usize, words: &[&str]) -> usize {
    let found = calls[from..].iter().position(|call| words.iter().all(|word| call.contains(word)));
    let found = found.unwrap_or_else(|| panic!("no {words:?} after call {from} of:\n{}", calls.join("\n")));
    from + found
}

fn a_push() {
    let world = World::start();
    let content = Content { seed: 7, size: 600_000 };
    world.shim.forget_calls();
    let post = world.registry().request("POST", &format!("sr/blobs/uploads/?digest={}", content.digest()));
    assert_eq!(post.body(content.bytes()).send().unwrap().status(), 201);
    assert_durable(&world.shim.calls());
}

/// An incomplete upload promises nothing across a power cut, and makes no sync.
fn an_upload() {
    let world = World::start();
    let registry = world.registry();
    let content = Content { seed: 8, size: 600_000 };
    world.shim.forget_calls();
    let location = registry.start_upload("sr");
    for chunk in content.bytes().chunks(200_000) {
        assert_eq!(registry.request("PATCH", &location).body(chunk.to_vec()).send().unwrap().status(), 202);
    }
    let log = world.shim.calls();
    let synced: Vec<&str> = log.lines().filter(|call| call.contains("sync ")).collect();
    assert!(log.contains("gangplank.db-wal") && synced.is_empty(), "{synced:?} in\n{log}");
    assert_eq!(registry.put_blob(&format!("{location}?digest={}", content.digest()), &[]), 201);
    assert_durable(&world.shim.calls());
}

/// Checks the calls before a 201: the order makes a blob durable.
#[track_caller]
fn assert_durable(log: &str) {
    let calls: Vec<&str> = log.lines().collect();
    let renamed = next(&calls, 0, &["rename ", "/blobs/staged/", "/blobs/content/"]);
    let mut parts = calls[renamed].split(' ').skip(1);
    let (staged, content) = (parts.next().unwrap(), parts.next().unwrap());
    let shard = content.rsplit_once('/').unwrap().0;
    // The first content in a shard makes the shard.
    let shard_made = next(&calls, 0, &["mkdir ", shard, " 0"]);
    let made_durable = next(&calls, shard_made, &["fsync ", "/blobs/content "]);
    assert!(made_durable < renamed, "{log}");
    let last_write =
        calls.iter().rposition(|call| call.starts_with("write ") && call.contains(staged)).unwrap();
    let synced = next(&calls, last_write, &["sync ", staged]);
    let shard_synced = next(&calls, renamed, &["fsync ", &format!("{shard} ")]);
    let row_written = next(&calls, shard_synced, &["write", "gangplank.db-wal"]);
    let row_synced = next(&calls, row_written, &["sync ", "gangplank.db-wal"]);
    let answered = next(&calls, 0, &["answer", " 201 "]);
    assert!(synced < renamed && row_synced < answered, "{log}");
}

fn new_directories() {
    let world = World::start();
    let log = world.shim.calls();
    let calls: Vec<&str> = log.lines().collect();
    let ready = next(&calls, 0, &["answer"]);
    let made: Vec<usize> = (0..calls.len())
        .filter(|at| calls[*at].starts_with("mkdir ") && calls[*at].ends_with(" 0"))
        .collect();
    assert!(made.len() >= 3, "{log}");
    for at in made {
        let path = calls[at].split(' ').nth(1).unwrap();
        let parent = path.rsplit_once('/').unwrap().0;
        assert!(next(&calls, at, &["fsync ", &format!(" {parent} ")]) < ready, "{path}");
    }
}

fn after_a_failed_sync() {
    let mut world = World::start();
    world.shim.arm(Fault { at: 1, lasting: false, error: IO, kinds: SYNC, halve: false });
    let api = world.api();
    let create = |api: &gangplank_testkit::Api| {
        api.lightsail("CreateContainerServiceRegistryLogin", &serde_json::json!({})).status
    };
    assert_eq!(create(&api), 503);
    // The disk works again, but the server does not use it again before a restart.
    assert_eq!((world.shim.hits(), world.is_ready(), create(&api)), (1, false, 503));
    world.server.kill();
    world.shim.lift();
    world.shim.forget_calls();
    world.restart();
    assert_eq!(create(&world.api()), 200);
    let log = world.shim.calls();
    let calls: Vec<&str> = log.lines().collect();
    let written = next(&calls, 0, &["write", "gangplank.db "]);
    let synced = next(&calls, written, &["sync ", "gangplank.db "]);
    let emptied = next(&calls, synced, &["ftruncate", "gangplank.db-wal"]);
    assert!(emptied < next(&calls, 0, &["answer"]), "{log}");
}

/// Uploads make no sync. So the first code that sees the loss of their rows is the one that moves the log into
/// the database. A later commit would be lost too.
fn after_a_failed_sync_of_nobody() {
    let world = World::start();
    let registry = world.registry();
    world.shim.arm(Fault { at: 1, lasting: false, error: IO, kinds: SYNC, halve: false });
    let opened = (0..900).take_while(|_| registry.status("POST", "sr/blobs/uploads/") == 202).count();
    let created = world.api().lightsail("CreateContainerServiceRegistryLogin", &serde_json::json!({})).status;
    assert_eq!((world.shim.hits(), world.is_ready(), created), (1, false, 503), "{opened} uploads");
    assert!(opened > 100, "the log was not long after {opened} uploads");
}
