//! Changes of a running service: scale, power, disabled, enabled, deleted.

use std::path::Path;
use std::time::Duration;

use gangplank_engine::EngineError;
use gangplank_engine::memory::{Machine, Step};
use gangplank_server::TlsFiles;
use serde_json::json;

use crate::world::{World, until};

#[test]
fn scale_goes_up_and_down() {
    let world = World::on(Machine::serving());
    world.make_service(1);
    world.deploy_and_wait();
    for scale in [3, 1] {
        let updated = world.done("UpdateContainerService", json!({ "serviceName": "web", "scale": scale }));
        assert_eq!(updated["containerService"]["state"], "UPDATING");
        world.wait_for_service("RUNNING");
        assert_eq!(world.versions().len(), scale, "{:?}", world.nodes());
        assert_eq!(world.get().0, 200);
    }
}

#[test]
fn another_power_is_another_node_of_the_same_version() {
    let world = World::on(Machine::serving());
    world.make_service(1);
    world.deploy_and_wait();
    let before = world.nodes();
    world.done("UpdateContainerService", json!({ "serviceName": "web", "power": "small" }));
    until("it is settled", || {
        assert_eq!(world.get().0, 200);
        world.service()["state"] == "RUNNING"
    });
    let after = world.nodes();
    assert_eq!(after.len(), 1);
    assert_ne!(after[0].spec, before[0].spec);
    assert_eq!(after[0].name.version, 1);
}

#[test]
fn a_disabled_service_answers_503_and_comes_back() {
    let world = World::on(Machine::serving());
    world.make_service(2);
    world.deploy_and_wait();
    let disabled = world.done("UpdateContainerService", json!({ "serviceName": "web", "isDisabled": true }));
    assert_eq!(disabled["containerService"]["state"], "UPDATING");
    until("it is disabled", || {
        let state = world.service()["state"].clone();
        assert!(state == "UPDATING" || state == "DISABLED", "{state}");
        state == "DISABLED"
    });
    assert!(world.nodes().is_empty());
    assert_eq!(world.get().0, 503);
    let refused = world.deploy(&world.register());
    assert_eq!((refused.status, refused.error()), (400, "InvalidInputException"));
    let enabled = world.done("UpdateContainerService", json!({ "serviceName": "web", "isDisabled": false }));
    assert_eq!(enabled["containerService"]["state"], "UPDATING");
    until("it runs", || {
        let state = world.service()["state"].clone();
        assert!(state == "UPDATING" || state == "RUNNING", "{state}");
        state == "RUNNING"
    });
    assert_eq!((world.get().0, world.versions()), (200, vec![1, 1]));
}

#[test]
fn a_disabled_service_is_left_alone() {
    let mut world = World::on(Machine::serving());
    world.make_service(1);
    world.deploy_and_wait();
    world.done("UpdateContainerService", json!({ "serviceName": "web", "isDisabled": true }));
    world.wait_for_service("DISABLED");
    world.stop();
    world.start();
    until("the endpoint says so", || world.get().0 == 503);
    let before = world.machine.calls().len();
    std::thread::sleep(Duration::from_secs(1));
    let calls = world.machine.calls().len() - before;
    assert!(calls < 50, "{calls} calls of the engine in a second");
    world.done("UpdateContainerService", json!({ "serviceName": "web", "isDisabled": false }));
    world.wait_for_service("RUNNING");
    assert_eq!((world.get().0, world.versions()), (200, vec![1]));
}

#[test]
fn a_service_that_is_enabled_before_it_ever_ran_is_not_there() {
    let world = World::on(Machine::serving());
    world.make_service(1);
    for (is_disabled, state, status) in [(true, "DISABLED", 503), (false, "READY", 404)] {
        let change = json!({ "serviceName": "web", "isDisabled": is_disabled });
        world.done("UpdateContainerService", change);
        world.wait_for_service(state);
        until("the endpoint follows", || world.get().0 == status);
    }
}

