//! Access keys: who may make, list, disable and delete them.

use gangplank_testkit::{Api, ApiAnswer, TestServer};
use serde_json::{Value, json};

use crate::api_wire::ROOT_KEY;
use crate::server;

const OTHER: &str = "123456789012";

/// Makes a key of an account. Returns the key, and the API called with it.
fn key(api: &Api, account: &str) -> (Value, Api) {
    let answer = api.gangplank("CreateAccessKey", &json!({ "account": account }));
    let key = answer.body["accessKey"].clone();
    assert!(key.is_object(), "{answer:?}");
    let called = api.as_key(&key);
    (key, called)
}

/// Makes a root key. Returns the key, and the API called with it.
fn root_key(api: &Api) -> (Value, Api) {
    let answer = api.gangplank("CreateAccessKey", &json!({ "root": true }));
    let key = answer.body["accessKey"].clone();
    assert_eq!((&key["isRoot"], &key["account"]), (&json!(true), &json!("000000000000")), "{answer:?}");
    let called = api.as_key(&key);
    (key, called)
}

fn set(api: &Api, key: &Value, status: &str) -> ApiAnswer {
    api.gangplank("UpdateAccessKey", &json!({ "accessKeyId": key["accessKeyId"], "status": status }))
}

fn delete(api: &Api, key: &Value) -> ApiAnswer {
    api.gangplank("DeleteAccessKey", &json!({ "accessKeyId": key["accessKeyId"] }))
}

fn list(api: &Api, input: &Value) -> Vec<Value> {
    let answer = api.gangplank("ListAccessKeys", input);
    answer.body["accessKeys"].as_array().unwrap_or_else(|| panic!("{answer:?}")).clone()
}

fn works(api: &Api) -> bool {
    api.lightsail("GetContainerServices", &json!({})).status == 200
}

#[track_caller]
fn check_refused(answer: ApiAnswer, error: &str) -> String {
    assert_eq!((answer.status, answer.error()), (400, error), "{answer:?}");
    answer.message().to_owned()
}

