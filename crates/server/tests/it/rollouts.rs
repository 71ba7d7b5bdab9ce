//! Deployments, from the call that makes them to their end.

use std::time::Duration;

use gangplank_engine::memory::{Behaviour, Machine};
use serde_json::json;

use crate::world::{World, until, with_endpoint};

#[test]
fn a_deployment_becomes_active_and_serves() {
    let world = World::on(Machine::new(|_, _, _| Behaviour::serves(200).printing(["hello"])));
    world.make_service(1);
    let image = world.register();
    let answer = world.deploy(&image).body;
    let service = &answer["containerService"];
    assert_eq!(service["state"], "DEPLOYING", "{service}");
    assert_eq!(service["nextDeployment"]["version"], 1);
    assert_eq!(service["nextDeployment"]["state"], "ACTIVATING");
    assert!(service["currentDeployment"].is_null());
    world.wait_for(1, "ACTIVE");
    let service = world.service();
    assert_eq!(service["state"], "RUNNING");
    assert_eq!(service["currentDeployment"]["version"], 1);
    assert!(service["nextDeployment"].is_null() && service["stateDetail"].is_null(), "{service}");
    until("the endpoint answers", || world.get().0 == 200);
    until("the log is whole", || {
        let log = world.log("app");
        ["[deployment:1] Creating your deployment", "[deployment:1] Started 1 new node", "hello"]
            .iter()
            .chain(&["[deployment:1] Reached a steady state"])
            .all(|line| log.iter().any(|it| it == line))
    });
}

#[test]
fn who_sees_that_the_first_one_is_active_is_answered() {
    for _ in 0..4 {
        let world = World::on(Machine::serving());
        world.make_service(1);
        let mut visitor = world.visitor();
        let image = world.register();
        world.deploy(&image);
        while world.state_of(1) == "ACTIVATING" {}
        assert_eq!(visitor.status(), 200);
    }
}

#[test]
fn the_next_one_takes_over_and_the_one_before_goes() {
    let world = World::on(Machine::serving());
    world.make_service(2);
    assert_eq!(world.deploy_and_wait(), 1);
    assert_eq!(world.deploy_and_wait(), 2);
    assert_eq!(world.state_of(1), "INACTIVE");
    until("the nodes of the first go", || world.versions() == [2, 2]);
    assert_eq!(world.get().0, 200);
}

#[test]
fn a_second_one_is_refused_while_one_is_on_its_way() {
    let world = World::on(Machine::new(|_, _, _| Behaviour::hangs()));
    world.make_service(1);
    let image = world.register();
    world.deploy(&image);
    let refused = world.deploy(&image);
    assert_eq!((refused.status, refused.error()), (400, "InvalidInputException"));
    assert_eq!(
        refused.message(),
        "Sorry, deployment 1 is in progress for service \"web\". Please wait for it to complete before trying again."
    );
    // The service can still be deleted.
    world.done("DeleteContainerService", json!({ "serviceName": "web" }));
    until("its nodes go", || world.nodes().is_empty());
}

/// Makes a deployment that works, and then one that fails. The failure names its reason, and the first
/// deployment keeps serving.
fn check_failure(behaviour: Behaviour, timeout: Duration, words: &str) -> Vec<String> {
    let world = World::with_timeout(Machine::serving(), timeout);
    world.make_service(1);
    world.deploy_and_wait();
    until("the endpoint answers", || world.get().0 == 200);
    world.machine.set_program(move |node, _, _| match node.version {
        1 => Behaviour::serves(200),
        _ => behaviour.clone(),
    });
    let image = world.register();
    assert_eq!(world.deploy(&image).status, 200);
    until("it fails", || {
        assert_eq!(world.get().0, 200);
        world.state_of(2) == "FAILED"
    });
    let service = world.service();
    assert_eq!(service["state"], "RUNNING");
    assert_eq!(service["currentDeployment"]["version"], 1);
    assert!(service["nextDeployment"].is_null());
    until("its nodes go", || world.versions() == [1]);
    let log = world.log("app");
    assert!(log.iter().any(|line| line.contains(words)), "{words} in {log:#?}");
    assert_eq!(log.last().map(String::as_str), Some("[deployment:2] Canceled"), "{log:#?}");
    log
}

const SHORT: Duration = Duration::from_secs(2);

#[test]
fn one_that_crashes_fails_after_three_starts() {
    let crashes = Behaviour::ends(1, Duration::from_millis(20)).printing(["no database"]);
    let log = check_failure(crashes, crate::world::SOON, "[deployment:2] app: exited with 1, 3 times");
    let count = |text: &str| log.iter().filter(|line| *line == text).count();
    assert_eq!(count("[deployment:2] Started 1 new node"), 3, "{log:#?}");
    assert_eq!(count("no database"), 3, "{log:#?}");
}

#[test]
fn one_that_ends_well_fails_all_the_same() {
    check_failure(
        Behaviour::ends(0, Duration::from_millis(20)),
        crate::world::SOON,
        "app: exited with 0, 3 times",
    );
}

#[test]
fn one_that_never_answers_fails_in_its_time() {
    let log = check_failure(Behaviour::hangs(), SHORT, "[deployment:2] Took too long");
    assert!(log.iter().any(|line| line.contains("GET / on port 80")), "{log:#?}");
}