#[test]
fn a_domain_goes_from_one_service_to_another() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::on(Machine::serving());
    world.certificates.insert("shop".to_owned(), certificate(folder.path(), "www.example.com"));
    world.stop();
    world.start();
    world.make_service(1);
    world.deploy_and_wait();
    // A later service whose deployment failed.
    let later = json!({ "serviceName": "later", "power": "nano", "scale": 1, "publicDomainNames": { "shop": ["www.example.com"] } });
    world.done("CreateContainerService", later);
    let of_later = || {
        world.done("GetContainerServices", json!({ "serviceName": "later" }))["containerServices"][0].clone()
    };
    world.machine.fail(Step::EnsureImage, EngineError::NoImage("there is none".to_owned()));
    let missing = json!({ "serviceName": "later", "containers": { "app": { "image": "none" } } });
    world.done("CreateContainerServiceDeployment", missing);
    until("it has failed", || of_later()["state"] == "READY");
    for (service, domains) in [("later", json!([])), ("web", json!(["www.example.com"]))] {
        let change = json!({ "serviceName": service, "publicDomainNames": { "shop": domains } });
        let updated = world.done("UpdateContainerService", change);
        // A service without nodes has nothing to update.
        let state = if service == "web" { "UPDATING" } else { "READY" };
        assert_eq!(updated["containerService"]["state"], state);
    }
    world.wait_for_service("RUNNING");
    assert_eq!(world.fetch("http://www.example.com/").0, 200, "who sees that it is over finds it there");
    let nodes = world.nodes();
    world
        .done("UpdateContainerService", json!({ "serviceName": "web", "publicDomainNames": { "shop": [] } }));
    world.wait_for_service("RUNNING");
    assert_eq!((world.nodes(), world.fetch("http://www.example.com/").0), (nodes, 404));
    world.done(
        "UpdateContainerService",
        json!({ "serviceName": "web", "publicDomainNames": { "shop": ["www.example.com"] } }),
    );
    until("the domain leads to it again", || world.fetch("http://www.example.com/").0 == 200);
}

/// Writes a certificate for a domain, and its key.
pub(crate) fn certificate(folder: &Path, domain: &str) -> TlsFiles {
    let made = rcgen::generate_simple_self_signed(vec![domain.to_owned()]).unwrap();
    let files = TlsFiles { certificate: folder.join("cert.pem"), key: folder.join("key.pem") };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    files
}

#[test]
fn a_deleted_service_leaves_nothing() {
    let world = World::on(Machine::serving());
    world.make_service(2);
    world.deploy_and_wait();
    let url = world.service()["url"].as_str().unwrap().to_owned();
    world.done("DeleteContainerService", json!({ "serviceName": "web" }));
    let gone = world.call("GetContainerServices", json!({ "serviceName": "web" }));
    assert_eq!(gone.error(), "NotFoundException");
    until("its nodes go", || world.nodes().is_empty());
    assert_eq!(world.fetch(&url).0, 404);
    // A later service with the same name begins without domains.
    world.make_service(1);
    assert_ne!(world.service()["url"], url);
    assert_eq!(world.deploy_and_wait(), 1);
    assert_eq!(world.versions(), [1]);
}

#[test]
fn what_is_promised_is_bounded() {
    let world = World::on(Machine::serving());
    world.make_service(1);
    world.deploy_and_wait();
    // The machine in memory has four processors, so sixteen may be assigned.
    let refused =
        world.call("UpdateContainerService", json!({ "serviceName": "web", "power": "xlarge", "scale": 20 }));
    assert_eq!((refused.status, refused.error()), (400, "InvalidInputException"));
    assert!(refused.message().contains("80"), "{}", refused.message());
    assert_eq!(world.service()["state"], "RUNNING");
}

#[test]
fn an_image_in_use_is_not_deleted() {
    let world = World::on(Machine::serving());
    world.make_service(1);
    world.deploy_and_wait();
    let image = json!({ "serviceName": "web", "image": ":web.app.1" });
    let refused = world.call("DeleteContainerImage", image.clone());
    assert_eq!((refused.status, refused.error()), (400, "InvalidInputException"));
    world.deploy_and_wait();
    world.done("DeleteContainerImage", image);
}

#[test]
fn a_change_ends_in_its_time_also_without_an_engine() {
    let world = World::with_timeout(Machine::serving(), std::time::Duration::from_secs(2));
    world.make_service(1);
    world.deploy_and_wait();
    world.machine.go_away();
    let updated = world.done("UpdateContainerService", json!({ "serviceName": "web", "scale": 2 }));
    assert_eq!(updated["containerService"]["state"], "UPDATING");
    world.wait_for_service("RUNNING");
    world.machine.come_back();
    until("it has both nodes", || world.versions().len() == 2);
    world.machine.go_away();
    world.done("UpdateContainerService", json!({ "serviceName": "web", "isDisabled": true }));
    world.wait_for_service("DISABLED");
    world.machine.come_back();
    until("its nodes go", || world.nodes().is_empty());
}
