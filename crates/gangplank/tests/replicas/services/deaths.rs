//! The replica that runs a service is killed, or is frozen and comes back.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::world::{KNOWN, OWN, SOON, World, get, wait_for_answer};
use crate::services_load::Load;
use crate::world::{Trials, until};

pub(crate) const TRIALS: Trials = &[
    ("services::of_a_holder_that_stood_still_nothing_serves", stood_still),
    ("services::services_go_on_while_the_database_is_away", database_away),
    ("services::a_killed_holder_is_replaced", killed),
];

/// Within this time another replica has to serve. The promise is 45 s on a machine with nothing else to do.
const WITHIN: Duration = Duration::from_secs(75);

/// Longer than a claim lasts.
const AWAY: Duration = Duration::from_secs(40);

/// The first numbers of the answering node's address. They show which engine runs the node.
fn engine_at(world: &World, replica: usize, host: &str) -> Option<String> {
    let (status, address) = get(world.at(replica), host, "/me");
    let of_engine = || address.split('.').take(2).collect::<Vec<_>>().join(".");
    (status == 200).then(of_engine)
}

fn killed() {
    let mut world = World::new(OWN);
    let host = world.serve("web", "v1", &[]);
    let holder = world.holder("web");
    world.server.kill_replica(holder);
    let killed = Instant::now();
    let others: Vec<usize> = (0..3).filter(|replica| *replica != holder).collect();
    for replica in &others {
        wait_for_answer(world.at(*replica), &host, "v1", WITHIN.saturating_sub(killed.elapsed()));
    }
    eprintln!("services: another replica serves {:?} after kill -9", killed.elapsed());
    let next = world.holder("web");
    assert_ne!(next, holder);
    // The service can be deployed to.
    let version = world.deploy("web", "v2", &[]);
    let nodes = world.nodes();
    assert_eq!(nodes[holder], ["web 1"], "nobody is there to remove it");
    world.server.restart_replica(holder);
    let back = Instant::now();
    world.wait_until_only(next, &[&format!("web {version}")], SOON);
    eprintln!("services: its old nodes were removed {:?} after it was back", back.elapsed());
    for replica in 0..3 {
        wait_for_answer(world.at(replica), &host, "v2", KNOWN);
    }
}

fn stood_still() {
    let world = World::new(OWN);
    let host = world.serve("web", "v1", &[]);
    let holder = world.holder("web");
    let old = engine_at(&world, holder, &host).expect("an answer");
    let others: Vec<usize> = (0..3).filter(|replica| *replica != holder).collect();
    world.server.replica(holder).signal(Signal::STOP);
    let frozen = Instant::now();
    until("another one serves", WITHIN, || {
        others.iter().all(|replica| engine_at(&world, *replica, &host).is_some_and(|engine| engine != old))
    });
    eprintln!("services: another replica serves {:?} after the holder froze", frozen.elapsed());
    let next = world.holder("web");
    assert_ne!(next, holder);
    std::thread::sleep(Duration::from_secs(40).saturating_sub(frozen.elapsed()));
    world.server.replica(holder).signal(Signal::CONT);
    let back = Instant::now();
    // The time of its claim is over, so it asks the database before it sends a request to its own nodes.
    let mut answered = 0;
    while back.elapsed() < Duration::from_secs(10) {
        for replica in 0..3 {
            let Some(engine) = engine_at(&world, replica, &host) else { continue };
            let after = back.elapsed();
            assert_ne!(engine, old, "{replica} asks the old node, {after:?} after the return");
            if replica == holder && answered == 0 {
                eprintln!("services: a holder that stood still relays {after:?} after the return");
            }
            answered += usize::from(replica == holder);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(answered > 10, "the holder that came back answered {answered} times");
    world.wait_until_only(next, &["web 1"], SOON);
    eprintln!("services: its old nodes were removed {:?} after it was back at most", back.elapsed());
}

/// The claim on the service ends meanwhile, and nobody can take it.
fn database_away() {
    let mut world = World::on_own_database(OWN);
    let host = world.serve("web", "v1", &[]);
    let holder = world.holder("web");
    for replica in 0..3 {
        wait_for_answer(world.at(replica), &host, "v1", KNOWN);
    }
    let loads: Vec<Load> = (0..3).map(|replica| Load::start(world.at(replica), &host, 2, 1)).collect();
    world.kill_database();
    std::thread::sleep(AWAY);
    world.restart_database();
    until("all are ready", SOON, || (0..3).all(|replica| world.server.replica(replica).is_ready()));
    until("the load balancer knows", SOON, || world.server.registry().status("GET", "") == 401);
    let before = loads.iter().map(Load::answers).collect::<Vec<_>>();
    assert_eq!(world.holder("web"), holder, "the service stays");
    world.deploy("web", "v2", &[]);
    for replica in 0..3 {
        wait_for_answer(world.at(replica), &host, "v2", KNOWN);
    }
    for load in loads {
        load.end();
    }
    eprintln!("services: {before:?} requests on three replicas while the database was away, none failed");
    assert_eq!(world.holder("web"), holder, "the service stays");
}
