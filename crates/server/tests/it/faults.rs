//! Servers and engines that stop during work: services recover by themselves.

use std::time::Duration;

use gangplank_engine::EngineError;
use gangplank_engine::memory::{Behaviour, Machine, Step};
use serde_json::json;

use crate::world::{World, until};

#[test]
fn a_server_that_comes_back_takes_over_what_runs() {
    let mut world = World::on(Machine::serving());
    world.make_service(2);
    world.deploy_and_wait();
    let before = world.nodes();
    world.stop();
    assert_eq!(world.nodes(), before);
    world.start();
    until("the endpoint answers", || world.get().0 == 200);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(world.nodes(), before);
}

#[test]
fn a_deployment_goes_on_after_a_restart_of_the_server() {
    let machine = Machine::new(|_, _, _| Behaviour::serves(200).silent_for(Duration::from_secs(1)));
    let mut world = World::on(machine);
    world.make_service(2);
    let image = world.register();
    world.deploy(&image);
    for _ in 0..3 {
        std::thread::sleep(Duration::from_millis(150));
        world.stop();
        world.start();
    }
    world.wait_for(1, "ACTIVE");
    until("there are two nodes", || world.versions() == [1, 1]);
}

#[test]
fn an_engine_that_is_away_for_a_moment_stops_nothing() {
    for step in [Step::Nodes, Step::EnsureImage, Step::Start, Step::Remove, Step::Restart] {
        let world = World::on(Machine::serving());
        world.make_service(1);
        world.deploy_and_wait();
        let image = world.register();
        for _ in 0..2 {
            world.machine.fail(step, EngineError::Away("it restarts".to_owned()));
        }
        world.deploy(&image);
        world.wait_for(2, "ACTIVE");
        until("the nodes of the first go", || world.versions() == [2]);
    }
}

#[test]
fn a_registry_that_is_away_for_a_moment_stops_nothing() {
    let world = World::on(Machine::serving());
    world.make_service(1);
    let image = world.register();
    for _ in 0..2 {
        world.machine.fail(Step::EnsureImage, EngineError::RegistryAway("connection refused".to_owned()));
    }
    world.deploy(&image);
    world.wait_for(1, "ACTIVE");
}

#[test]
fn an_image_that_cannot_be_pulled_ends_the_deployment_at_once() {
    let world = World::on(Machine::serving());
    world.make_service(1);
    let image = world.register();
    world.machine.fail(Step::EnsureImage, EngineError::NoImage("manifest unknown".to_owned()));
    world.deploy(&image);
    until("it fails", || world.state_of(1) == "FAILED");
    assert!(world.log("app").iter().any(|line| line.contains("manifest unknown")), "{:?}", world.log("app"));
}

#[test]
fn nodes_that_are_gone_come_back() {
    let world = World::on(Machine::serving());
    world.make_service(2);
    world.deploy_and_wait();
    for node in world.nodes() {
        world.machine.vanish(&node.name);
    }
    until("they are back", || world.versions() == [1, 1] && world.get().0 == 200);
    assert_eq!(world.service()["state"], "RUNNING");
}

#[test]
fn everything_comes_back_after_a_reboot() {
    let mut world = World::on(Machine::serving());
    world.make_service(2);
    world.deploy_and_wait();
    world.stop();
    world.machine.reboot();
    world.start();
    until("it serves", || world.get().0 == 200);
    until("nothing is left over", || world.machine.node_names().len() == 2);
    let is_whole = |node: &gangplank_engine::NodeSeen| node.is_whole;
    assert!(world.nodes().iter().all(is_whole), "{:?}", world.nodes());
}

#[test]
fn a_node_that_lost_its_network_is_made_anew() {
    let world = World::on(Machine::serving());
    world.make_service(1);
    world.deploy_and_wait();
    world.machine.break_node(&world.nodes()[0].name);
    until("it serves", || world.nodes().iter().all(|node| node.is_whole) && world.get().0 == 200);
}

#[test]
fn half_a_node_is_made_anew() {
    let mut world = World::on(Machine::serving());
    world.make_service(1);
    world.deploy_and_wait();
    for is_stopped in [false, true] {
        let before = world.nodes()[0].clone();
        if is_stopped {
            world.stop();
        }
        world.machine.cut_start(&before.name, "app");
        if is_stopped {
            world.start();
        }
        until("it serves", || {
            let nodes = world.nodes();
            nodes.len() == 1 && nodes[0].handle != before.handle && world.get().0 == 200
        });
    }
}

#[test]
fn half_a_node_of_a_deployment_on_its_way_is_made_anew() {
    let mut world =
        World::on(Machine::new(|_, _, _| Behaviour::serves(200).silent_for(Duration::from_secs(1))));
    world.make_service(1);
    let image = world.register();
    world.deploy(&image);
    until("it has a node", || !world.nodes().is_empty());
    world.stop();
    world.machine.cut_start(&world.nodes()[0].name, "app");
    world.start();
    world.wait_for(1, "ACTIVE");
    assert_eq!(world.nodes().len(), 1);
}

#[test]
fn a_container_that_ends_while_it_serves_comes_back() {
    let world = World::on(Machine::serving());
    world.make_service(1);
    world.deploy_and_wait();
    let before = world.nodes()[0].handle.clone();
    world.machine.end(&world.nodes()[0].name, "app", 137);
    until("it is back", || {
        let nodes = world.nodes();
        nodes.len() == 1 && nodes[0].handle != before && world.get().0 == 200
    });
    assert!(world.log("app").iter().any(|line| line == "[deployment:1] app: exited with 137"));
}

