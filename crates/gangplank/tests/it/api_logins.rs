//! Registry logins: making, listing and revoking them with the API.

use gangplank_testkit::{ApiAnswer, Login, TestServer};
use serde_json::{Value, json};

use crate::api_wire::{Call, now};
use crate::{server, server_with};

const CREATE: &str = "CreateContainerServiceRegistryLogin";
const HALF_A_DAY: f64 = 12.0 * 60.0 * 60.0;

#[track_caller]
fn check_ends_in_12_hours(login: &Value, before: i64, after: i64) {
    let expires_at = login["expiresAt"].as_f64().expect("a number of seconds");
    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    let span = before as f64 + HALF_A_DAY - 2.0..=after as f64 + HALF_A_DAY + 2.0;
    assert!(span.contains(&expires_at), "{expires_at} is not within {span:?}");
}

#[test]
fn a_push_login_has_four_members_and_ends_in_12_hours() {
    let server = server();
    let api = server.api();
    api.ensure_service("web");
    let before = now();
    let answer = api.lightsail(CREATE, &json!({}));
    let login = &answer.body["registryLogin"];
    check_ends_in_12_hours(login, before, now());
    let members: Vec<&str> = login.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members.len(), 4, "{members:?}");
    assert_eq!(login["username"], "AWS");
    assert_eq!(login["registry"], server.host());
    let password = login["password"].as_str().unwrap();
    assert!(password.len() >= 43 && !password.contains(':'), "{} characters", password.len());
    assert!(password.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    let other = api.push_login();
    assert_ne!(other.password, password);
    for login in [Login::of(&answer), other] {
        assert_eq!(server.registry_as(&login).status("GET", ""), 200);
    }
}

#[test]
fn a_push_login_needs_a_service_in_its_region() {
    let server = server();
    let api = server.api();
    api.in_region("eu-west-1").ensure_service("web");
    let check = || {
        let answer = api.lightsail(CREATE, &json!({}));
        assert_eq!(answer.error(), "InvalidInputException", "{answer:?}");
        let text =
            "You must create a container service before retrieving container registry login credentials";
        assert_eq!(answer.message(), text);
    };
    check();
    api.ensure_service("web");
    assert_eq!(api.lightsail(CREATE, &json!({})).status, 200);
    assert_eq!(api.lightsail("DeleteContainerService", &json!({ "serviceName": "web" })).status, 200);
    check();
}

#[test]
fn the_registry_is_the_host_that_was_called_or_the_one_configured() {
    if crate::are_replicas("replicas have a name that is configured") {
        return;
    }
    let check = |server: &TestServer, host: &str, registry: &str| {
        let mut call = Call::new(server, &format!("Lightsail_20161128.{CREATE}"), "{}");
        call.set("Host", host);
        let answer = call.signed().send();
        assert_eq!(answer.json()["registryLogin"]["registry"], registry, "{}", answer.status);
    };
    let plain = server();
    plain.api().ensure_service("web");
    for host in ["registry.example.com", "registry.example.com:8443", "localhost:5000", "[::1]:5000"] {
        check(&plain, host, host);
    }
    let named = server_with(|builder| builder.arg("--public-address").arg("images.example.com:443"));
    named.api().ensure_service("web");
    check(&named, "localhost:5000", "images.example.com:443");
    // If the Host header is no valid host, no answer repeats it.
    for host in ["a/b", "user@host", "a b", "http://a", "<a>", ""] {
        let mut call = Call::new(&plain, &format!("Lightsail_20161128.{CREATE}"), "{}");
        call.set("Host", host);
        let answer = call.signed().send();
        assert_eq!(answer.status, 400, "{host}: {}", answer.text());
    }
}

