//! Services change while people use them, and nobody notices.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Program;
use crate::services::{World, deployment, rounds, within};
use crate::services_load::Load;
use crate::suite::Test;

pub(crate) const TESTS: [(&str, Test); 3] = [
    ("switches_under_load", switches),
    ("changes_under_load", changes),
    ("the_second_deployment_answers_soon", soon),
];

/// The shortest time for which an upgraded connection stays open after a switch.
const DRAIN: Duration = Duration::from_secs(29);

fn switches(client: &Program) {
    let world = World::new(client, &[]);
    world.make_service("web");
    world.deploy("web", "v0", &[]);
    let load = Load::start(world.server.address(), &world.host("web"), 8, 1);
    let mut wanted = vec!["v0".to_owned()];
    for round in 1..=rounds(5) {
        let says = format!("v{round}");
        world.deploy("web", &says, &[]);
        wanted.push(says);
    }
    let before = load.answers();
    within(Duration::from_secs(5), "they are answered", || load.answers() > before + 20);
    let outcome = load.end();
    assert_eq!(outcome.versions, wanted, "each version answered, one after the other");
    assert!(outcome.upgraded.iter().all(|lasted| *lasted > DRAIN), "{:?}", outcome.upgraded);
    eprintln!("{} requests in {} switches, upgraded: {:?}", outcome.answers, rounds(5), outcome.upgraded);
    world.wait_until_only(&[("web", i64::from(rounds(5)) + 1, 1)]);
}

/// Changes of scale and power, disabling and enabling.
fn changes(client: &Program) {
    let world = World::new(client, &[]);
    world.make_service("web");
    world.deploy("web", "v1", &[]);
    let load = Load::start(world.server.address(), &world.host("web"), 8, 0);
    let update = |change: serde_json::Value| {
        let mut input = json!({ "serviceName": "web" });
        input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let shown = world.done("UpdateContainerService", input)["containerService"]["state"].clone();
        assert_eq!(shown, "UPDATING");
        let state = if change["isDisabled"] == true { "DISABLED" } else { "RUNNING" };
        world.wait_for_service("web", state);
        std::thread::sleep(Duration::from_millis(300));
    };
    for _ in 0..rounds(1) {
        update(json!({ "scale": 3 }));
        world.wait_until_only(&[("web", 1, 3)]);
        update(json!({ "scale": 1 }));
        world.wait_until_only(&[("web", 1, 1)]);
        update(json!({ "power": "micro" }));
        update(json!({ "power": "nano" }));
        world.wait_until_only(&[("web", 1, 1)]);
        load.may_be_disabled(true);
        update(json!({ "isDisabled": true }));
        world.wait_until_only(&[]);
        assert_eq!(world.get(&world.host("web"), "/").0, 503);
        update(json!({ "isDisabled": false }));
        // Requests that were sent before are answered within this time.
        std::thread::sleep(Duration::from_millis(500));
        load.may_be_disabled(false);
        std::thread::sleep(Duration::from_millis(500));
    }
    let outcome = load.end();
    assert!(outcome.disabled > 0 && outcome.versions == ["v1"], "{outcome:?}");
    eprintln!("{} requests in changes", outcome.answers);
}

/// Measures the time from the call that creates a deployment to its first answer.
fn soon(client: &Program) {
    let world = World::new(client, &[]);
    world.make_service("web");
    world.deploy("web", "v0", &[]);
    let host = world.host("web");
    let mut times = Vec::new();
    for round in 1..=rounds(3) {
        let says = format!("v{round}");
        let began = Instant::now();
        let version = world.begin(deployment("web", &says, &[]));
        within(Duration::from_secs(20), "it answers", || world.get(&host, "/").1 == says);
        times.push(began.elapsed());
        world.wait_for("web", version, "ACTIVE");
    }
    times.sort();
    eprintln!("from the call to the first answer: {times:?}");
    // The promise is 2.5 s on an idle machine.
    assert!(times[times.len() / 2] < Duration::from_secs(6), "{times:?}");
}
