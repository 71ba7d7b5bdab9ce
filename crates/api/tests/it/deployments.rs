//! What makes sense as a deployment.

use gangplank_api::lightsail::{
    CreateContainerServiceDeploymentRequest, CreateContainerServiceRequest, MAX_CONTAINERS,
};
use serde_json::{Value, json};

use crate::{accept, invalid};

type Deployment = CreateContainerServiceDeploymentRequest;

fn containers(containers: &Value) -> Value {
    json!({"serviceName": "www", "containers": containers})
}

fn image(image: &str) -> Value {
    containers(&json!({"web": {"image": image}}))
}

fn endpoint(endpoint: &Value) -> Value {
    let web = json!({"image": "nginx", "ports": {"80": "HTTP", "443": "HTTPS", "53": "UDP"}});
    json!({"serviceName": "www", "containers": {"web": web}, "publicEndpoint": endpoint})
}

fn health(check: &Value) -> Value {
    endpoint(&json!({"containerName": "web", "containerPort": 80, "healthCheck": check}))
}

#[test]
fn a_whole_deployment_is_read() {
    let request: Deployment = accept(&json!({
        "serviceName": "www",
        "containers": {
            "web": {"image": ":www.web.3", "command": ["serve", ""], "environment": {"A": "", "B_1": "x=y"},
                    "ports": {"8080": "HTTP"}},
            "side-car": {"image": "registry.example:5000/a/b@sha256:00"},
        },
        "publicEndpoint": {"containerName": "web", "containerPort": 8080, "healthCheck": {"path": "/up"}},
    }));
    let containers = request.containers.unwrap();
    assert_eq!(containers["web"].command.as_deref().unwrap(), ["serve", ""]);
    assert_eq!(request.public_endpoint.unwrap().health_check.unwrap().path.as_deref(), Some("/up"));
    accept::<Deployment>(&json!({"serviceName": "www"}));
}

#[test]
fn container_names_are_refused_in_the_words_of_the_real_service() {
    let message = invalid::<Deployment>(&containers(&json!({"backend_api": {"image": "nginx"}})));
    let pattern = "^(?:[a-z0-9]{1,2}|[a-z0-9][a-z0-9-]+[a-z0-9])$";
    assert_eq!(message, format!("Container name \"backend_api\" does not match pattern: {pattern}"));
    accept::<Deployment>(&containers(&json!({"a".repeat(53): {"image": "nginx"}})));
    let message = invalid::<Deployment>(&containers(&json!({"a".repeat(54): {"image": "nginx"}})));
    assert!(message.ends_with("is 54 characters long; allowed is 1 to 53."), "{message}");
}

#[test]
fn a_service_checks_its_first_deployment_too() {
    let request =
        json!({"serviceName": "www", "power": "nano", "scale": 1, "deployment": {"containers": {"a": {}}}});
    assert_eq!(invalid::<CreateContainerServiceRequest>(&request), "Container \"a\" has no image.");
}

#[test]
fn ten_containers_and_no_more() {
    let many =
        |count| (0..count).map(|number| (format!("c{number}"), json!({"image": "nginx"}))).collect::<Value>();
    accept::<Deployment>(&containers(&many(MAX_CONTAINERS)));
    let message = invalid::<Deployment>(&containers(&many(MAX_CONTAINERS + 1)));
    assert_eq!(message, "The deployment has 11 containers; at most 10 are allowed.");
}

#[test]
fn images() {
    for good in
        [":www.web.3", ":www.web.latest", "nginx", "nginx:latest", "1.dkr.ecr.us-east-1.amazonaws.com/a:b"]
    {
        accept::<Deployment>(&image(good));
    }
    for bad in ["", ":", ":www.web.LATEST", ":www.web", ":www.web.0", "a b", "nginx\n", &"a".repeat(513)] {
        invalid::<Deployment>(&image(bad));
    }
    let message = invalid::<Deployment>(&containers(
        &json!({"frontend-ui": {"image": ":container-service-1.my-react-ui.LATEST"}}),
    ));
    let expected = "Container \"frontend-ui\" has invalid image \":container-service-1.my-react-ui.LATEST\".\n\
                    Example of valid image: \":container-service-1.frontend-ui.123\".";
    assert_eq!(message, expected);
}