#[test]
fn a_key_is_shown_once_with_its_secret_and_works() {
    let server = server();
    let api = server.api();
    let (made, own) = key(&api, "000000000000");
    assert_eq!((&made["account"], &made["status"]), (&json!("000000000000"), &json!("Active")));
    assert!(made["createdAt"].is_number() && made["isRoot"] == false, "{made}");
    let (id, secret) = (made["accessKeyId"].as_str().unwrap(), made["secretAccessKey"].as_str().unwrap());
    assert!(id.len() >= 16 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    assert!(secret.len() >= 40, "{} characters", secret.len());
    assert!(works(&own));
    own.ensure_service("web");
    assert_eq!(api.lightsail("GetContainerServices", &json!({ "serviceName": "web" })).status, 200);
    for caller in [&api, &own] {
        let answer = caller.gangplank("ListAccessKeys", &json!({}));
        assert!(!answer.body.to_string().to_lowercase().contains("secret"), "{}", answer.body);
        let keys = list(caller, &json!({}));
        assert_eq!(keys.len(), 2);
        assert_eq!((&keys[0]["accessKeyId"], &keys[1]["accessKeyId"]), (&json!(id), &json!(ROOT_KEY.0)));
        assert_eq!((&keys[0]["isRoot"], &keys[1]["isRoot"]), (&json!(false), &json!(true)));
    }
}

/// A small team's images are in the account of the root key, so ordinary keys of that account are used in jobs.
#[test]
fn an_ordinary_key_of_the_default_account_does_not_administer_the_server() {
    if crate::are_replicas("other replicas tell of their refusals later") {
        return;
    }
    let server = server();
    let root = server.api();
    let (_, ordinary) = key(&root, "000000000000");
    let (foreign, _) = key(&root, OTHER);
    let root_id = json!({ "accessKeyId": ROOT_KEY.0 });
    for (operation, input) in [
        ("CreateAccessKey", json!({ "account": OTHER })),
        ("CreateAccessKey", json!({ "root": true })),
        ("ListAccessKeys", json!({ "account": OTHER })),
        ("ListAuditEvents", json!({ "account": OTHER })),
        ("CollectGarbage", json!({})),
        ("CollectGarbage", json!({ "graceSeconds": 0 })),
        ("CollectGarbage", json!({ "dryRun": true })),
        ("UpdateAccessKey", json!({ "accessKeyId": ROOT_KEY.0, "status": "Disabled" })),
        ("UpdateAccessKey", json!({ "accessKeyId": ROOT_KEY.0, "status": "Disabled", "force": true })),
        ("DeleteAccessKey", root_id.clone()),
    ] {
        let message = check_refused(ordinary.gangplank(operation, &input), "AccessDeniedException");
        assert!(message.contains("root key"), "{operation}: {message}");
    }
    check_refused(delete(&ordinary, &foreign), "NotFoundException");
    assert!(works(&root));
    assert_eq!(list(&ordinary, &json!({})).len(), 2, "its own account's");
    assert_eq!(list(&root, &json!({})).len(), 3);
    let events = ordinary.gangplank("ListAuditEvents", &json!({})).body["auditEvents"].clone();
    assert!(events.as_array().unwrap().iter().all(|it| it["account"] == "000000000000"), "{events}");
    // The ordinary key may do everything in its account.
    let (own, _) = key(&ordinary, "000000000000");
    assert_eq!(set(&ordinary, &own, "Disabled").status, 200);
    assert_eq!(delete(&ordinary, &own).status, 200);
    // The refusal is in the trail, with the requested action.
    let told = root.gangplank("ListAuditEvents", &json!({ "kind": "RequestRefused" })).body;
    let told = told["auditEvents"].as_array().unwrap();
    let of = |action: &str| told.iter().filter(|event| event["action"] == action).count();
    assert_eq!((of("CreateAccessKey"), of("CollectGarbage"), of("DeleteAccessKey")), (2, 1, 1), "{told:?}");
}

/// Refusals of one kind are one event, whatever names the caller uses.
#[test]
fn refusals_cannot_be_told_apart_by_what_a_caller_names() {
    if crate::are_replicas("other replicas tell of their refusals later") {
        return;
    }
    let server = server();
    let root = server.api();
    let (_, ordinary) = key(&root, "000000000000");
    for account in 1..40 {
        let other = json!({ "account": format!("{account:012}") });
        check_refused(ordinary.gangplank("ListAccessKeys", &other), "AccessDeniedException");
    }
    let told = root.gangplank("ListAuditEvents", &json!({ "kind": "RequestRefused" })).body;
    let told = told["auditEvents"].as_array().unwrap();
    let counted: i64 = told.iter().map(|event| event["count"].as_i64().unwrap()).sum();
    assert_eq!(counted, 39);
    assert!(told.len() <= 2, "the first, and the rest: {told:?}");
    assert!(told.iter().all(|event| event["reason"] == "OtherAccount"), "{told:?}");
}

#[test]
fn a_root_key_makes_another_in_the_default_account() {
    let server = server();
    let (_, second) = root_key(&server.api());
    let (_, third) = root_key(&second);
    assert_eq!(third.gangplank("CollectGarbage", &json!({ "dryRun": true })).status, 200);
    let foreign = json!({ "account": OTHER, "root": true });
    let message = check_refused(third.gangplank("CreateAccessKey", &foreign), "InvalidInputException");
    assert!(message.contains("000000000000"), "{message}");
}

#[test]
fn only_root_keys_reach_other_accounts() {
    if crate::are_replicas("other replicas know of it within 5 s") {
        return;
    }
    let server = server();
    let root = server.api();
    let (root_made, _) = key(&root, "000000000000");
    let (made, other) = key(&root, OTHER);
    let (own, _) = key(&other, OTHER);
    let (third, _) = key(&root, "999999999999");
    assert_eq!(check_account(&other.gangplank("CreateAccessKey", &json!({}))), OTHER);
    for account in ["000000000000", "999999999999"] {
        check_refused(
            other.gangplank("CreateAccessKey", &json!({ "account": account })),
            "AccessDeniedException",
        );
        check_refused(
            other.gangplank("ListAccessKeys", &json!({ "account": account })),
            "AccessDeniedException",
        );
    }
    for foreign in [&root_made, &third, &json!({ "accessKeyId": ROOT_KEY.0 })] {
        let nobody = json!({ "accessKeyId": "GPAKNOBODYNOBODYNOBO" });
        let id = |text: String, key: &Value| text.replace(key["accessKeyId"].as_str().unwrap(), "");
        let there = id(check_refused(delete(&other, foreign), "NotFoundException"), foreign);
        assert_eq!(there, id(check_refused(delete(&other, &nobody), "NotFoundException"), &nobody));
        check_refused(set(&other, foreign, "Disabled"), "NotFoundException");
    }
    let seen = list(&other, &json!({}));
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|key| key["account"] == OTHER), "{seen:?}");
    assert_eq!(list(&other, &json!({ "account": OTHER })).len(), 3);
    assert_eq!(list(&root, &json!({})).len(), 6);
    assert_eq!(list(&root, &json!({ "account": OTHER })).len(), 3);
    assert_eq!(set(&other, &own, "Disabled").status, 200);
    assert_eq!(delete(&root, &made).status, 200);
    assert!(!works(&other));
}

