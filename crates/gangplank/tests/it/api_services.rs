//! Container services: made, shown, changed, deleted.

use gangplank_testkit::{Api, Image};
use serde_json::{Value, json};

use crate::api_wire::now;
use crate::{server, server_with};

fn create(api: &Api, name: &str) -> Value {
    let input = json!({ "serviceName": name, "power": "micro", "scale": 2 });
    let answer = api.lightsail("CreateContainerService", &input);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["containerService"].clone()
}

fn get(api: &Api, name: &str) -> Value {
    let answer = api.lightsail("GetContainerServices", &json!({ "serviceName": name }));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body["containerServices"].as_array().map(Vec::len), Some(1));
    answer.body["containerServices"][0].clone()
}

fn names(api: &Api) -> Vec<String> {
    let answer = api.lightsail("GetContainerServices", &json!({}));
    let services = answer.body["containerServices"].as_array().unwrap().clone();
    services.iter().map(|service| service["containerServiceName"].as_str().unwrap().to_owned()).collect()
}

#[track_caller]
fn check_refused(api: &Api, operation: &str, input: &Value, error: &str) -> String {
    let answer = api.lightsail(operation, input);
    assert_eq!((answer.status, answer.error()), (400, error), "{operation} {input}: {answer:?}");
    answer.message().to_owned()
}

#[test]
fn behind_a_proxy_the_url_is_the_one_that_the_proxy_answers() {
    let server = crate::server_with(|builder| {
        builder.env("GANGPLANK_SERVICE_DOMAIN", "apps.example.com").env("GANGPLANK_SERVICE_ENTRANCE", "https")
    });
    server.api().ensure_service("web");
    let answer = server.api().lightsail("GetContainerServices", &json!({ "serviceName": "web" }));
    let url = answer.body["containerServices"][0]["url"].as_str().unwrap();
    assert!(url.starts_with("https://web.") && url.ends_with(".us-east-1.cs.apps.example.com/"), "{url}");
}

#[test]
fn a_service_has_all_its_members() {
    let server = server();
    let api = server.api().in_region("eu-central-1");
    let before = now();
    let service = create(&api, "web");
    assert_eq!(service["containerServiceName"], "web");
    let arn = service["arn"].as_str().unwrap();
    let prefix = "arn:aws:lightsail:eu-central-1:000000000000:ContainerService/";
    assert!(arn.strip_prefix(prefix).is_some_and(|uuid| uuid.len() == 36), "{arn}");
    let created_at = service["createdAt"].as_f64().expect("a number of seconds");
    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    let span = before as f64..=now() as f64 + 1.0;
    assert!(span.contains(&created_at), "{created_at}");
    assert_eq!(service["location"], json!({ "availabilityZone": "all", "regionName": "eu-central-1" }));
    assert_eq!(service["resourceType"], "ContainerService");
    assert_eq!(service["tags"], json!([]));
    assert_eq!((&service["power"], &service["powerId"]), (&json!("micro"), &json!("micro-1")));
    assert_eq!(service["scale"], 2);
    assert!(["PENDING", "READY"].contains(&service["state"].as_str().unwrap()), "{service}");
    assert_eq!(service["isDisabled"], false);
    assert_eq!(service["principalArn"], "");
    assert_eq!(service["privateDomainName"], "web.service.local");
    assert!(service.get("publicDomainNames").is_none(), "none are not an empty map: {service}");
    let url = service["url"].as_str().unwrap();
    let part = url.strip_prefix("http://web.").and_then(|rest| rest.split('.').next()).unwrap();
    assert!(
        part.len() == 13 && part.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit()),
        "{url}"
    );
    let port = server.address().port();
    assert_eq!(url, format!("http://web.{part}.eu-central-1.cs.localhost:{port}/"));
    assert!(service.get("stateDetail").is_none(), "{service}");
    assert_eq!(service["privateRegistryAccess"]["ecrImagePullerRole"]["isActive"], false);
    assert!(service.get("currentDeployment").is_none() && service.get("nextDeployment").is_none());

    let shown = get(&api, "web");
    assert_eq!(shown["state"], "READY");
    for member in ["arn", "createdAt", "url", "power", "scale"] {
        assert_eq!(shown[member], service[member], "{member}");
    }
}

#[test]
fn everything_given_at_the_start_is_kept() {
    let server = server();
    let api = server.api();
    let input = json!({
        "serviceName": "full", "power": "xlarge", "scale": 20,
        "tags": [{ "key": "team", "value": "a b" }, { "key": "bare" }],
        "publicDomainNames": { "empty": [] },
        "privateRegistryAccess": { "ecrImagePullerRole": { "isActive": true } },
    });
    assert_eq!(api.lightsail("CreateContainerService", &input).status, 200);
    let service = get(&api, "full");
    assert_eq!(service["tags"], json!([{ "key": "team", "value": "a b" }, { "key": "bare" }]));
    assert!(service.get("publicDomainNames").is_none(), "{service}");
    assert_eq!(service["privateRegistryAccess"]["ecrImagePullerRole"]["isActive"], true);
}

