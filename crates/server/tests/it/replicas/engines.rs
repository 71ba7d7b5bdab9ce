//! Engines that stop while their server continues, and services that are too large for any engine.

use std::thread::sleep;
use std::time::Duration;

use gangplank_engine::Host;
use serde_json::json;

use super::machines;
use super::world::Replicas;
use crate::world::until;

/// The number of servers that may get services.
fn announced(replicas: &Replicas) -> usize {
    replicas.query("SELECT count(*) FROM replicas").trim().parse().unwrap()
}

#[test]
fn a_server_whose_engine_stays_away_gives_its_services_to_another() {
    let Some(replicas) = Replicas::on(machines(2)) else { return };
    replicas.deploy_first(0, "web", 1);
    let first = replicas.only();
    let other = 1 - first;
    until("both answer", || (0..2).all(|number| replicas.visit(number, "web") == 200));
    let (machine, place) = (&replicas.machines[first], replicas.place());
    machine.go_away();
    // This is much longer than the server waits for its engine.
    sleep(Duration::from_secs(3));
    assert_eq!(replicas.place(), place, "a node that answers stays in service");
    assert_eq!((replicas.visit(first, "web"), replicas.visit(other, "web")), (200, 200));
    machine.reboot();
    until("it gets no services", || announced(&replicas) == 1);
    until("the other one runs it", || !replicas.machines[other].node_names().is_empty());
    until("both answer again", || (0..2).all(|number| replicas.visit(number, "web") == 200));
    machine.come_back();
    until("the old node goes", || machine.node_names().is_empty());
    assert_eq!((replicas.visit(first, "web"), replicas.visit(other, "web")), (200, 200));
    until("it may get services again", || announced(&replicas) == 2);
}

#[test]
fn a_server_whose_engine_stays_away_keeps_its_services_if_nobody_else_can_run_them() {
    let Some(replicas) = Replicas::on_and_idle(machines(1), 1) else { return };
    replicas.deploy_first(0, "web", 1);
    let machine = &replicas.machines[0];
    machine.go_away();
    machine.reboot();
    until("nobody answers", || replicas.visit(0, "web") != 200);
    sleep(Duration::from_secs(3));
    assert_eq!(replicas.query("SELECT count(*) FROM claims WHERE name LIKE 'service %'").trim(), "1");
    machine.come_back();
    until("both answer", || (0..2).all(|number| replicas.visit(number, "web") == 200));
}

#[test]
fn a_service_fits_on_one_engine() {
    let machines = machines(2);
    // A nano node needs half a GB of memory and 0.25 processors. Each processor may be promised four times.
    machines[0].set_host(Host { cpus: 4.0, memory: 3 << 29 });
    machines[1].set_host(Host { cpus: 1.0, memory: 2 << 30 });
    let Some(replicas) = Replicas::on(machines) else { return };
    replicas.deploy_first(0, "web", 1);
    until("both engines are known", || announced(&replicas) == 2);
    let service = |scale: u32| {
        json!({
            "serviceName": "larger",
            "power": "nano",
            "scale": scale,
            "deployment": { "containers": { "app": { "image": "docker.io/library/app:1" } } },
        })
    };
    // All engines together could not hold this service, either. So every server refuses it.
    let knows_both = |number: usize| {
        let why = replicas.refused(number, "CreateContainerService", &service(20)).unwrap();
        why.contains("the largest one")
    };
    until("both servers know both engines", || knows_both(0) && knows_both(1));
    let scale = |scale: u32| json!({ "serviceName": "web", "scale": scale });
    let why = replicas.refused(1, "UpdateContainerService", &scale(5)).unwrap();
    assert!(why.contains("1.25 vCPU and 2.5 GB") && why.contains("4 vCPU and 2 GB"), "{why}");
    assert_eq!(replicas.refused(1, "UpdateContainerService", &scale(4)), None);
    let larger = service(5);
    assert!(replicas.refused(0, "CreateContainerService", &larger).unwrap().contains("2.5 GB"));
    let input = json!({ "serviceName": "larger", "power": "nano", "scale": 5 });
    replicas.done(0, "CreateContainerService", &input);
    let input = json!({ "serviceName": "larger", "containers": larger["deployment"]["containers"] });
    assert!(replicas.refused(0, "CreateContainerServiceDeployment", &input).unwrap().contains("2.5 GB"));
}
