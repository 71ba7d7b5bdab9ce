//! The wall clocks of replicas jump while they serve, and while the database is out of reach.

use std::time::{Duration, Instant};

use serde_json::json;

use super::world::{KNOWN, SOON, World, get, wait_for_answer};
use crate::clocks::Clock;
use crate::services_load::Load;
use crate::world::{Trials, until};

pub(crate) const TRIALS: Trials = &[("services::no_clock_stops_a_relay_or_saves_a_login", clocks_jump)];

/// A revoked login opens nothing after this time.
const REVOKED: Duration = Duration::from_secs(5);

const HOUR: i64 = 3_600;

fn clocks_jump() {
    let folder = tempfile::tempdir().unwrap();
    let clock = |replica: usize| Clock::new(folder.path().join(replica.to_string()));
    let (Some(holder), Some(ahead), Some(behind)) = (clock(0), clock(1), clock(2)) else { return };
    let mut world = World::on_own_database_with([Some(0), None, None], |mut builder| {
        for (replica, clock) in [&holder, &ahead, &behind].into_iter().enumerate() {
            for (name, value) in clock.environment() {
                builder = builder.env_of(replica, name, &value);
            }
        }
        builder
    });
    let host = world.serve("web", "v1", &[]);
    for replica in 0..3 {
        wait_for_answer(world.at(replica), &host, "v1", KNOWN);
    }
    let logins = [world.server.push_login(), world.server.push_login()];
    let opens = |world: &World, replica: usize, login: usize| {
        world.server.replica(replica).registry_as(&logins[login]).status("GET", "") == 200
    };
    let loads: Vec<Load> = (0..3).map(|replica| Load::start(world.at(replica), &host, 2, 1)).collect();

    ahead.set(HOUR);
    behind.set(-HOUR);
    for replica in [1, 2] {
        until("a wrong clock makes it unready", SOON, || !world.server.replica(replica).is_ready());
    }
    until("the log says why", SOON, || world.server.replica(1).log().contains("clock"));
    for replica in 0..3 {
        assert!(opens(&world, replica, 0) && opens(&world, replica, 1), "{replica}");
    }
    let list = world.server.replica(0).api().gangplank("ListRegistryLogins", &json!({})).body;
    let list = list["registryLogins"].as_array().unwrap();
    let revoke = |id: &serde_json::Value| {
        let answer = world.server.replica(0).api().gangplank("RevokeRegistryLogin", &json!({ "id": id }));
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    for login in list {
        revoke(&login["id"]);
    }
    for replica in 0..3 {
        until("a revoked login opens nothing", REVOKED, || {
            !opens(&world, replica, 0) && !opens(&world, replica, 1)
        });
    }

    // Nobody can ask for the right time now.
    world.kill_database();
    ahead.set(0);
    behind.set(HOUR);
    holder.set(2 * HOUR);
    let since = Instant::now();
    let mut slowest = Duration::ZERO;
    while since.elapsed() < Duration::from_secs(5) {
        for replica in 0..3 {
            let asked = Instant::now();
            assert_eq!(get(world.at(replica), &host, "/"), (200, "v1".to_owned()), "replica {replica}");
            slowest = slowest.max(asked.elapsed());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    for clock in [&holder, &ahead, &behind] {
        clock.set(0);
    }
    world.restart_database();
    for replica in 0..3 {
        until("all are ready", SOON, || world.server.replica(replica).is_ready());
    }
    until("the load balancer knows", SOON, || world.server.registry().status("GET", "") == 401);
    world.deploy("web", "v2", &[]);
    for replica in 0..3 {
        wait_for_answer(world.at(replica), &host, "v2", KNOWN);
    }
    for load in loads {
        load.end();
    }
    eprintln!("services: the slowest answer beside wrong clocks took {slowest:?}");
}
