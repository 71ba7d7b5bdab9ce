//! Rules for deployments.

use gangplank_api::lightsail::{
    CreateContainerServiceDeploymentRequest, CreateContainerServiceRequest, MAX_CONTAINERS, MAX_DEPLOYMENT,
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
            "side-car": {"image": "registry.example:5000/a/b"},
        },
        "publicEndpoint": {"containerName": "web", "containerPort": 8080, "healthCheck": {"path": "/up"}},
    }));
    let containers = request.containers.unwrap();
    assert_eq!(containers["web"].command.as_deref().unwrap(), ["serve", ""]);
    assert_eq!(request.public_endpoint.unwrap().health_check.unwrap().path.as_deref(), Some("/up"));
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
    for none in [json!({"serviceName": "www"}), containers(&json!({}))] {
        let message = invalid::<Deployment>(&none);
        assert!(message.starts_with("The deployment has no containers"), "{message}");
    }
    let many =
        |count| (0..count).map(|number| (format!("c{number}"), json!({"image": "nginx"}))).collect::<Value>();
    accept::<Deployment>(&containers(&many(MAX_CONTAINERS)));
    let message = invalid::<Deployment>(&containers(&many(MAX_CONTAINERS + 1)));
    assert_eq!(message, "The deployment has 11 containers; at most 10 are allowed.");
}

#[test]
fn images() {
    let (digest, long) = ("0".repeat(64), "a".repeat(255));
    for good in [
        ":www.web.3",
        ":www.web.latest",
        "nginx",
        "nginx:latest",
        "nginx:1.27-alpine_x",
        "library/nginx",
        "public.ecr.aws/x/y:z",
        "1.dkr.ecr.us-east-1.amazonaws.com/a:b",
        "localhost/a",
        "localhost:5000/a/b__c/d--e.f",
        "[::1]:5000/a",
        "Registry.Example:5000/a",
        &format!("nginx@sha256:{digest}"),
        &format!("ghcr.io/a/b:1@sha256:{digest}"),
        &long,
    ] {
        accept::<Deployment>(&image(good));
    }
    for bad in [
        "",
        ":",
        ":www.web.LATEST",
        ":www.web",
        ":www.web.0",
        ":other.web.3",
        ":other.web.latest",
        "a b",
        "nginx\n",
        "Nginx",
        "nginx:",
        "nginx:a/b:",
        "nginx:-a",
        "nginx@sha256:00",
        &format!("@sha256:{digest}"),
        "https://nginx",
        "docker://nginx",
        "-nginx",
        "a//b",
        "/nginx",
        "nginx/",
        "a..b",
        "a___b",
        "ex_ample.com/a",
        "registry.example:70000/a",
        "[::g]/a",
        "-.example/a",
        &"a".repeat(256),
        &format!("nginx:{}", "a".repeat(129)),
    ] {
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
fn a_port_is_opened_once_in_a_deployment() {
    let both = |first: &str, second: &str| {
        containers(&json!({
            "app": {"image": "nginx", "ports": {"53": first, "80": "HTTP"}},
            "web": {"image": "nginx", "ports": {"53": second}},
        }))
    };
    accept::<Deployment>(&both("TCP", "UDP"));
    accept::<Deployment>(&both("UDP", "HTTPS"));
    for (first, second) in [("TCP", "TCP"), ("UDP", "UDP"), ("HTTP", "TCP")] {
        let message = invalid::<Deployment>(&both(first, second));
        assert!(message.starts_with("Containers \"app\" and \"web\" both open port 53;"), "{message}");
    }
}

#[test]
fn variables_and_commands_can_be_given_to_a_program() {
    let variable = |name: &str, value: &str| {
        containers(&json!({"web": {"image": "nginx", "environment": {name: value}}}))
    };
    for (name, value) in [("A", ""), ("a.b-c d", "x=y\n"), ("É", "é")] {
        accept::<Deployment>(&variable(name, value));
    }
    for name in ["", "A=B", "="] {
        let message = invalid::<Deployment>(&variable(name, "secret"));
        assert!(message.contains(&format!("an environment variable named {name:?};")), "{message}");
    }
    for (name, value) in [("KEY\0", "secret"), ("KEY", "secret\0")] {
        let message = invalid::<Deployment>(&variable(name, value));
        assert!(message.contains("containers.web.environment") && message.contains("U+0000"), "{message}");
        assert!(!message.contains("secret"), "{message}");
    }
    let command = containers(&json!({"web": {"image": "nginx", "command": ["a", "b\0"]}}));
    assert!(invalid::<Deployment>(&command).starts_with("containers.web.command[1] contains"));
}

#[test]
fn a_deployment_has_64_kib_at_most() {
    let sized = |bytes: usize| {
        // The bytes of all other parts: two names, the image, the name of the variable.
        let value = "v".repeat(bytes - "web".len() - "nginx".len() - "A".len());
        containers(&json!({"web": {"image": "nginx", "environment": {"A": value}}}))
    };
    accept::<Deployment>(&sized(MAX_DEPLOYMENT));
    let message = invalid::<Deployment>(&sized(MAX_DEPLOYMENT + 1));
    assert!(message.contains("65537 bytes") && message.contains("at most 65536"), "{message}");
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
        json!({"healthyThreshold": 1, "unhealthyThreshold": 10, "timeoutSeconds": 2, "intervalSeconds": 5}),
        json!({"timeoutSeconds": 60, "intervalSeconds": 300, "path": "/", "successCodes": "200-499"}),
        json!({"successCodes": "200"}),
        json!({"path": format!("/{}", "a".repeat(1_023))}),
        json!({"successCodes": "200,202,300-302"}),
    ] {
        accept::<Deployment>(&health(&good));
    }
    for (bad, expected) in [
        (json!({"healthyThreshold": 0}), "healthyThreshold is 0; allowed is 1 to 10."),
        (json!({"healthyThreshold": 11}), "healthyThreshold is 11; allowed is 1 to 10."),
        (json!({"unhealthyThreshold": -1}), "unhealthyThreshold is -1; allowed is 1 to 10."),
        (json!({"unhealthyThreshold": 11}), "unhealthyThreshold is 11; allowed is 1 to 10."),
        (json!({"timeoutSeconds": 1}), "timeoutSeconds is 1; allowed is 2 to 60."),
        (json!({"timeoutSeconds": 61}), "timeoutSeconds is 61; allowed is 2 to 60."),
        (json!({"intervalSeconds": 4}), "intervalSeconds is 4; allowed is 5 to 300."),
        (json!({"intervalSeconds": 301}), "intervalSeconds is 301; allowed is 5 to 300."),
        (json!({"path": "up"}), "path \"up\" does not begin with \"/\"."),
        (json!({"path": "/up#now"}), "path \"/up#now\" has a character that no URL has; write it as %XX."),
        (json!({"path": "/<up>"}), "path \"/<up>\" has a character that no URL has; write it as %XX."),
        (json!({"path": "/a b"}), "path \"/a b\" has a character that no URL has; write it as %XX."),
        (
            json!({"path": "/\r\nHost: x"}),
            "path \"/\\r\\nHost: x\" has a character that no URL has; write it as %XX.",
        ),
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
