//! Logs of services are complete, however fast lines are written, and whichever client disconnects.

use std::time::Duration;

use crate::client::Program;
use crate::services::{World, until};
use crate::suite::Test;

pub(crate) const TESTS: [(&str, Test); 1] = [("logs_are_whole", whole)];

fn lines(log: &[String]) -> Vec<u64> {
    log.iter().filter_map(|line| line.strip_prefix("line ")).map(|it| it.parse().expect("a number")).collect()
}

fn whole(client: &Program) {
    let mut world = World::new(client, &[]);
    world.make_service("web");
    // The log has all of this output before other lines of the container.
    world.deploy("web", "v1", &["print", "4000"]);
    let all: Vec<u64> = (0..4_000).collect();
    until("all lines are there", || lines(&world.log("web")).len() >= all.len());
    assert!(lines(&world.log("web")) == all, "{} lines", lines(&world.log("web")).len());

    // Lines that are printed while no server runs, and at the server's end.
    let host = world.host("web");
    let version = world.deploy("web", "v2", &["tick"]);
    for kills in [false, true] {
        let before = ticks(&world);
        assert_eq!(world.get(&host, "/print?4000").0, 200);
        if kills {
            world.server.kill();
        } else {
            world.server.terminate();
        }
        std::thread::sleep(Duration::from_millis(500));
        world.server.restart();
        until("ticks go on", || ticks(&world).len() > before.len() + 60);
        let ticks = ticks(&world);
        let counted: Vec<u64> = (0..ticks.len() as u64).collect();
        let differs = ticks.iter().zip(&counted).find(|(a, b)| a != b);
        assert!(ticks == counted, "killed {kills}: {} ticks, first wrong {differs:?}", ticks.len());
    }
    world.wait_until_only(&[("web", version, 1)]);
    let three: Vec<u64> = [&all[..], &all, &all].concat();
    let found = lines(&world.log("web"));
    let differs = found.iter().zip(&three).position(|(found, wanted)| found != wanted);
    let around = differs.map(|at| &found[at.saturating_sub(3)..found.len().min(at + 5)]);
    assert!(found == three, "{} lines, the first wrong one is {differs:?}: {around:?}", found.len());
}

fn ticks(world: &World) -> Vec<u64> {
    let log = world.log("web");
    log.iter()
        .filter_map(|line| line.strip_prefix("tick v2 "))
        .map(|it| it.parse().expect("a number"))
        .collect()
}
