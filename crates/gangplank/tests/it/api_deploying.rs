//! The API's immediate answers about deployments that an engine would run.

use gangplank_testkit::{Api, ApiAnswer, Image, TestServer};
use serde_json::{Value, json};

use crate::server_with;

/// A server whose engine is out of reach: requests are accepted and wait. The server may assign 1 vCPU and 2
/// GB.
fn server_with_images() -> TestServer {
    let server = server_with(|builder| {
        builder
            .env("GANGPLANK_ENGINE", "docker")
            .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
            .env("GANGPLANK_ENGINE_CPUS", "1")
            .env("GANGPLANK_ENGINE_MEMORY", "2GiB")
    });
    let api = server.api();
    api.ensure_service("web");
    let registry = server.registry_as(&api.push_login());
    for number in 1..=2 {
        let digest = registry.push_image("sr", &format!("v{number}"), &Image::unique(1));
        api.register("web", "app", &digest);
    }
    server
}

fn deploy(api: &Api, image: &str) -> ApiAnswer {
    let containers = json!({ "app": { "image": image, "ports": { "80": "HTTP" } } });
    api.lightsail(
        "CreateContainerServiceDeployment",
        &json!({ "serviceName": "web", "containers": containers }),
    )
}

fn get(api: &Api, name: &str) -> Value {
    let answer = api.lightsail("GetContainerServices", &json!({ "serviceName": name }));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["containerServices"][0].clone()
}

#[test]
fn a_deployment_is_answered_as_the_next_and_listed() {
    let server = server_with_images();
    let api = server.api();
    let answer = deploy(&api, ":web.app.latest");
    assert_eq!(answer.status, 200, "{answer:?}");
    let service = &answer.body["containerService"];
    assert_eq!((&service["state"], &service["nextDeployment"]["version"]), (&json!("DEPLOYING"), &json!(1)));
    assert_eq!(service["nextDeployment"]["state"], "ACTIVATING");
    assert_eq!(service["nextDeployment"]["containers"]["app"]["image"], ":web.app.latest");
    assert!(service["principalArn"].as_str().unwrap().starts_with("arn:aws:iam::000000000000:role/amazon/"));
    let list = api.lightsail("GetContainerServiceDeployments", &json!({ "serviceName": "web" }));
    assert_eq!(list.body["deployments"], json!([service["nextDeployment"]]));
    let again = deploy(&api, "nginx");
    let expected = "Sorry, deployment 1 is in progress for service \"web\". Please wait for it to complete before \
                    trying again.";
    assert_eq!((again.error(), again.message()), ("InvalidInputException", expected));
    let in_use =
        api.lightsail("DeleteContainerImage", &json!({ "serviceName": "web", "image": ":web.app.2" }));
    assert_eq!(in_use.error(), "InvalidInputException");
}

#[test]
fn what_is_not_registered_is_refused_in_the_services_words() {
    let server = server_with_images();
    let api = server.api();
    for image in [":web.app.3", ":web.other.latest", ":web.other.1"] {
        let answer = deploy(&api, image);
        let expected = format!(
            "Container \"app\" has invalid image \"{image}\".\nExample of valid image: \
             \":container-service-1.frontend-ui.123\"."
        );
        assert_eq!((answer.error(), answer.message()), ("InvalidInputException", expected.as_str()));
    }
    assert_eq!(get(&api, "web")["state"], "READY");
}

#[test]
fn a_disabled_service_and_a_full_machine_take_no_deployment() {
    let server = server_with_images();
    let api = server.api();
    api.lightsail("UpdateContainerService", &json!({ "serviceName": "web", "isDisabled": true }));
    let answer = deploy(&api, "nginx");
    assert_eq!(answer.error(), "InvalidInputException");
    assert!(answer.message().contains("is disabled"), "{answer:?}");
    api.lightsail("UpdateContainerService", &json!({ "serviceName": "web", "isDisabled": false }));
    assert_eq!(deploy(&api, "nginx").status, 200);

    let mut input = json!({
        "serviceName": "more", "power": "nano", "scale": 4,
        "deployment": { "containers": { "app": { "image": "nginx" } } },
    });
    let answer = api.lightsail("CreateContainerService", &input);
    assert_eq!(answer.error(), "InvalidInputException");
    for word in
        ["\"more\" would need 1 vCPU and 2 GB", "promise 1 vCPU and 2 GB", "promised 0.25 vCPU and 0.5 GB"]
    {
        assert!(answer.message().contains(word), "{answer:?}");
    }
    assert_eq!(
        api.lightsail("GetContainerServices", &json!({ "serviceName": "more" })).error(),
        "NotFoundException"
    );
    input["deployment"]["containers"]["app"]["image"] = json!(":more.app.latest");
    assert!(api.lightsail("CreateContainerService", &input).message().contains(":more.app.latest"));
    input["deployment"]["containers"]["app"]["image"] = json!("nginx");
    input["scale"] = json!(3);
    let made = api.lightsail("CreateContainerService", &input).body["containerService"].clone();
    assert_eq!((&made["state"], &made["nextDeployment"]["version"]), (&json!("DEPLOYING"), &json!(1)));
}

#[test]
fn a_retried_deployment_is_made_once() {
    let server = server_with_images();
    let api = server.api();
    let input = json!({ "serviceName": "web", "containers": { "app": { "image": "nginx" } } });
    let call = || {
        let body = serde_json::to_vec(&input).unwrap();
        let target = "Lightsail_20161128.CreateContainerServiceDeployment";
        api.call(target, &body, &[("amz-sdk-invocation-id", "one-and-the-same")])
    };
    let (first, second) = (call(), call());
    assert_eq!((first.status, &first.body), (200, &second.body), "{second:?}");
    assert_eq!(get(&api, "web")["nextDeployment"]["version"], 1);
}