#[test]
fn nodes_of_no_service_are_removed() {
    let mut world = World::on(Machine::serving());
    world.make_service(1);
    world.deploy_and_wait();
    world.stop();
    // Another data directory, as after a restore of an older backup.
    world.home = tempfile::tempdir().unwrap();
    world.start();
    until("they go", || world.nodes().is_empty());
}

#[test]
fn a_node_whose_start_was_cut_off_is_made_anew() {
    let mut world = World::on(Machine::serving());
    world.make_service(2);
    world.deploy_and_wait();
    world.stop();
    world.machine.cut_start(&world.nodes()[0].name, "app");
    world.start();
    let are_two = |world: &World| {
        let nodes = world.nodes();
        nodes.len() == 2 && nodes.iter().all(|node| node.containers.len() == 1)
    };
    until("there are two nodes", || are_two(&world));
    // Now a server stops during a deployment.
    world.machine.set_program(|_, _, _| Behaviour::serves(200).silent_for(Duration::from_secs(1)));
    let image = world.register();
    world.deploy(&image);
    let started = || world.nodes().iter().filter(|node| node.name.version == 2).count();
    until("its nodes are started", || started() == 2);
    world.stop();
    let nodes = world.nodes();
    let node = nodes.iter().find(|node| node.name.version == 2).unwrap();
    world.machine.cut_start(&node.name, "app");
    world.start();
    world.wait_for(2, "ACTIVE");
    until("there are two nodes again", || world.versions() == [2, 2] && are_two(&world));
}

#[test]
fn nodes_stay_while_it_cannot_be_read_whose_they_are() {
    let mut world = World::on(Machine::serving());
    world.make_service(2);
    world.deploy_and_wait();
    let before = world.nodes();
    world.stop();
    world.damage("UPDATE tenants SET region = '?'");
    world.start();
    std::thread::sleep(Duration::from_millis(600));
    let unreadable = world.call("GetContainerServices", json!({ "serviceName": "web" }));
    assert_eq!((unreadable.status, world.nodes()), (400, before));
}

#[test]
fn a_pull_login_of_an_earlier_run_is_ended() {
    let mut world = World::on(Machine::serving());
    world.make_service(1);
    let login = world.pull_login();
    assert_eq!(world.knock_at_registry(&login), 200);
    world.stop();
    world.damage("UPDATE registry_logins SET owner = 'server'");
    world.start();
    until("it opens nothing", || world.knock_at_registry(&login) == 401);
}

#[test]
fn a_service_with_damaged_rows_runs_and_says_so() {
    for (damage, is_shown) in [
        ("UPDATE services SET tags = '?'", true),
        ("UPDATE services SET power = '?'", false),
        ("UPDATE deployments SET state = '?'", false),
    ] {
        let mut world = World::on(Machine::serving());
        world.make_service(1);
        world.deploy_and_wait();
        world.stop();
        world.damage(damage);
        world.start();
        until("the endpoint answers", || world.get().0 == 200);
        let all = world.done("GetContainerServices", json!({}));
        let web = &all["containerServices"][0];
        assert_eq!(
            (&web["containerServiceName"], &web["state"]),
            (&json!("web"), &json!("RUNNING")),
            "{web}"
        );
        assert_eq!(web["stateDetail"]["code"] == "UNKNOWN_ERROR", is_shown, "{web}");
        world.deploy_and_wait();
        let tagged = world.call("TagResource", json!({ "resourceName": "web", "tags": [{ "key": "a" }] }));
        assert_eq!(tagged.status, if is_shown { 500 } else { 200 }, "{damage}");
    }
}

#[test]
fn a_service_that_cannot_be_read_does_not_stop_the_others() {
    let mut world = World::on(Machine::serving());
    world.make_service(1);
    world.deploy_and_wait();
    let elsewhere = world.in_region("eu-west-1");
    for (operation, input) in [
        ("CreateContainerService", json!({ "serviceName": "other", "power": "nano", "scale": 1 })),
        ("UpdateContainerService", json!({ "serviceName": "other", "isDisabled": true })),
    ] {
        let answer = elsewhere.lightsail(operation, &input);
        assert_eq!(answer.status, 200, "{:?}", answer.body);
    }
    world.stop();
    world.damage("UPDATE tenants SET region = '?' WHERE region = 'eu-west-1'");
    world.start();
    until("the endpoint answers", || world.get().0 == 200);
    world.deploy_and_wait();
}

#[test]
fn what_a_service_runs_may_be_unreadable_and_it_is_deployed_to() {
    let mut world = World::on(Machine::serving());
    world.make_service(1);
    world.deploy_and_wait();
    let before = world.nodes();
    world.stop();
    world.damage("UPDATE deployments SET sealed_spec = x'00'");
    world.start();
    until("it is said", || world.log("app").iter().any(|line| line.contains("cannot be read")));
    let web = world.service();
    assert_eq!(
        (&web["state"], &web["stateDetail"]["code"]),
        (&json!("RUNNING"), &json!("UNKNOWN_ERROR")),
        "{web}"
    );
    assert_eq!((world.nodes(), world.get().0), (before, 502));
    world.deploy_and_wait();
    until("the endpoint answers", || world.get().0 == 200);
    until("the old node goes", || world.versions() == [2]);
    assert_eq!(world.service()["stateDetail"], json!(null));
}