#[test]
fn logins_of_other_scopes_are_asked_for_rightly() {
    let server = server();
    let api = server.api();
    api.ensure_service("web");
    let refused = |input: Value, error: &str| {
        let answer = api.gangplank("CreateRegistryLogin", &input);
        assert_eq!(answer.error(), error, "{input}: {answer:?}");
        assert!(!answer.message().is_empty());
    };
    refused(json!({}), "InvalidInputException");
    refused(json!({ "scope": [] }), "InvalidInputException");
    refused(json!({ "scope": ["admin"] }), "InvalidInputException");
    refused(json!({ "scope": ["Pull"] }), "InvalidInputException");
    refused(json!({ "scope": ["pull", "pull"] }), "InvalidInputException");
    refused(json!({ "scope": ["push"], "serviceName": "web" }), "InvalidInputException");
    refused(json!({ "scope": "pull" }), "SerializationException");
    refused(json!({ "serviceName": "none" }), "NotFoundException");
    refused(json!({ "serviceName": "Not a name" }), "InvalidInputException");
    let before = now();
    for input in [
        json!({ "serviceName": "web" }),
        json!({ "serviceName": "web", "scope": ["pull"] }),
        json!({ "scope": ["pull"] }),
        json!({ "scope": ["delete", "push", "pull"] }),
    ] {
        let answer = api.gangplank("CreateRegistryLogin", &input);
        check_ends_in_12_hours(&answer.body["registryLogin"], before, now());
        assert_eq!(server.registry_as(&Login::of(&answer)).status("GET", ""), 200, "{input}");
    }
}

fn list(answer: ApiAnswer) -> Vec<Value> {
    answer.body["registryLogins"].as_array().unwrap_or_else(|| panic!("{answer:?}")).clone()
}

#[test]
fn logins_are_listed_without_passwords_and_revoked() {
    let server = server();
    let api = server.api();
    api.ensure_service("web");
    let push = api.push_login();
    let pull = api.registry_login(&json!({ "serviceName": "web" }));
    let answer = api.gangplank("ListRegistryLogins", &json!({}));
    let text = answer.body.to_string();
    assert!(!text.contains(&push.password[4..20]) && !text.contains(&pull.password[4..20]), "{text}");
    let logins = list(answer);
    assert_eq!(logins.len(), 2);
    assert_eq!((&logins[0]["scope"], &logins[0]["serviceName"]), (&json!(["pull"]), &json!("web")));
    assert_eq!((&logins[1]["scope"], &logins[1]["status"]), (&json!(["push"]), &json!("Active")));
    assert!(logins[1]["createdAt"].is_number() && logins[1]["expiresAt"].is_number());

    let id = logins[1]["id"].as_str().unwrap();
    let revoke = |id: &str| api.gangplank("RevokeRegistryLogin", &json!({ "id": id }));
    assert_eq!(revoke(id).status, 200);
    assert_eq!(server.registry_as(&push).status("GET", ""), 401);
    assert_eq!(server.registry_as(&pull).status("GET", ""), 200);
    let logins = list(api.gangplank("ListRegistryLogins", &json!({})));
    assert_eq!(logins[1]["status"], "Revoked");
    assert_eq!(revoke(id).status, 200, "revoking again changes nothing");
    for missing in ["99", "0", "abc", "-1", "99999999999999999999"] {
        assert_eq!(revoke(missing).error(), "NotFoundException", "{missing}");
    }
    for bad in ["", "a b", "1;2"] {
        assert_eq!(revoke(bad).error(), "InvalidInputException", "{bad}");
    }
}

#[test]
fn a_login_outlives_a_crash_and_so_does_its_revocation() {
    let mut server = server();
    let api = server.api();
    api.ensure_service("web");
    let (kept, ended) = (api.push_login(), api.push_login());
    let newest = list(api.gangplank("ListRegistryLogins", &json!({})))[0]["id"].clone();
    assert_eq!(api.gangplank("RevokeRegistryLogin", &json!({ "id": newest })).status, 200);
    server.kill();
    server.restart();
    assert_eq!(server.registry_as(&kept).status("GET", ""), 200);
    assert_eq!(server.registry_as(&ended).status("GET", ""), 401);
}