#[test]
fn one_that_answers_wrongly_fails_in_its_time() {
    check_failure(Behaviour::serves(500), SHORT, "the answer was 500; wanted is a status of 200-499");
}

#[test]
fn one_on_another_port_fails_in_its_time() {
    check_failure(Behaviour::runs(), SHORT, "[deployment:2] Took too long");
}

#[test]
fn one_that_wants_too_much_memory_fails() {
    check_failure(
        Behaviour::runs_out_of_memory(Duration::from_millis(20)),
        crate::world::SOON,
        "wanted more than the 512 MB",
    );
}

#[test]
fn one_that_wanted_too_much_memory_and_then_never_answers_says_so() {
    let world = World::with_timeout(Machine::serving(), SHORT);
    let has_ended = std::sync::atomic::AtomicBool::new(false);
    world.machine.set_program(move |_, _, _| {
        if has_ended.swap(true, std::sync::atomic::Ordering::Relaxed) {
            Behaviour::hangs()
        } else {
            Behaviour::runs_out_of_memory(Duration::from_millis(20))
        }
    });
    world.make_service(1);
    let image = world.register();
    world.deploy(&image);
    until("it fails", || world.state_of(1) == "FAILED");
    let log = world.log("app");
    let last = log.iter().rfind(|line| line.contains("GET / on port 80")).unwrap();
    assert!(last.contains("wanted more than the 512 MB"), "{log:#?}");
}

#[test]
fn one_whose_command_is_not_there_fails() {
    check_failure(Behaviour::refused("exec: \"/nope\": no such file"), crate::world::SOON, "/nope");
}

#[test]
fn the_first_one_that_fails_leaves_the_service_ready() {
    let world = World::on(Machine::new(|_, _, _| Behaviour::ends(2, Duration::ZERO)));
    world.make_service(1);
    let image = world.register();
    world.deploy(&image);
    until("it fails", || world.state_of(1) == "FAILED");
    let service = world.service();
    assert_eq!(service["state"], "READY");
    assert!(service["currentDeployment"].is_null() && service["nextDeployment"].is_null());
    until("its nodes go", || world.nodes().is_empty());
    assert_eq!(world.get(), (404, "404 No Such Service".to_owned()));
}

#[test]
fn a_container_that_waits_for_its_neighbour_is_started_again() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    let starts = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&starts);
    let world = World::on(Machine::new(move |_, container, _| match container {
        "app" if counted.fetch_add(1, Ordering::Relaxed) < 2 => Behaviour::ends(1, Duration::from_millis(10)),
        _ => Behaviour::serves(200),
    }));
    world.make_service(1);
    let mut input = with_endpoint(&world.register());
    input["containers"]["db"] = json!({ "image": input["containers"]["app"]["image"] });
    world.done("CreateContainerServiceDeployment", input);
    world.wait_for(1, "ACTIVE");
    assert_eq!(starts.load(Ordering::Relaxed), 3);
    assert_eq!(world.nodes().len(), 1);
}

#[test]
fn without_an_endpoint_containers_have_to_run_for_a_while() {
    let world = World::on(Machine::new(|_, container, _| match container {
        // Ends with success.
        "once" => Behaviour::ends(0, Duration::from_millis(10)),
        _ => Behaviour::runs(),
    }));
    world.make_service(1);
    let image = world.register();
    let containers = json!({ "bot": { "image": image }, "once": { "image": image } });
    world.done("CreateContainerServiceDeployment", json!({ "serviceName": "web", "containers": containers }));
    world.wait_for(1, "ACTIVE");
    assert_eq!(world.get(), (404, "404 No Such Service".to_owned()));
    // The deployment's node keeps running.
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(world.versions(), [1]);
}

#[test]
fn nodes_are_started_beside_each_other() {
    use gangplank_engine::memory::Step;
    let machine = Machine::serving();
    machine.delay(Step::Start, Duration::from_millis(300));
    let world = World::on(machine);
    world.make_service(8);
    let begun = std::time::Instant::now();
    world.deploy_and_wait();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(world.versions().len(), 8);
}

#[test]
fn images_of_the_current_deployment_and_of_the_one_before_stay_in_the_engine() {
    let world = World::on(Machine::serving());
    world.make_service(1);
    for version in 1..=4 {
        assert_eq!(world.deploy_and_wait(), version);
    }
    until("two images are left", || world.machine.images().len() == 2);
    world.done("DeleteContainerService", json!({ "serviceName": "web" }));
    until("no image is left", || world.machine.images().is_empty());
}

#[test]
fn a_disabled_service_costs_nothing() {
    use gangplank_engine::memory::Step;
    let world = World::on(Machine::serving());
    world.make_service(1);
    world.deploy_and_wait();
    world.done("UpdateContainerService", json!({ "serviceName": "web", "isDisabled": true }));
    world.wait_for_service("DISABLED");
    let looks = || world.machine.calls().iter().filter(|step| **step == Step::Nodes).count();
    let before = looks();
    std::thread::sleep(Duration::from_secs(1));
    // Only the supervisor asks the engine, five times a second in this test.
    assert!(looks() - before < 10, "{}", looks() - before);
}
