//! Registered images: numbers, digests, lists, deletion, quota.

use std::collections::BTreeSet;

use gangplank_testkit::{Api, ApiAnswer, Image, TestServer};
use serde_json::{Value, json};

use crate::{server, server_with};

/// Pushes an image to the root account in `us-east-1`, and makes the service `web`.
fn push(server: &TestServer) -> String {
    let api = server.api();
    api.ensure_service("web");
    server.registry_as(&api.push_login()).push_image("sr", "any", &Image::unique(1))
}

fn register(api: &Api, service: &str, label: &str, digest: &str) -> ApiAnswer {
    let input = json!({ "serviceName": service, "label": label, "digest": digest });
    api.lightsail("RegisterContainerImage", &input)
}

fn delete(api: &Api, image: &str) -> ApiAnswer {
    api.lightsail("DeleteContainerImage", &json!({ "serviceName": "web", "image": image }))
}

fn images(api: &Api) -> Vec<Value> {
    let answer = api.lightsail("GetContainerImages", &json!({ "serviceName": "web" }));
    answer.body["containerImages"].as_array().unwrap_or_else(|| panic!("{answer:?}")).clone()
}

fn names(api: &Api) -> Vec<String> {
    images(api).iter().map(|image| image["image"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn one_counter_per_service_numbers_all_labels_and_never_goes_back() {
    let server = server();
    let (api, digest) = (server.api(), push(&server));
    api.ensure_service("other");
    let answer = register(&api, "web", "app", &digest);
    let image = &answer.body["containerImage"];
    assert_eq!((&image["image"], &image["digest"]), (&json!(":web.app.1"), &json!(digest)));
    assert!(image["createdAt"].is_number(), "{image}");
    assert_eq!(api.register("web", "app", &digest), ":web.app.2");
    assert_eq!(api.register("web", "db", &digest), ":web.db.3");
    assert_eq!(api.register("other", "app", &digest), ":other.app.1");
    assert_eq!(names(&api), [":web.db.3", ":web.app.2", ":web.app.1"]);

    assert_eq!((delete(&api, ":web.db.3").status, delete(&api, ":web.app.1").status), (200, 200));
    assert_eq!(api.register("web", "db", &digest), ":web.db.4");
    for name in [":web.db.4", ":web.app.2"] {
        assert_eq!(delete(&api, name).body, json!({}));
    }
    assert!(images(&api).is_empty());
    assert_eq!(api.register("web", "app", &digest), ":web.app.5");
}

#[test]
fn twenty_at_once_get_twenty_numbers() {
    let server = server();
    let (api, digest) = (server.api(), push(&server));
    let made: Vec<String> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..20)
            .map(|number| {
                let (api, digest) = (api.clone(), &digest);
                scope.spawn(move || api.register("web", if number % 2 == 0 { "a" } else { "b" }, digest))
            })
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    let numbers: BTreeSet<u32> =
        made.iter().map(|name| name.rsplit('.').next().unwrap().parse().unwrap()).collect();
    assert_eq!(numbers.len(), 20, "{made:?}");
    let listed = names(&api);
    assert_eq!(listed.iter().cloned().collect::<BTreeSet<_>>(), made.into_iter().collect());
    let order: Vec<u32> =
        listed.iter().map(|name| name.rsplit('.').next().unwrap().parse().unwrap()).collect();
    assert!(order.is_sorted_by(|newer, older| newer > older), "{order:?}");
}

#[test]
fn registering_and_deleting_at_once_reuses_no_number() {
    let server = server();
    let (api, digest) = (server.api(), push(&server));
    let made: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                let (api, digest) = (api.clone(), &digest);
                scope.spawn(move || {
                    let work = |_| {
                        let name = api.register("web", "app", digest);
                        assert_eq!(delete(&api, &name).status, 200);
                        name
                    };
                    (0..5).map(work).collect::<Vec<_>>()
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), 20, "{made:?}");
    assert!(images(&api).is_empty());
}

#[test]
fn only_what_this_account_pushed_in_this_region_is_registered() {
    let server = server();
    let (api, digest) = (server.api(), push(&server));
    let check = |answer: ApiAnswer, error: &str| {
        assert_eq!((answer.status, answer.error()), (400, error), "{answer:?}");
        answer.message().to_owned()
    };
    let unknown = format!("sha256:{}", "0".repeat(64));
    let message = check(register(&api, "web", "app", &unknown), "NotFoundException");
    assert!(message.contains("push"), "{message}");

    let elsewhere = api.in_region("eu-west-1");
    elsewhere.ensure_service("web");
    check(register(&elsewhere, "web", "app", &digest), "NotFoundException");

    let key = api.gangplank("CreateAccessKey", &json!({ "account": "123456789012" }));
    let stranger = api.as_key(&key.body["accessKey"]);
    stranger.ensure_service("web");
    let foreign = check(register(&stranger, "web", "app", &digest), "NotFoundException");
    let missing = check(register(&stranger, "web", "app", &unknown), "NotFoundException");
    assert_eq!(foreign.replace(&digest, ""), missing.replace(&unknown, ""), "the two can be told apart");

    // A blob is no image. The image may be in any repository of the account.
    let image = Image::unique(1);
    let registry = server.registry_as(&api.push_login());
    assert_eq!(registry.push_blob("sr", &image.layers[0]), 201);
    check(register(&api, "web", "app", &image.layers[0].digest), "NotFoundException");
    let pushed = registry.push_image("team/project", "v1", &image);
    assert_eq!(api.register("web", "app", &pushed), ":web.app.1");
    assert!(images(&elsewhere).is_empty() && images(&stranger).is_empty());
}

#[test]
fn what_is_no_digest_and_no_label_is_refused_and_numbers_nothing() {
    let server = server();
    let (api, digest) = (server.api(), push(&server));
    let check = |label: &Value, digest: &Value, word: &str| {
        let input = json!({ "serviceName": "web", "label": label, "digest": digest });
        let answer = api.lightsail("RegisterContainerImage", &input);
        assert_eq!(answer.error(), "InvalidInputException", "{input}: {answer:?}");
        assert!(answer.message().contains(word), "{}", answer.message());
    };
    let bare = digest.trim_start_matches("sha256:").to_owned();
    let (short, long) = (&digest[..70], format!("{digest}0"));
    for bad in [
        "",
        "sha256:",
        &bare,
        short,
        &long,
        &digest.to_uppercase(),
        &format!("md5:{bare}"),
        &format!("sha512:{bare}"),
        &format!("sr@{digest}"),
        &format!(" {digest}"),
        &format!("{digest}\n"),
        "latest",
        "../../etc/passwd",
    ] {
        check(&json!("app"), &json!(bad), "digest");
    }
    check(&json!("app"), &Value::Null, "digest");
    check(&Value::Null, &json!(digest), "label");
    let long_label = "a".repeat(54);
    for bad in ["", "A", "-a", "a-", "a.b", "a_b", "a b", &long_label] {
        check(&json!(bad), &json!(digest), "label");
    }
    let longest = "a".repeat(53);
    assert_eq!(api.register("web", &longest, &digest), format!(":web.{longest}.1"));
}

#[test]
fn an_image_is_deleted_by_its_whole_name_once() {
    let server = server();
    let (api, digest) = (server.api(), push(&server));
    api.register("web", "app", &digest);
    for bad in
        ["", "web.app.1", ":web.app", ":web.app.01", ":web.app.0", ":web.app.latest", ":web.app.1 ", "app.1"]
    {
        assert_eq!(delete(&api, bad).error(), "InvalidInputException", "{bad}");
    }
    for missing in [":web.app.2", ":web.other.1", ":other.app.1", ":web.app.999999999999999999"] {
        let answer = delete(&api, missing);
        assert_eq!(answer.error(), "NotFoundException", "{missing}: {answer:?}");
        assert!(answer.message().contains(missing), "{answer:?}");
    }
    assert_eq!(names(&api), [":web.app.1"]);
    assert_eq!(delete(&api, ":web.app.1").status, 200);
    assert_eq!(delete(&api, ":web.app.1").error(), "NotFoundException");
}

#[test]
fn the_quota_counts_what_is_there() {
    let server = server_with(|builder| builder.env("GANGPLANK_MAX_IMAGES_PER_SERVICE", "2"));
    let (api, digest) = (server.api(), push(&server));
    api.register("web", "app", &digest);
    api.register("web", "app", &digest);
    for _ in 0..2 {
        let answer = register(&api, "web", "app", &digest);
        assert_eq!(answer.error(), "InvalidInputException", "{answer:?}");
        assert_eq!(answer.message(), "Maximum number of container service images has been reached");
    }
    assert_eq!(delete(&api, ":web.app.1").status, 200);
    assert_eq!(api.register("web", "app", &digest), ":web.app.3");
    assert_eq!(register(&api, "web", "app", &digest).error(), "InvalidInputException");
}

#[test]
fn numbers_outlive_a_crash() {
    let mut server = server();
    let (api, digest) = (server.api(), push(&server));
    api.register("web", "app", &digest);
    api.register("web", "app", &digest);
    assert_eq!(delete(&api, ":web.app.2").status, 200);
    server.kill();
    server.restart();
    assert_eq!(names(&api), [":web.app.1"]);
    assert_eq!(api.register("web", "app", &digest), ":web.app.3");
}
