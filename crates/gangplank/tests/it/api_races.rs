//! Concurrent calls: one-time actions happen once, and quotas hold.

use gangplank_testkit::{Api, ApiAnswer, Image};
use serde_json::{Value, json};

use crate::{server, server_with};

/// Sends all inputs at the same time.
fn at_once(api: &Api, operation: &str, inputs: &[Value]) -> Vec<ApiAnswer> {
    std::thread::scope(|scope| {
        let calls: Vec<_> =
            inputs.iter().map(|input| scope.spawn(|| api.lightsail(operation, input))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    })
}

/// Checks the number of successes. All others have to be `InvalidInputException`.
#[track_caller]
fn check_succeeded(answers: &[ApiAnswer], expected: usize) {
    let succeeded = answers.iter().filter(|answer| answer.status == 200).count();
    let refused = answers.iter().filter(|answer| answer.error() == "InvalidInputException").count();
    assert_eq!((succeeded, refused), (expected, answers.len() - expected), "{answers:?}");
}

fn service(name: &str) -> Value {
    json!({ "serviceName": name, "power": "nano", "scale": 1 })
}

#[test]
fn a_name_is_given_once() {
    let server = server();
    let api = server.api();
    let inputs: Vec<Value> = (1..=10)
        .map(|scale| {
            let mut input = service("web");
            input["scale"] = json!(scale);
            input
        })
        .collect();
    let answers = at_once(&api, "CreateContainerService", &inputs);
    check_succeeded(&answers, 1);
    let made = answers.iter().find(|answer| answer.status == 200).unwrap();
    let shown = api.lightsail("GetContainerServices", &json!({ "serviceName": "web" }));
    assert_eq!(shown.body["containerServices"][0]["scale"], made.body["containerService"]["scale"]);
}

#[test]
fn quotas_hold_against_calls_at_the_same_time() {
    let server = server_with(|builder| {
        builder
            .env("GANGPLANK_MAX_SERVICES_PER_REGION", "3")
            .env("GANGPLANK_MAX_IMAGES_PER_SERVICE", "4")
            .env("GANGPLANK_MAX_TAGS_PER_RESOURCE", "5")
    });
    let api = server.api();
    let names: Vec<Value> = (0..8).map(|number| service(&format!("web-{number}"))).collect();
    let answers = at_once(&api, "CreateContainerService", &names);
    check_succeeded(&answers, 3);
    let made = answers.iter().find(|answer| answer.status == 200).unwrap();
    let name = made.body["containerService"]["containerServiceName"].clone();

    let digest = server.registry_as(&api.push_login()).push_image("sr", "any", &Image::unique(1));
    let register = json!({ "serviceName": name, "label": "app", "digest": digest });
    check_succeeded(&at_once(&api, "RegisterContainerImage", &vec![register; 8]), 4);
    let tags: Vec<Value> = (0..8)
        .map(|number| json!({ "resourceName": name, "tags": [{ "key": format!("key-{number}") }] }))
        .collect();
    check_succeeded(&at_once(&api, "TagResource", &tags), 5);
}

#[test]
fn changes_to_different_members_all_stay() {
    let server = server();
    let api = server.api();
    api.ensure_service("web");
    let role = json!({ "ecrImagePullerRole": { "isActive": true } });
    let inputs = [
        json!({ "serviceName": "web", "scale": 7 }),
        json!({ "serviceName": "web", "power": "large" }),
        json!({ "serviceName": "web", "isDisabled": true }),
        json!({ "serviceName": "web", "privateRegistryAccess": role }),
    ];
    check_succeeded(&at_once(&api, "UpdateContainerService", &inputs), 4);
    let service = api.lightsail("GetContainerServices", &json!({})).body["containerServices"][0].clone();
    assert_eq!((&service["scale"], &service["power"]), (&json!(7), &json!("large")));
    assert_eq!(service["isDisabled"], true);
    assert_eq!(service["privateRegistryAccess"]["ecrImagePullerRole"]["isActive"], true);
}

#[test]
fn a_service_is_deleted_once_and_takes_no_image_after_that() {
    let server = server();
    let api = server.api();
    api.ensure_service("web");
    let digest = server.registry_as(&api.push_login()).push_image("sr", "any", &Image::unique(1));
    let register = json!({ "serviceName": "web", "label": "app", "digest": digest });
    let (deleted, registered) = std::thread::scope(|scope| {
        let deleted = scope
            .spawn(|| at_once(&api, "DeleteContainerService", &vec![json!({ "serviceName": "web" }); 4]));
        let registered = scope.spawn(|| at_once(&api, "RegisterContainerImage", &vec![register.clone(); 4]));
        (deleted.join().unwrap(), registered.join().unwrap())
    });
    assert_eq!(deleted.iter().filter(|answer| answer.status == 200).count(), 1, "{deleted:?}");
    for answer in deleted.iter().chain(&registered) {
        assert!(answer.status == 200 || answer.error() == "NotFoundException", "{answer:?}");
    }
    api.ensure_service("web");
    let images = api.lightsail("GetContainerImages", &json!({ "serviceName": "web" }));
    assert_eq!(images.body["containerImages"], json!([]));
}

#[test]
fn twenty_logins_at_once_are_twenty() {
    let server = server();
    let api = server.api();
    api.ensure_service("web");
    let answers = at_once(&api, "CreateContainerServiceRegistryLogin", &vec![json!({}); 20]);
    let passwords: std::collections::BTreeSet<_> =
        answers.iter().map(|answer| answer.body["registryLogin"]["password"].to_string()).collect();
    assert_eq!(passwords.len(), 20);
    for answer in &answers {
        assert_eq!(server.registry_as(&gangplank_testkit::Login::of(answer)).status("GET", ""), 200);
    }
}