#[test]
fn ports() {
    let open = |port: &str, protocol: &str| {
        containers(&json!({"web": {"image": "nginx", "ports": {port: protocol}}}))
    };
    for (port, protocol) in [("1", "HTTP"), ("65535", "HTTPS"), ("80", "TCP"), ("53", "UDP")] {
        accept::<Deployment>(&open(port, protocol));
    }
    for port in ["", "0", "080", "65536", "-1", "+1", "http", " 80"] {
        let message = invalid::<Deployment>(&open(port, "HTTP"));
        assert_eq!(message, format!("Container \"web\" has invalid port {port:?}; allowed is 1 to 65535."));
    }
    let message = invalid::<Deployment>(&open("80", "http"));
    assert_eq!(message, "containers.web.ports.80 \"http\" is not one of: HTTP, HTTPS, TCP, UDP");
}

#[test]
fn the_endpoint_is_an_open_port_of_a_container() {
    for port in [80, 443] {
        accept::<Deployment>(&endpoint(&json!({"containerName": "web", "containerPort": port})));
    }
    for port in [53, 81, 0, -1] {
        let message =
            invalid::<Deployment>(&endpoint(&json!({"containerName": "web", "containerPort": port})));
        let start =
            format!("publicEndpoint.containerPort {port} must be a port that container \"web\" opens");
        assert!(message.starts_with(&start), "{message}");
    }
    let message = invalid::<Deployment>(&endpoint(&json!({"containerName": "db", "containerPort": 80})));
    assert!(message.starts_with("publicEndpoint.containerName \"db\" is not the name"), "{message}");
    let message = invalid::<Deployment>(&endpoint(&json!({"containerName": "web"})));
    assert_eq!(message, "publicEndpoint.containerPort is required and missing.");
    let message = invalid::<Deployment>(&endpoint(&json!({"containerPort": 80})));
    assert_eq!(message, "publicEndpoint.containerName is required and missing.");
}

#[test]
fn health_checks() {
    for good in [
        json!({}),
        json!({"healthyThreshold": 1, "unhealthyThreshold": 9, "timeoutSeconds": 2, "intervalSeconds": 5}),
        json!({"timeoutSeconds": 60, "intervalSeconds": 300, "path": "/", "successCodes": "200-499"}),
        json!({"successCodes": "200"}),
        json!({"successCodes": "200,202,300-302"}),
    ] {
        accept::<Deployment>(&health(&good));
    }
    for (bad, expected) in [
        (json!({"healthyThreshold": 0}), "healthyThreshold is 0; allowed is 1 or more."),
        (json!({"unhealthyThreshold": -1}), "unhealthyThreshold is -1; allowed is 1 or more."),
        (json!({"timeoutSeconds": 1}), "timeoutSeconds is 1; allowed is 2 to 60."),
        (json!({"timeoutSeconds": 61}), "timeoutSeconds is 61; allowed is 2 to 60."),
        (json!({"intervalSeconds": 4}), "intervalSeconds is 4; allowed is 5 to 300."),
        (json!({"intervalSeconds": 301}), "intervalSeconds is 301; allowed is 5 to 300."),
        (json!({"path": "up"}), "path \"up\" does not begin with \"/\"."),
    ] {
        assert_eq!(invalid::<Deployment>(&health(&bad)), format!("publicEndpoint.healthCheck.{expected}"));
    }
    for codes in
        ["", "200,", "199", "500", "20", "0200", "abc", "+200", "300-200", "200-", "200-250-300", "200, 201"]
    {
        let message = invalid::<Deployment>(&health(&json!({"successCodes": codes})));
        assert!(message.starts_with("publicEndpoint.healthCheck.successCodes "), "{message}");
    }
}