#[test]
fn what_a_service_cannot_be_makes_none() {
    let server = server();
    let api = server.api();
    let check = |change: Value, word: &str| {
        let mut input = json!({ "serviceName": "web", "power": "nano", "scale": 1 });
        for (name, value) in change.as_object().unwrap() {
            input[name] = value.clone();
        }
        let message = check_refused(&api, "CreateContainerService", &input, "InvalidInputException");
        assert!(message.contains(word), "{message} does not say {word}");
    };
    let long = "a".repeat(64);
    for name in
        ["", "-a", "a-", "-", "--", "A", "web_1", "web.1", "w b", "web\n", "wéb", "ab!!", "!!abc", &long]
    {
        check(json!({ "serviceName": name }), "serviceName");
    }
    for power in ["", "Nano", "tiny", "nano-1"] {
        check(json!({ "power": power }), "xlarge");
    }
    for scale in [0, -1, 21, 2_147_483_647] {
        check(json!({ "scale": scale }), "1 to 20");
    }
    check(json!({ "serviceName": null }), "serviceName");
    check(json!({ "power": null }), "power");
    check(json!({ "scale": null }), "scale");
    check(json!({ "tags": [{ "value": "keyless" }] }), "key");
    check(json!({ "tags": [{ "key": "a" }, { "key": "a" }] }), "twice");
    check(json!({ "tags": [{ "key": "" }] }), "key");
    check(json!({ "tags": [{ "key": "a", "value": "<script>" }] }), "value");
    let domains: Vec<String> = (0..5).map(|number| format!("d{number}.example.com")).collect();
    check(json!({ "publicDomainNames": { "cert": domains } }), "4");
    check(json!({ "publicDomainNames": { "cert": ["not a domain"] } }), "not a domain");
    check(json!({ "publicDomainNames": { "cert": ["a.example.com", "A.example.com"] } }), "twice");
    assert!(names(&api).is_empty());
}

#[test]
fn names_have_one_to_63_characters_and_are_taken_once() {
    let server = server();
    let api = server.api();
    let longest = "a".repeat(63);
    for name in ["a", "0", "ab", "a-b", "a--b", "123", &longest] {
        create(&api, name);
        let input = json!({ "serviceName": name, "power": "nano", "scale": 1 });
        let message = check_refused(&api, "CreateContainerService", &input, "InvalidInputException");
        assert!(message.contains("already in use"), "{message}");
        assert_eq!(get(&api, name)["power"], "micro");
    }
    assert_eq!(names(&api).len(), 7);
    // A service in another region can have the same name.
    create(&api.in_region("eu-west-1"), "a");
}

#[test]
fn a_quota_ends_the_making_of_services() {
    let server = server_with(|builder| builder.env("GANGPLANK_MAX_SERVICES_PER_REGION", "2"));
    let api = server.api();
    create(&api, "one");
    create(&api, "two");
    let third = json!({ "serviceName": "three", "power": "nano", "scale": 1 });
    let message = check_refused(&api, "CreateContainerService", &third, "InvalidInputException");
    let text =
        "Sorry, you've either reached or will exceed your maximum limit of Lightsail Container Services.";
    assert_eq!(message, text);
    create(&api.in_region("us-west-1"), "three");
    assert_eq!(api.lightsail("DeleteContainerService", &json!({ "serviceName": "one" })).status, 200);
    create(&api, "three");
}

#[test]
fn an_update_changes_what_it_names_and_nothing_else() {
    let server = server();
    let api = server.api();
    create(&api, "web");
    let update = |change: Value| {
        let mut input = change;
        input["serviceName"] = json!("web");
        let answer = api.lightsail("UpdateContainerService", &input);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["containerService"].clone()
    };
    assert_eq!(update(json!({}))["scale"], 2);
    let service = update(json!({ "power": "large" }));
    assert_eq!(
        (&service["power"], &service["powerId"], &service["scale"]),
        (&json!("large"), &json!("large-1"), &json!(2))
    );
    assert_eq!(update(json!({ "scale": 5 }))["power"], "large");
    update(json!({ "isDisabled": true }));
    let disabled = get(&api, "web");
    assert_eq!((&disabled["isDisabled"], &disabled["state"]), (&json!(true), &json!("DISABLED")));
    assert_eq!(disabled["scale"], 5);
    update(json!({ "isDisabled": false }));
    assert_eq!(get(&api, "web")["state"], "READY");

    update(json!({ "publicDomainNames": { "one": [], "two": [] } }));
    update(json!({ "privateRegistryAccess": { "ecrImagePullerRole": { "isActive": true } } }));
    let role = get(&api, "web")["privateRegistryAccess"]["ecrImagePullerRole"].clone();
    assert_eq!(role["isActive"], true);
    assert!(role["principalArn"].as_str().unwrap().starts_with("arn:aws:iam::000000000000:role/"), "{role}");

    let before = get(&api, "web");
    for bad in [json!({ "scale": 0 }), json!({ "power": "huge" }), json!({ "scale": 3, "power": "huge" })] {
        let mut input = bad;
        input["serviceName"] = json!("web");
        check_refused(&api, "UpdateContainerService", &input, "InvalidInputException");
    }
    assert_eq!(get(&api, "web"), before);
}

