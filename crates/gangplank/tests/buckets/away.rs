//! The bucket's server cannot be reached, and comes back.

use std::time::{Duration, Instant};

use gangplank_testkit::s3::{Fault, Program};

use crate::world::{World, blob, code, until};

/// Longer than any step may take.
const LONG: Duration = Duration::from_mins(1);

fn trial(fault: Fault) {
    let with_admin =
        |builder: gangplank_testkit::ServerBuilder| builder.arg("--admin-listen").arg("127.0.0.1:0");
    let Some(world) = World::start_with(Program::Versitygw, with_admin) else { return };
    let (seen, never) = (blob(4_000), blob(5_000));
    assert_eq!(world.registry.push_blob("sr", &seen), 201);
    let location = world.registry.start_upload("sr");
    world.proxy.decide(move |_| fault.clone());

    let begun = Instant::now();
    let patch = world.registry.request("PATCH", &location).body(never.bytes.clone()).timeout(LONG);
    let (status, retry) = code(patch.send().unwrap());
    assert_eq!(status, 503);
    assert!(retry.is_some() && begun.elapsed() < Duration::from_secs(35), "{:?}", begun.elapsed());
    let begun = Instant::now();
    let get = world.registry.request("GET", &format!("sr/blobs/{}", seen.digest)).timeout(LONG);
    assert_eq!(code(get.send().unwrap()).0, 503);
    assert!(begun.elapsed() < Duration::from_secs(35), "{:?}", begun.elapsed());
    // Requests that need no bytes still work.
    assert_eq!(world.registry.status("HEAD", &format!("sr/blobs/{}", seen.digest)), 200);
    assert_eq!(world.registry.status("GET", "sr/tags/list"), 200);
    world.server.push_login();
    let ready = format!("http://{}/readyz", world.server.admin_address().unwrap());
    assert_eq!(reqwest::blocking::get(ready).unwrap().status(), 200);

    world.proxy.mend();
    until(Duration::from_secs(15), || world.registry.push_blob("sr", &never) == 201);
    assert!(world.pull(&never.digest).unwrap() == never.bytes);
    assert!(world.pull(&seen.digest).unwrap() == seen.bytes);
}

#[test]
fn a_server_that_closes_every_connection() {
    trial(Fault::SwallowAnswer);
}

#[test]
fn a_server_that_says_nothing() {
    trial(Fault::Freeze);
}

#[test]
fn a_server_that_asks_to_slow_down() {
    trial(Fault::Refuse(503, "SlowDown"));
}
