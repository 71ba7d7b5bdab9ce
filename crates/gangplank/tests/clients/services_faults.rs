//! Servers, engines and containers are killed: the wanted state comes back by itself, complete and without
//! duplicates.

use std::time::{Duration, Instant};

use gangplank_testkit::Image;
use serde_json::Value;

use crate::client::Program;
use crate::services::{World, deployment, rounds, within};
use crate::suite::Test;

pub(crate) const TESTS: [(&str, Test); 2] =
    [("a_killed_server_goes_on", killed_servers), ("a_killed_engine_comes_back", killed_engines)];

/// The longest time until a service answers again.
const BACK: Duration = Duration::from_secs(15);

/// A time during a deployment, a different one each time.
fn moment() -> Duration {
    let random = Image::unique(1).digest();
    let number = u64::from_str_radix(&random[random.len() - 8..], 16).expect("a number");
    Duration::from_millis(number % 3_000)
}

fn killed_servers(client: &Program) {
    let mut world = World::new(client, &[]);
    world.make_service("web");
    world.deploy("web", "v1", &["tick"]);
    let host = world.host("web");
    for round in 0..rounds(3) {
        let version = i64::from(round) + 2;
        let says = format!("v{version}");
        let at = moment();
        assert_eq!(world.begin(deployment("web", &says, &["tick"])), version);
        std::thread::sleep(at);
        let state = world.state_of("web", version);
        world.server.kill();
        world.server.restart();
        let began = Instant::now();
        world.wait_for("web", version, "ACTIVE");
        eprintln!("killed after {at:?} ({state}), active {:?} after the restart", began.elapsed());
        within(BACK, "it answers", || world.get(&host, "/") == (200, says.clone()));
        world.wait_until_only(&[("web", version, 1)]);
        check_log(&world.log("web"), version);
    }
}

/// Checks that the log of a version is complete: the application's lines have no gaps and no duplicates.
fn check_log(log: &[String], version: i64) {
    let of_platform = |text: &str| {
        let line = format!("[deployment:{version}] {text}");
        log.iter().filter(|it| **it == line).count()
    };
    assert_eq!(of_platform("Creating your deployment"), 1, "{version}: {:#?}", platform(log));
    assert_eq!(of_platform("Reached a steady state"), 1, "{version}: {:#?}", platform(log));
    let begun = log.iter().filter(|line| **line == format!("begins v{version}")).count();
    assert!((1..=2).contains(&begun), "v{version} began {begun} times: {:#?}", platform(log));
    let ticks = log.iter().filter_map(|line| line.strip_prefix(&format!("tick v{version} ")));
    let ticks: Vec<u64> = ticks.map(|number| number.parse().expect("a number")).collect();
    assert!(!ticks.is_empty(), "v{version} printed nothing");
    // Splits the lines into runs of the container. Each run begins at 0.
    let breaks: Vec<_> = ticks.windows(2).filter(|two| two[1] != two[0] + 1 && two[1] != 0).collect();
    let runs = ticks.iter().filter(|tick| **tick == 0).count();
    assert!(breaks.is_empty() && ticks[0] == 0, "v{version}: {breaks:?}, first {}", ticks[0]);
    assert_eq!(runs, begun, "v{version}");
}

fn platform(log: &[String]) -> Vec<&String> {
    log.iter().filter(|line| line.starts_with('[') || line.starts_with("begins")).collect()
}

/// Removes all containers. The server may remove some at the same time.
fn remove_all(world: &World) {
    let ids = world.ids(&[]);
    world
        .docker
        .run(&["rm", "--force"].into_iter().chain(ids.iter().map(String::as_str)).collect::<Vec<_>>());
}

fn killed_engines(client: &Program) {
    let mut world = World::new(client, &[]);
    world.make_service("web");
    world.deploy("web", "v1", &["tick"]);
    let host = world.host("web");
    let is_back = |world: &World, what: &str| {
        let took = within(BACK, &format!("it answers after {what}"), || world.get(&host, "/").0 == 200);
        eprintln!("{what}: answers after {took:?}");
        world.wait_until_only(&[("web", 1, 1)]);
        assert_eq!(world.service("web")["state"], "RUNNING", "{what}");
        assert_eq!(world.get(&host, "/"), (200, "v1".to_owned()), "{what}");
    };
    let pauses = |world: &World| -> Vec<String> {
        let all = world.ids(&["service=web"]);
        let apps = world.ids(&["service=web", "container=app"]);
        all.into_iter().filter(|id| !apps.contains(id)).collect()
    };

    for id in pauses(&world) {
        world.docker.run(&["kill", &id]).ok();
    }
    is_back(&world, "its pause container was killed");

    for id in world.ids(&["container=app"]) {
        world.docker.run(&["kill", &id]).ok();
    }
    is_back(&world, "its container was killed");

    remove_all(&world);
    is_back(&world, "its containers were removed");

    world.docker.stop();
    let shown: Value = world.service("web");
    assert_eq!(shown["state"], "RUNNING");
    world.docker.start_again();
    is_back(&world, "the engine was stopped and started");

    world.docker.kill();
    world.docker.start_again();
    is_back(&world, "the engine was killed and started");

    // The server and the engine end at the same time, as in a reboot of the machine.
    world.server.kill();
    remove_all(&world);
    world.docker.stop();
    world.server.restart();
    world.docker.start_again();
    is_back(&world, "everything was gone");

    // A deployment continues although the engine restarts.
    let version = world.begin(deployment("web", "v2", &["tick"]));
    std::thread::sleep(Duration::from_millis(500));
    world.docker.stop();
    world.docker.start_again();
    world.wait_for("web", version, "ACTIVE");
    within(BACK, "the new one answers", || world.get(&host, "/") == (200, "v2".to_owned()));
    world.wait_until_only(&[("web", version, 1)]);
}
