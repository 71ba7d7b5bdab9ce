//! Deployments of services that run nothing; powers and the API's metadata.

use gangplank_testkit::Api;
use serde_json::{Value, json};

use crate::server;

#[track_caller]
fn check_refused(api: &Api, operation: &str, input: &Value, error: &str) -> String {
    let answer = api.lightsail(operation, input);
    assert_eq!((answer.status, answer.error()), (400, error), "{operation} {input}: {answer:?}");
    answer.message().to_owned()
}

fn deploy(containers: Value) -> Value {
    json!({ "serviceName": "web", "containers": containers })
}

#[test]
fn without_an_engine_a_right_deployment_is_refused_with_what_to_do() {
    let server = server();
    let api = server.api();
    api.ensure_service("web");
    let mut input = deploy(json!({ "app": { "image": "nginx:latest", "ports": { "80": "HTTP" } } }));
    input["publicEndpoint"] = json!({ "containerName": "app", "containerPort": 80 });
    for input in [input, deploy(json!({ "app": { "image": ":web.app.latest" } }))] {
        let message =
            check_refused(&api, "CreateContainerServiceDeployment", &input, "InvalidInputException");
        assert!(message.contains("no container engine") && message.contains("--engine"), "{message}");
    }
    let mut with_deployment = json!({
        "serviceName": "new", "power": "nano", "scale": 1,
        "deployment": { "containers": { "app": { "image": "nginx" } } },
    });
    let message = check_refused(&api, "CreateContainerService", &with_deployment, "InvalidInputException");
    assert!(message.contains("--engine"), "{message}");
    // Errors in the deployment itself are reported first.
    with_deployment["deployment"] = json!({});
    let message = check_refused(&api, "CreateContainerService", &with_deployment, "InvalidInputException");
    assert!(message.contains("no containers"), "{message}");
    check_refused(&api, "GetContainerServices", &json!({ "serviceName": "new" }), "NotFoundException");
    let list = api.lightsail("GetContainerServiceDeployments", &json!({ "serviceName": "web" }));
    assert_eq!((list.status, list.body), (200, json!({ "deployments": [] })));
}

#[test]
fn a_wrong_deployment_is_refused_in_the_services_words() {
    let server = server();
    let api = server.api();
    api.ensure_service("web");
    let check = |input: Value, word: &str| {
        let message =
            check_refused(&api, "CreateContainerServiceDeployment", &input, "InvalidInputException");
        assert!(message.contains(word), "{message} does not say {word}");
    };
    let pattern = "Container name \"backend_api\" does not match pattern: \
                   ^(?:[a-z0-9]{1,2}|[a-z0-9][a-z0-9-]+[a-z0-9])$";
    check(deploy(json!({ "backend_api": { "image": "nginx" } })), pattern);
    let image = "Container \"ui\" has invalid image \":web.ui.LATEST\".\nExample of valid image: ";
    check(deploy(json!({ "ui": { "image": ":web.ui.LATEST" } })), image);
    let image = "Container \"ui\" has invalid image \":other.ui.1\".\nExample of valid image: ";
    check(deploy(json!({ "ui": { "image": ":other.ui.1" } })), image);
    check(json!({ "serviceName": "web" }), "no containers");
    check(deploy(json!({})), "no containers");
    let both = json!({ "image": "nginx", "ports": { "80": "HTTP" } });
    check(deploy(json!({ "a": both, "b": both })), "both open port 80");
    let long = json!({ "image": "nginx", "environment": { "A": "hunter2".repeat(10_000) } });
    check(deploy(json!({ "ui": long })), "65536");
    check(deploy(json!({ "ui": { "image": "nginx", "environment": { "A=B": "" } } })), "A=B");
    check(deploy(json!({ "ui": { "image": "" } })), "image");
    check(deploy(json!({ "ui": {} })), "image");
    check(deploy(json!({ "ui": { "image": "nginx", "ports": { "0": "HTTP" } } })), "port");
    check(deploy(json!({ "ui": { "image": "nginx", "ports": { "80": "SCTP" } } })), "HTTP");
    let eleven: serde_json::Map<String, Value> =
        (0..11).map(|number| (format!("c{number}"), json!({ "image": "nginx" }))).collect();
    check(deploy(Value::Object(eleven)), "10");
    let mut input = deploy(json!({ "ui": { "image": "nginx", "ports": { "80": "HTTP", "53": "UDP" } } }));
    for (endpoint, word) in [
        (json!({ "containerName": "other", "containerPort": 80 }), "other"),
        (json!({ "containerName": "ui", "containerPort": 81 }), "81"),
        (json!({ "containerName": "ui", "containerPort": 53 }), "53"),
        (json!({ "containerName": "ui" }), "containerPort"),
        (json!({ "containerPort": 80 }), "containerName"),
        (
            json!({ "containerName": "ui", "containerPort": 80, "healthCheck": { "timeoutSeconds": 1 } }),
            "2 to 60",
        ),
        (
            json!({ "containerName": "ui", "containerPort": 80, "healthCheck": { "intervalSeconds": 301 } }),
            "5 to 300",
        ),
        (json!({ "containerName": "ui", "containerPort": 80, "healthCheck": { "path": "x" } }), "path"),
        (
            json!({ "containerName": "ui", "containerPort": 80, "healthCheck": { "successCodes": "200-" } }),
            "successCodes",
        ),
    ] {
        input["publicEndpoint"] = endpoint;
        check(input.clone(), word);
    }
}

#[test]
fn powers_and_metadata_are_what_clients_look_for() {
    let server = server();
    let api = server.api();
    let answer = api.lightsail("GetContainerServicePowers", &json!({}));
    let powers = answer.body["powers"].as_array().unwrap().clone();
    let names: Vec<_> = powers.iter().map(|power| power["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["nano", "micro", "small", "medium", "large", "xlarge"]);
    for power in &powers {
        assert_eq!(power["powerId"], format!("{}-1", power["name"].as_str().unwrap()));
        for member in ["price", "cpuCount", "ramSizeInGb"] {
            assert!(power[member].as_f64().is_some_and(|number| number > 0.0), "{member} of {power}");
        }
        assert_eq!(power["isActive"], true);
    }
    let numbers: Vec<_> = powers
        .iter()
        .map(|power| ["cpuCount", "ramSizeInGb", "price"].map(|member| power[member].as_f64().unwrap()))
        .collect();
    let expected = [
        [0.25, 0.5, 7.0],
        [0.25, 1.0, 10.0],
        [0.5, 1.0, 15.0],
        [1.0, 2.0, 40.0],
        [2.0, 4.0, 80.0],
        [4.0, 8.0, 160.0],
    ];
    assert_eq!(numbers, expected);
    let metadata = api.lightsail("GetContainerAPIMetadata", &json!({})).body["metadata"].clone();
    assert_eq!(metadata[0]["name"], "lightsailctlVersion");
    assert_eq!(metadata[0]["value"].as_str().map(|version| version.split('.').count()), Some(3));
}
