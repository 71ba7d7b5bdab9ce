//! Services on servers that share a store: one of them runs each service, and all of them lead visitors there.

mod engines;
mod logs;
mod visits;
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{sleep, spawn};
use std::time::Duration;

use gangplank_engine::memory::Machine;
use serde_json::json;

use crate::world::until;
use world::Replicas;

fn machines(count: usize) -> Vec<Machine> {
    (0..count).map(|_| Machine::serving()).collect()
}

/// Visits all the time. Returns the number of visits, and fails if a visit failed.
fn visiting(visit: impl Fn() -> u16 + Send + 'static) -> impl FnOnce() -> u32 {
    let (ends, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let visits = spawn({
        let (ends, count) = (Arc::clone(&ends), Arc::clone(&count));
        move || {
            while !ends.load(Ordering::Relaxed) {
                assert_eq!(visit(), 200, "after {} visits", count.load(Ordering::Relaxed));
                count.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_millis(2));
            }
        }
    });
    move || {
        ends.store(true, Ordering::Relaxed);
        visits.join().unwrap();
        count.load(Ordering::Relaxed)
    }
}

#[test]
fn one_server_runs_a_service_and_all_serve_it() {
    let Some(replicas) = Replicas::on(machines(3)) else { return };
    replicas.deploy_first(0, "web", 2);
    let holder = replicas.only();
    assert_eq!(replicas.machines[holder].node_names().len(), 2);
    for number in 0..3 {
        until("each server answers", || replicas.visit(number, "web") == 200);
    }
    // A server that does not run the service is told to change it.
    let other = (holder + 1) % 3;
    replicas.done(other, "UpdateContainerService", &json!({ "serviceName": "web", "scale": 3 }));
    until("there are more nodes", || replicas.machines[holder].node_names().len() == 3);
    replicas.deploy(other, "web");
    until("the new ones are alone", || {
        let names = replicas.machines[holder].node_names();
        names.len() == 3 && names.iter().all(|name| name.version == 2)
    });
    assert_eq!(replicas.only(), holder);
    replicas.done(other, "UpdateContainerService", &json!({ "serviceName": "web", "isDisabled": true }));
    until("nothing runs", || replicas.busy().is_empty());
    for number in 0..3 {
        until("each server knows", || replicas.visit(number, "web") == 503);
    }
    until("it has no place", || replicas.place().trim().is_empty());
    replicas.done(other, "UpdateContainerService", &json!({ "serviceName": "web", "isDisabled": false }));
    until("each server answers again", || (0..3).all(|number| replicas.visit(number, "web") == 200));
    replicas.done(other, "DeleteContainerService", &json!({ "serviceName": "web" }));
    until("nothing is left", || replicas.busy().is_empty() && replicas.place().trim().is_empty());
}

#[test]
fn services_are_spread() {
    let Some(replicas) = Replicas::on(machines(2)) else { return };
    for service in ["a", "b", "c", "d"] {
        replicas.deploy_first(0, service, 1);
    }
    assert_eq!(replicas.busy().len(), 2);
}

/// The input of a first deployment, which takes all memory of a machine.
fn large(service: &str) -> serde_json::Value {
    json!({
        "serviceName": service,
        "power": "xlarge",
        "scale": 1,
        "deployment": { "containers": { "app": { "image": "docker.io/library/app:1" } } },
    })
}

#[test]
fn the_room_is_that_of_all_engines() {
    let Some(replicas) = Replicas::on_and_idle(machines(2), 1) else { return };
    let runs = |service: &str| {
        let found = replicas.done(2, "GetContainerServices", &json!({ "serviceName": service }));
        found["containerServices"][0]["state"] == "RUNNING"
    };
    until("an engine is known", || replicas.refused(2, "CreateContainerService", &large("a")).is_none());
    until("the first one runs", || runs("a"));
    replicas.done(2, "CreateContainerService", &large("b"));
    until("the second one runs", || runs("b"));
    assert_eq!(replicas.busy().len(), 2, "each has room for one of them");
    let why = replicas.refused(2, "CreateContainerService", &large("c")).unwrap();
    assert!(why.contains("16"), "{why}");
}

#[test]
fn a_server_without_an_engine_serves_what_others_run() {
    let Some(mut replicas) = Replicas::on_and_idle(machines(1), 1) else { return };
    until("an engine is known", || replicas.refused(1, "CreateContainerService", &large("one")).is_none());
    replicas.done(1, "DeleteContainerService", &json!({ "serviceName": "one" }));
    until("it is gone", || replicas.busy().is_empty());
    replicas.deploy_first(1, "web", 1);
    until("it leads there", || replicas.visit(1, "web") == 200);
    replicas.stop(0);
    // No server could take over, so the nodes keep running, and no server ends the deployment.
    assert_eq!(replicas.machines[0].node_names().len(), 1);
    assert_eq!(replicas.visit(1, "web"), 503);
    replicas.start(0);
    until("it leads there again", || replicas.visit(1, "web") == 200);
    let list = replicas.done(1, "GetContainerServiceDeployments", &json!({ "serviceName": "web" }));
    assert_eq!(list["deployments"][0]["state"], "ACTIVE", "{list}");
}

