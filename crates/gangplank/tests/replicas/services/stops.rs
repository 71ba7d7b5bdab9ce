//! The replica that runs a service stops, as for an upgrade.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::world::{KNOWN, OWN, SHARED, SOON, World, wait_for_answer};
use crate::services_load::Load;
use crate::world::{Trials, until};

pub(crate) const TRIALS: Trials = &[
    ("services::nobody_notices_a_stop_with_one_engine", one_engine),
    ("services::a_stop_moves_the_service_to_another_engine", own_engines),
];

/// Stops the replica that runs the service, under load through the others and through the load balancer, with some
/// upgraded connections each. Returns the number of the stopped replica, and the failures.
fn stop(world: &mut World, host: &str, upgraded: usize) -> (usize, Vec<String>) {
    let holder = world.holder("web");
    let others = (0..3).filter(|replica| *replica != holder);
    let places: Vec<_> = others.map(|replica| world.at(replica)).chain([world.server.address()]).collect();
    for at in &places {
        wait_for_answer(*at, host, "v1", KNOWN);
    }
    let loads: Vec<Load> = places.iter().map(|at| Load::start(*at, host, 2, upgraded)).collect();
    std::thread::sleep(Duration::from_secs(1));
    let asked = Instant::now();
    world.server.replica(holder).signal(Signal::TERM);
    until("another one runs it", SOON, || world.placed_on("web").is_some_and(|now| now != holder));
    eprintln!("services: {:?} after SIGTERM another replica runs the service", asked.elapsed());
    assert!(world.server.wait_for_replica(holder).success());
    eprintln!("services: {:?} after SIGTERM the process has ended", asked.elapsed());
    std::thread::sleep(Duration::from_secs(2));
    let (outcomes, failures): (Vec<_>, Vec<_>) = loads.into_iter().map(Load::end_with_failures).unzip();
    let answers: Vec<u64> = outcomes.iter().map(|outcome| outcome.answers).collect();
    let failures = failures.concat();
    eprintln!("services: {} requests failed beside {answers:?} that did not: {failures:#?}", failures.len());
    assert!(answers.iter().all(|answers| *answers > 20), "{answers:?}");
    (holder, failures)
}

fn one_engine() {
    let mut world = World::new(SHARED);
    let host = world.serve("web", "v1", &[]);
    let ids = world.ids(0);
    let (holder, failures) = stop(&mut world, &host, 0);
    assert!(failures.is_empty());
    assert_eq!(world.ids(0), ids, "the nodes are adopted");
    world.server.restart_replica(holder);
    wait_for_answer(world.at(holder), &host, "v1", KNOWN);
    // The stopped replica left no nodes, and removes no nodes of another replica.
    std::thread::sleep(Duration::from_secs(7));
    assert_eq!(world.ids(0), ids);
    // A replica that is killed leaves its nodes to the next one, too.
    let holder = world.holder("web");
    world.server.kill_replica(holder);
    let other = (holder + 1) % 3;
    let took = wait_for_answer(world.at(other), &host, "v1", SOON);
    eprintln!("services: with one engine another replica answers {took:?} after kill -9");
    assert_eq!(world.ids(0), ids);
}

fn own_engines() {
    let mut world = World::new(OWN);
    let host = world.serve("web", "v1", &[]);
    let (holder, failures) = stop(&mut world, &host, 1);
    assert!(failures.is_empty());
    // The replica removed its nodes before it ended.
    let next = world.holder("web");
    world.wait_until_only(next, &["web 1"], Duration::from_secs(5));
    world.server.restart_replica(holder);
    wait_for_answer(world.at(holder), &host, "v1", KNOWN);
    std::thread::sleep(Duration::from_secs(7));
    assert_eq!(world.holder("web"), next, "a service that runs stays");
    world.wait_until_only(next, &["web 1"], Duration::from_secs(1));
}
