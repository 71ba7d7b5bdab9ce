//! Deployments of services on which nothing runs; powers and the API's metadata.

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
fn a_right_deployment_fails_and_says_why() {
    let server = server();
    let api = server.api();
    api.ensure_service("web");
    let mut input = deploy(json!({ "app": { "image": "nginx:latest", "ports": { "80": "HTTP" } } }));
    input["publicEndpoint"] = json!({ "containerName": "app", "containerPort": 80 });
    for input in
        [input, deploy(json!({ "app": { "image": ":web.app.latest" } })), json!({ "serviceName": "web" })]
    {
        let message =
            check_refused(&api, "CreateContainerServiceDeployment", &input, "OperationFailureException");
        assert!(message.contains("container engine"), "{message}");
    }
    let with_deployment = json!({
        "serviceName": "new", "power": "nano", "scale": 1,
        "deployment": { "containers": { "app": { "image": "nginx" } } },
    });
    check_refused(&api, "CreateContainerService", &with_deployment, "OperationFailureException");
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
    assert_eq!((powers[0]["cpuCount"].as_f64(), powers[0]["ramSizeInGb"].as_f64()), (Some(0.25), Some(0.5)));
    assert_eq!(powers[3]["price"].as_f64(), Some(40.0));
    let metadata = api.lightsail("GetContainerAPIMetadata", &json!({})).body["metadata"].clone();
    assert_eq!(metadata[0]["name"], "lightsailctlVersion");
    assert_eq!(metadata[0]["value"].as_str().map(|version| version.split('.').count()), Some(3));
}