#[test]
fn a_name_that_is_used_again_is_another_service() {
    let machine = Machine::serving();
    let Some(replicas) = Replicas::on(vec![machine.clone(), machine.clone()]) else { return };
    replicas.deploy_first(0, "web", 2);
    for round in 0..3 {
        replicas.done(1, "DeleteContainerService", &json!({ "serviceName": "web" }));
        replicas.deploy_first(1, "web", 1);
        until("it serves", || replicas.visit(0, "web") == 200 && replicas.visit(1, "web") == 200);
        until(&format!("one node is left in round {round}"), || machine.node_names().len() == 1);
    }
    sleep(Duration::from_secs(1));
    assert_eq!(machine.node_names().len(), 1);
    assert_eq!((replicas.visit(0, "web"), replicas.visit(1, "web")), (200, 200));
}

#[test]
fn a_server_that_stops_hands_over_without_a_gap() {
    let Some(mut replicas) = Replicas::on(machines(2)) else { return };
    replicas.deploy_first(0, "web", 2);
    let (first, before) = (replicas.only(), replicas.place());
    let other = 1 - first;
    until("the other server answers", || replicas.visit(other, "web") == 200);
    let visits = visiting(replicas.visitor(other, "web"));
    replicas.stop(first);
    assert!(visits() > 20);
    assert_eq!(replicas.only(), other);
    assert_ne!(replicas.place(), before);
    assert_eq!(replicas.machines[other].node_names().len(), 2);
    // The server that comes back finds the service where it is.
    replicas.start(first);
    until("the first one answers", || replicas.visit(first, "web") == 200);
    assert_eq!(replicas.only(), other);
}

#[test]
fn another_server_takes_over_from_one_that_was_killed() {
    let Some(mut replicas) = Replicas::on(machines(2)) else { return };
    replicas.deploy_first(0, "web", 1);
    let first = replicas.only();
    let other = 1 - first;
    replicas.kill(first);
    until("the other server serves", || replicas.visit(other, "web") == 200);
    assert_eq!(replicas.busy().len(), 2, "nobody is there to remove the first nodes");
    let place = replicas.place();
    replicas.start(first);
    until("the first nodes are gone", || replicas.busy().len() == 1);
    assert_eq!((replicas.only(), replicas.place()), (other, place));
    for number in 0..2 {
        assert_eq!(replicas.visit(number, "web"), 200);
    }
}

#[test]
fn a_server_that_comes_back_first_takes_its_service_back() {
    let Some(mut replicas) = Replicas::on(machines(1)) else { return };
    replicas.deploy_first(0, "web", 2);
    let nodes = replicas.machines[0].node_names();
    let begun = std::time::Instant::now();
    replicas.stop(0);
    assert!(begun.elapsed() < Duration::from_secs(4), "there is nobody to wait for");
    assert_eq!(replicas.machines[0].node_names(), nodes, "nodes go on running");
    replicas.start(0);
    until("it serves", || replicas.visit(0, "web") == 200);
    assert_eq!(replicas.machines[0].node_names(), nodes);
}

#[test]
fn servers_on_one_engine_leave_the_nodes_of_others_alone() {
    let machine = Machine::serving();
    let Some(mut replicas) = Replicas::on(vec![machine.clone(), machine.clone()]) else { return };
    for service in ["a", "b", "c"] {
        replicas.deploy_first(0, service, 1);
    }
    let (nodes, images) = (machine.node_names(), machine.images());
    assert_eq!(nodes.len(), 3);
    let holders = || replicas.query("SELECT count(DISTINCT holder) FROM claims WHERE name LIKE 'service %'");
    assert_eq!(holders().trim(), "2");
    // Both servers look several times meanwhile.
    sleep(Duration::from_secs(2));
    assert_eq!((machine.node_names(), machine.images()), (nodes.clone(), images.clone()));
    let visits = visiting(replicas.visitor(1, "a"));
    replicas.stop(0);
    until("all have one holder", || {
        replicas.query("SELECT count(DISTINCT replica) FROM places").trim() == "1"
            && replicas.query("SELECT count(*) FROM claims WHERE name LIKE 'service %'").trim() == "3"
    });
    replicas.start(0);
    sleep(Duration::from_secs(2));
    visits();
    assert_eq!((machine.node_names(), machine.images()), (nodes, images), "nothing was started anew");
    replicas.done(0, "DeleteContainerService", &json!({ "serviceName": "b" }));
    until("the deleted one goes", || machine.node_names().iter().all(|name| name.service != "b"));
    assert_eq!(machine.node_names().len(), 2);
}

#[test]
fn a_server_that_has_lost_its_claim_changes_nothing_and_gives_way() {
    let Some(replicas) = Replicas::on(machines(1)) else { return };
    replicas.deploy_first(0, "web", 1);
    // Another server takes the service, and serves it with its own engine.
    replicas.query(
        "UPDATE claims SET holder = 'ghost', epoch = nextval('epochs'), until = now() + INTERVAL '1 hour'
         WHERE name LIKE 'service %'",
    );
    // If the first server writes the place now, the write is refused. So this server learns that it has lost the
    // claim.
    replicas.done(0, "UpdateContainerService", &json!({ "serviceName": "web", "isDisabled": true }));
    sleep(Duration::from_secs(2));
    assert!(replicas.place().contains("memory"), "{}", replicas.place());
    replicas.query(
        "UPDATE places SET replica = 'ghost', address = '127.0.0.1:9', engine = 'ghost', epoch = epoch + 1",
    );
    replicas.query("UPDATE cluster SET running = running + 1");
    let place = replicas.place();
    until("its nodes go", || replicas.busy().is_empty());
    assert_eq!(replicas.place(), place);
}
