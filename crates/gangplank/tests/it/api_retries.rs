//! A call that is repeated with the same invocation id has its effect once.

use gangplank_testkit::{Api, ApiAnswer, Image, TestServer};
use serde_json::{Value, json};

use crate::server;

const REGISTER: &str = "Lightsail_20161128.RegisterContainerImage";
const CREATE: &str = "Lightsail_20161128.CreateContainerService";

fn call(api: &Api, target: &str, input: &Value, invocation: &str, attempt: u32) -> ApiAnswer {
    let attempt = format!("attempt={attempt}; max=3");
    let headers = [("amz-sdk-invocation-id", invocation), ("amz-sdk-request", attempt.as_str())];
    api.call(target, input.to_string().as_bytes(), &headers)
}

fn push(server: &TestServer) -> String {
    let api = server.api();
    api.ensure_service("web");
    server.registry_as(&api.push_login()).push_image("sr", "any", &Image::unique(1))
}

fn registered(api: &Api) -> usize {
    let answer = api.lightsail("GetContainerImages", &json!({ "serviceName": "web" }));
    answer.body["containerImages"].as_array().unwrap().len()
}

#[test]
fn a_repeated_registration_is_made_once() {
    let server = server();
    let (api, digest) = (server.api(), push(&server));
    let input = json!({ "serviceName": "web", "label": "app", "digest": digest });
    let first = call(&api, REGISTER, &input, "one", 1);
    let again = call(&api, REGISTER, &input, "one", 2);
    assert_eq!((first.status, &again.body), (200, &first.body));
    assert_eq!(registered(&api), 1);
    // Another call, label or digest makes a new registration, and so does a call without an id.
    assert_eq!(call(&api, REGISTER, &input, "two", 1).body["containerImage"]["image"], ":web.app.2");
    let labelled = json!({ "serviceName": "web", "label": "other", "digest": digest });
    assert_eq!(call(&api, REGISTER, &labelled, "one", 1).body["containerImage"]["image"], ":web.other.3");
    assert_eq!(api.register("web", "app", &digest), ":web.app.4");
    assert_eq!(api.register("web", "app", &digest), ":web.app.5");
    assert_eq!(call(&api, REGISTER, &input, "one", 3).body, first.body);
}

#[test]
fn attempts_at_the_same_time_register_once() {
    let server = server();
    let (api, digest) = (server.api(), push(&server));
    let input = json!({ "serviceName": "web", "label": "app", "digest": digest });
    let answers: Vec<ApiAnswer> = std::thread::scope(|scope| {
        let attempts: Vec<_> = (1..=8)
            .map(|attempt| {
                let (api, input) = (&api, &input);
                scope.spawn(move || call(api, REGISTER, input, "raced", attempt))
            })
            .collect();
        attempts.into_iter().map(|attempt| attempt.join().unwrap()).collect()
    });
    for answer in &answers {
        assert_eq!(answer.body["containerImage"]["image"], ":web.app.1", "{answer:?}");
    }
    assert_eq!(registered(&api), 1);
}

#[test]
fn the_same_id_of_another_key_is_another_call() {
    let server = server();
    let (api, digest) = (server.api(), push(&server));
    let key = api.gangplank("CreateAccessKey", &json!({}));
    let colleague = api.as_key(&key.body["accessKey"]);
    let input = json!({ "serviceName": "web", "label": "app", "digest": digest });
    assert_eq!(call(&api, REGISTER, &input, "same", 1).body["containerImage"]["image"], ":web.app.1");
    assert_eq!(call(&colleague, REGISTER, &input, "same", 1).body["containerImage"]["image"], ":web.app.2");

    let service = json!({ "serviceName": "new", "power": "nano", "scale": 1 });
    assert_eq!(call(&api, CREATE, &service, "same", 1).status, 200);
    assert_eq!(call(&colleague, CREATE, &service, "same", 2).error(), "InvalidInputException");
}

#[test]
fn a_repeated_creation_makes_one_service() {
    let server = server();
    let api = server.api();
    let input = json!({ "serviceName": "web", "power": "nano", "scale": 1 });
    let first = call(&api, CREATE, &input, "one", 1);
    let again = call(&api, CREATE, &input, "one", 2);
    assert_eq!((first.status, again.status), (200, 200), "{again:?}");
    assert_eq!(again.body["containerService"]["arn"], first.body["containerService"]["arn"]);
    assert_eq!(call(&api, CREATE, &input, "two", 1).error(), "InvalidInputException");
    assert_eq!(api.lightsail("CreateContainerService", &input).error(), "InvalidInputException");
}

#[test]
fn a_retry_is_known_after_a_crash() {
    let mut server = server();
    let (api, digest) = (server.api(), push(&server));
    let input = json!({ "serviceName": "web", "label": "app", "digest": digest });
    let first = call(&api, REGISTER, &input, "one", 1);
    server.kill();
    server.restart();
    assert_eq!(call(&api, REGISTER, &input, "one", 2).body, first.body);
    assert_eq!(registered(&api), 1);
}

#[test]
fn an_id_that_is_none_is_no_reason_to_refuse() {
    let server = server();
    let (api, digest) = (server.api(), push(&server));
    let input = json!({ "serviceName": "web", "label": "app", "digest": digest });
    let long = "i".repeat(10_000);
    for (number, id) in ["", long.as_str(), "'; DROP TABLE services;--", "a b\tc"].into_iter().enumerate() {
        let answer = call(&api, REGISTER, &input, id, 1);
        assert_eq!(answer.body["containerImage"]["image"], format!(":web.app.{}", number + 1), "{id}");
    }
}