fn check_account(answer: &ApiAnswer) -> String {
    answer.body["accessKey"]["account"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

#[test]
fn what_is_no_account_key_or_status_is_refused() {
    let server = server();
    let api = server.api();
    for account in ["", "1", "12345678901", "1234567890123", "12345678901a", "١٢٣٤٥٦٧٨٩٠١٢", "123456789012 "]
    {
        check_refused(
            api.gangplank("CreateAccessKey", &json!({ "account": account })),
            "InvalidInputException",
        );
    }
    check_refused(
        api.gangplank("CreateAccessKey", &json!({ "account": 123_456_789_012_u64 })),
        "SerializationException",
    );
    for status in ["", "active", "Inactive", "Deleted"] {
        check_refused(set(&api, &json!({ "accessKeyId": ROOT_KEY.0 }), status), "InvalidInputException");
    }
    check_refused(
        api.gangplank("UpdateAccessKey", &json!({ "accessKeyId": ROOT_KEY.0 })),
        "InvalidInputException",
    );
    check_refused(api.gangplank("DeleteAccessKey", &json!({})), "InvalidInputException");
    for id in ["", "a b", "'; --", &"A".repeat(129)] {
        check_refused(delete(&api, &json!({ "accessKeyId": id })), "InvalidInputException");
    }
    assert_eq!(list(&api, &json!({})).len(), 1);
}

#[test]
fn a_disabled_key_is_refused_with_its_logins_until_it_is_enabled() {
    if crate::are_replicas("other replicas know of it within 5 s") {
        return;
    }
    let server = server();
    let api = server.api();
    let (made, own) = key(&api, OTHER);
    own.ensure_service("web");
    let push = server.registry_as(&own.push_login());
    let pull = server.registry_as(&own.registry_login(&json!({ "serviceName": "web" })));
    let upload = push.start_upload("sr");
    for _ in 0..2 {
        assert_eq!(set(&api, &made, "Disabled").status, 200);
        let refused = own.lightsail("GetContainerServices", &json!({}));
        let message = check_refused(refused, "UnauthenticatedException");
        assert!(message.contains("disabled"), "{message}");
        assert_eq!((push.status("GET", ""), pull.status("GET", "")), (401, 401));
        assert_eq!(push.status("GET", &upload), 401);
        // A caller without the secret learns nothing about the key.
        let forger = own.as_key(
            &json!({ "accessKeyId": made["accessKeyId"], "secretAccessKey": "guessed-guessed-guessed" }),
        );
        check_refused(forger.lightsail("GetContainerServices", &json!({})), "InvalidSignatureException");
        assert_eq!(list(&api, &json!({ "account": OTHER }))[0]["status"], "Disabled");

        assert_eq!(set(&api, &made, "Active").status, 200);
        assert!(works(&own));
        assert_eq!((push.status("GET", ""), pull.status("GET", "")), (200, 200));
        assert_eq!(push.status("GET", &upload), 404, "what it had begun has ended");
    }
}

#[test]
fn a_deleted_key_is_unknown_and_its_logins_end() {
    let server = server();
    let api = server.api();
    let (made, own) = key(&api, OTHER);
    own.ensure_service("web");
    let push = server.registry_as(&own.push_login());
    assert_eq!(delete(&api, &made).status, 200);
    check_refused(own.lightsail("GetContainerServices", &json!({})), "UnrecognizedClientException");
    assert_eq!(push.status("GET", ""), 401);
    check_refused(delete(&api, &made), "NotFoundException");
    check_refused(set(&api, &made, "Active"), "NotFoundException");
    // The account still has its services and images: a new key of it can read them.
    let (_, again) = key(&api, OTHER);
    assert_eq!(again.lightsail("GetContainerServices", &json!({ "serviceName": "web" })).status, 200);
}

#[test]
fn the_last_enabled_root_key_stays_unless_it_is_forced() {
    let server = server();
    let api = server.api();
    let root = json!({ "accessKeyId": ROOT_KEY.0 });
    let check = |answer: ApiAnswer| {
        let message = check_refused(answer, "InvalidInputException");
        assert!(message.contains("last enabled root key"), "{message}");
    };
    key(&api, OTHER);
    key(&api, "000000000000");
    check(delete(&api, &root));
    check(set(&api, &root, "Disabled"));
    let (spare, spare_api) = root_key(&api);
    assert_eq!(set(&api, &spare, "Disabled").status, 200);
    check(delete(&api, &root));
    assert_eq!(set(&api, &spare, "Active").status, 200);
    assert_eq!(delete(&spare_api, &root).status, 200);
    check(delete(&spare_api, &spare));
    assert!(!works(&api) && works(&spare_api));
    let forced = json!({ "accessKeyId": spare["accessKeyId"], "force": true });
    assert_eq!(spare_api.gangplank("DeleteAccessKey", &forced).status, 200);
    assert!(!works(&spare_api));
}

#[test]
fn keys_outlive_a_restart_and_a_deleted_root_key_does_not_come_back() {
    let mut server = server();
    let api = server.api();
    let (disabled, off) = key(&api, OTHER);
    let (_, spare) = root_key(&api);
    assert_eq!(set(&api, &disabled, "Disabled").status, 200);
    assert_eq!(delete(&spare, &json!({ "accessKeyId": ROOT_KEY.0 })).status, 200);
    server.kill();
    server.restart();
    assert!(works(&spare));
    assert!(!works(&off) && !works(&api));
    check_refused(api.lightsail("GetContainerServices", &json!({})), "UnrecognizedClientException");
}

#[test]
fn two_that_take_each_other_away_leave_one() {
    let server: TestServer = server();
    let api = server.api();
    let (spare, spare_api) = root_key(&api);
    let root = json!({ "accessKeyId": ROOT_KEY.0 });
    let (one, other) = std::thread::scope(|scope| {
        let one = scope.spawn(|| delete(&api, &spare).status);
        let other = scope.spawn(|| delete(&spare_api, &root).status);
        (one.join().unwrap(), other.join().unwrap())
    });
    assert!(one == 400 || other == 400, "both were deleted: {one} {other}");
    assert_eq!(u8::from(works(&api)) + u8::from(works(&spare_api)), 1);
}
