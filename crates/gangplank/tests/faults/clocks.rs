//! The wall clock jumps, under a running server and between runs. Logins follow it, and nothing else does.

use gangplank_testkit::Image;
use libtest_mimic::Trial;
use reqwest::header::RANGE;

use crate::content::Content;
use crate::leaks;
use crate::needs::{Need, trial};
use crate::operations::{Seen, look_at_blob};
use crate::world::World;

const HOUR: i64 = 3_600_000;

pub(crate) fn add(trials: &mut Vec<Trial>) {
    trials.push(trial("clocks::a jump between runs ages nothing", &[Need::Compiler], jump_between_runs));
    trials.push(trial("clocks::a jump ends logins and nothing else", &[Need::Compiler], jump));
}

fn jump() {
    let world = World::start();
    let registry = world.registry();
    let (kept, half) = (Content { seed: 1, size: 5_000 }, Content { seed: 2, size: 300_000 });
    assert_eq!(registry.push_blob("sr", &kept.blob()), 201);
    let location = registry.start_upload("sr");
    let patch = registry.request("PATCH", &location).body(half.bytes()[..100_000].to_vec()).send().unwrap();
    assert_eq!(patch.status(), 202);
    for (hours, login) in [(11, 200), (13, 401), (24 * 400, 401), (-24 * 400, 200), (0, 200)] {
        world.shim.set_clock_off(hours * HOUR);
        assert_eq!(registry.status("GET", ""), login, "{hours} hours off");
        if login == 200 {
            let stands = registry.send("GET", &location);
            assert_eq!(stands.headers()[RANGE], "0-99999", "{hours} hours off");
            assert_eq!(look_at_blob(&registry, "sr", kept), Seen::Whole, "{hours} hours off");
        }
    }
    let put = format!("{location}?digest={}", half.digest());
    assert_eq!(registry.put_blob(&put, &half.bytes()[100_000..]), 201);
    assert_eq!(look_at_blob(&registry, "sr", half), Seen::Whole);
    leaks::check(&world.server.data_dir());
}

/// Runs with clocks that are years apart. Unregistered pushes and an open upload only age by the length of the runs.
/// Registered images stay whatever happens.
fn jump_between_runs() {
    let mut world = World::start_with(&[("GANGPLANK_GC_INTERVAL", "1s"), ("GANGPLANK_GC_GRACE", "60s")]);
    let registry = world.registry();
    let (kept, half) = (Content { seed: 3, size: 5_000 }, Content { seed: 4, size: 300_000 });
    assert_eq!(registry.push_blob("sr", &kept.blob()), 201);
    let image = Image::unique(1);
    registry.push_image("sr", "unregistered", &image);
    let location = registry.start_upload("sr");
    let patch = registry.request("PATCH", &location).body(half.bytes()[..100_000].to_vec()).send().unwrap();
    assert_eq!(patch.status(), 202);
    for (round, hours) in [24 * 3_650, 24 * 365, -24 * 3_650, 0].into_iter().enumerate() {
        if round % 2 == 0 {
            world.server.kill();
        } else {
            world.server.terminate();
        }
        world.shim.set_clock_off(hours * HOUR);
        world.restart();
        // A scheduled cycle, and one on demand.
        std::thread::sleep(std::time::Duration::from_millis(1_500));
        world.shim.set_clock_off(0);
        let answer = world.api().gangplank("CollectGarbage", &serde_json::json!({}));
        assert_eq!(
            (answer.status, &answer.body["manifests"]),
            (200, &serde_json::json!(0)),
            "{hours} hours off"
        );
        let registry = world.registry();
        assert_eq!(look_at_blob(&registry, "sr", kept), Seen::Whole, "{hours} hours off");
        assert_eq!(registry.status("GET", "sr/manifests/unregistered"), 200, "{hours} hours off");
        assert_eq!(registry.send("GET", &location).headers()[RANGE], "0-99999", "{hours} hours off");
        assert_eq!(registry.status("GET", ""), 200, "a login that has not ended, {hours} hours off");
    }
    leaks::check(&world.server.data_dir());
}