#[test]
fn a_certificate_that_there_is_not_is_refused_by_its_name() {
    let server = server();
    let api = server.api();
    create(&api, "web");
    let names = json!({ "gone": [], "mine": ["www.example.com"] });
    let update = json!({ "serviceName": "web", "publicDomainNames": names, "scale": 5 });
    let made = json!({ "serviceName": "other", "power": "nano", "scale": 1, "publicDomainNames": names });
    for (operation, input) in [("UpdateContainerService", update), ("CreateContainerService", made)] {
        let message = check_refused(&api, operation, &input, "InvalidInputException");
        assert!(message.contains("\"mine\"") && message.contains("[certificates.NAME]"), "{message}");
    }
    assert_eq!(names_and_scales(&api), [("web".to_owned(), json!(2))]);
}

fn names_and_scales(api: &Api) -> Vec<(String, Value)> {
    names(api).into_iter().map(|name| (name.clone(), get(api, &name)["scale"].clone())).collect()
}

#[test]
fn a_deleted_service_is_gone_with_its_images() {
    let server = server();
    let api = server.api();
    let old = create(&api, "web");
    let digest = server.registry_as(&api.push_login()).push_image("sr", "a", &Image::unique(1));
    api.register("web", "app", &digest);
    let machine = server.registry_as(&api.registry_login(&json!({ "serviceName": "web" })));
    assert_eq!(machine.status("HEAD", "web/manifests/app.1"), 200);
    let answer = api.lightsail("DeleteContainerService", &json!({ "serviceName": "web" }));
    assert_eq!((answer.status, answer.body), (200, json!({})));
    assert!(names(&api).is_empty());
    for operation in ["GetContainerServices", "GetContainerImages", "DeleteContainerService"] {
        check_refused(&api, operation, &json!({ "serviceName": "web" }), "NotFoundException");
    }
    // A later service with the same name is another one: it has no images, and the old pull logins do not open it.
    let new = create(&api, "web");
    assert_ne!(new["arn"], old["arn"]);
    let images = api.lightsail("GetContainerImages", &json!({ "serviceName": "web" }));
    assert_eq!(images.body["containerImages"], json!([]));
    api.register("web", "app", &digest);
    assert!([401, 404].contains(&machine.status("HEAD", "web/manifests/app.1")));
}

#[test]
fn a_missing_service_is_not_found_by_any_operation() {
    let server = server();
    let api = server.api();
    create(&api, "other");
    let digest = format!("sha256:{}", "0".repeat(64));
    let name = || json!({ "serviceName": "web" });
    let with = |member: &str, value: Value| {
        let mut input = name();
        input[member] = value;
        input
    };
    let mut metrics = with("metricName", json!("CPUUtilization"));
    for (member, value) in [
        ("startTime", json!(1)),
        ("endTime", json!(2)),
        ("period", json!(60)),
        ("statistics", json!(["Sum"])),
    ] {
        metrics[member] = value;
    }
    let mut register = with("label", json!("app"));
    register["digest"] = json!(digest);
    for (operation, input) in [
        ("GetContainerServices", name()),
        ("UpdateContainerService", with("scale", json!(2))),
        ("DeleteContainerService", name()),
        ("GetContainerImages", name()),
        ("RegisterContainerImage", register),
        ("DeleteContainerImage", with("image", json!(":web.app.1"))),
        ("DeleteContainerImage", with("image", json!(":other.app.1"))),
        ("CreateContainerServiceDeployment", with("containers", json!({ "app": { "image": "nginx" } }))),
        ("GetContainerServiceDeployments", name()),
        ("GetContainerLog", with("containerName", json!("app"))),
        ("GetContainerServiceMetricData", metrics),
        ("TagResource", json!({ "resourceName": "web", "tags": [{ "key": "a" }] })),
        ("UntagResource", json!({ "resourceName": "web", "tagKeys": ["a"] })),
    ] {
        let message = check_refused(&api, operation, &input, "NotFoundException");
        assert!(message.contains("web"), "{operation}: {message}");
    }
}
