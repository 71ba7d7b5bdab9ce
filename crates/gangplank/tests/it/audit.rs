//! The audit trail in the API: its events, and who sees them.

use gangplank_testkit::{Api, Image, Login, TestServer};
use serde_json::{Value, json};

use crate::server;

/// The events that match, the newest first.
pub(crate) fn events(api: &Api, filter: &Value) -> Vec<Value> {
    let answer = api.gangplank("ListAuditEvents", filter);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["auditEvents"].as_array().expect("events").clone()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["kind"].as_str().unwrap()).collect()
}

/// Another account's key.
fn tenant(server: &TestServer, account: &str) -> Api {
    let made = server.api().gangplank("CreateAccessKey", &json!({ "account": account }));
    server.api().as_key(&made.body["accessKey"])
}

/// The id of the newest login.
fn newest_login(api: &Api) -> Value {
    api.gangplank("ListRegistryLogins", &json!({})).body["registryLogins"][0]["id"].clone()
}

#[test]
fn a_push_is_told_by_whom_from_where_and_with_what() {
    let server = server();
    let login = server.push_login();
    let digest = server.registry_as(&login).push_image("team/app", "v1", &Image::unique(1));
    server.api().register("test-service", "app", &digest);
    let noted = events(&server.api(), &json!({ "digest": digest }));
    assert_eq!(kinds(&noted), ["ImageRegistered", "ManifestPushed"]);
    let push = &noted[1];
    assert_eq!(push["repository"], "team/app");
    assert_eq!(push["subject"], "v1");
    assert_eq!(push["registryLoginId"], newest_login(&server.api()));
    assert_eq!(push["accessKeyId"], "GPAKTESTTESTTESTTEST");
    assert_eq!((&push["account"], &push["region"]), (&json!("000000000000"), &json!("us-east-1")));
    assert_eq!(push["address"], "127.0.0.1");
    assert_eq!(push["count"], 1);
    assert_eq!(noted[0]["subject"], ":test-service.app.1");
    let issued = events(&server.api(), &json!({ "kind": "LoginIssued" }));
    assert_eq!(issued[0]["registryLoginId"], push["registryLoginId"]);
}

#[test]
fn whatever_is_made_or_ended_is_told() {
    let server = server();
    let api = server.api();
    let made = api.gangplank("CreateAccessKey", &json!({})).body["accessKey"].clone();
    let id = &made["accessKeyId"];
    let operator = server.registry_as(&server.operator_login());
    api.ensure_service("web");
    let image = Image::unique(2);
    let digest = operator.push_image("sr", "v1", &image);
    api.register("web", "app", &digest);
    api.lightsail("DeleteContainerImage", &json!({ "serviceName": "web", "image": ":web.app.1" }));
    assert_eq!(operator.status("DELETE", "sr/manifests/v1"), 202);
    assert_eq!(operator.status("DELETE", &format!("sr/manifests/{digest}")), 202);
    assert_eq!(operator.status("DELETE", &format!("sr/blobs/{}", image.blobs().next().unwrap().digest)), 202);
    api.gangplank("RevokeRegistryLogin", &json!({ "id": newest_login(&api) }));
    api.lightsail("UpdateContainerService", &json!({ "serviceName": "web", "isDisabled": true }));
    let tags = json!({ "resourceName": "web", "tags": [{ "key": "team", "value": "a" }] });
    api.lightsail("TagResource", &tags);
    api.lightsail("UntagResource", &json!({ "resourceName": "web", "tagKeys": ["team"] }));
    api.lightsail("DeleteContainerService", &json!({ "serviceName": "web" }));
    for status in ["Disabled", "Active"] {
        api.gangplank("UpdateAccessKey", &json!({ "accessKeyId": id, "status": status }));
    }
    api.gangplank("DeleteAccessKey", &json!({ "accessKeyId": id }));
    let noted = events(&api, &json!({}));
    assert_eq!(
        kinds(&noted),
        [
            "AccessKeyDeleted",
            "AccessKeyEnabled",
            "AccessKeyDisabled",
            "ServiceDeleted",
            "UntagResource",
            "TagResource",
            "UpdateContainerService",
            "LoginRevoked",
            "BlobDeleted",
            "ManifestDeleted",
            "TagDeleted",
            "ImageDeleted",
            "ImageRegistered",
            "ManifestPushed",
            "ServiceCreated",
            "LoginIssued",
            "AccessKeyCreated",
            // The server's root key, made at the first start.
            "AccessKeyCreated",
        ]
    );
    assert_eq!(events(&api, &json!({ "accessKeyId": id })).len(), 4);
    assert_eq!(events(&api, &json!({ "repository": "sr" })).len(), 4);
    assert_eq!(noted[17]["address"], Value::Null);
    // A failed action is not reported as done.
    api.lightsail("DeleteContainerService", &json!({ "serviceName": "web" }));
    assert_eq!(events(&api, &json!({})).len(), 18);
}

#[test]
fn refusals_are_told_and_counted() {
    let server = server();
    let api = tenant(&server, "111111111111");
    api.ensure_service("web");
    let login = api.push_login();
    assert_eq!(server.registry_as(&login).status("GET", ""), 200);
    api.gangplank("RevokeRegistryLogin", &json!({ "id": newest_login(&api) }));
    for _ in 0..3 {
        assert_eq!(server.registry_as(&login).status("GET", ""), 401);
    }
    let unknown = Login { password: "gpl_nonsense".to_owned(), ..login.clone() };
    for _ in 0..5 {
        assert_eq!(server.registry_as(&unknown).status("GET", ""), 401);
    }
    // No credentials at all: every client begins like this.
    assert_eq!(server.registry().status("GET", ""), 401);
    let own = events(&api, &json!({ "kind": "LoginRefused" }));
    let counted = |events: &[Value]| events.iter().map(|event| event["count"].as_i64().unwrap()).sum::<i64>();
    assert_eq!(counted(&own), 3, "{own:?}");
    assert!(own.iter().all(|event| event["reason"] == "revoked" && event["address"] == "127.0.0.1"));
    let all = events(&server.api(), &json!({ "kind": "LoginRefused" }));
    let unknown: Vec<Value> = all.into_iter().filter(|event| event["reason"] == "unknown").collect();
    assert_eq!(counted(&unknown), 5, "{unknown:?}");
    assert!(unknown.iter().all(|event| event.get("account").is_none()));
    let mut wrong = json!({ "accessKeyId": "GPAKTESTTESTTESTTEST", "secretAccessKey": "w".repeat(40) });
    assert_eq!(api.as_key(&wrong).gangplank("ListAuditEvents", &json!({})).status, 400);
    wrong["accessKeyId"] = "GPAKNOBODYNOBODYNOBO".into();
    assert_eq!(api.as_key(&wrong).gangplank("ListAuditEvents", &json!({})).status, 400);
    let refused = events(&server.api(), &json!({ "kind": "CallRefused" }));
    let known: Vec<_> = refused.iter().map(|event| (&event["reason"], event.get("accessKeyId"))).collect();
    let key = json!("GPAKTESTTESTTESTTEST");
    assert_eq!(known.len(), 2, "{refused:?}");
    assert!(known.contains(&(&json!("InvalidSignatureException"), Some(&key))), "{refused:?}");
    assert!(known.contains(&(&json!("UnrecognizedClientException"), None)), "{refused:?}");
}

#[test]
fn what_a_login_is_not_for_is_told_with_what_was_asked() {
    let server = server();
    let api = server.api();
    let push = server.registry_as(&server.push_login());
    let digest = push.push_image("sr", "v1", &Image::unique(3));
    for _ in 0..3 {
        assert_eq!(push.status("GET", "sr/tags/list"), 403);
    }
    assert_eq!(push.status("GET", &format!("sr/blobs/{digest}")), 403);
    let theirs = server.registry_as(&server.operator_login()).push_image("sr", "v2", &Image::unique(4));
    assert_eq!(push.status("GET", &format!("sr/manifests/{theirs}")), 404);
    let told = events(&api, &json!({ "kind": "RequestRefused" }));
    let mut actions: Vec<_> = told
        .iter()
        .map(|event| (event["action"].as_str().unwrap(), event["count"].as_i64().unwrap()))
        .collect();
    actions.sort_unstable();
    assert_eq!(actions, [("GetBlob", 1), ("GetManifestByDigest", 1), ("List", 3)], "{told:?}");
    let list = told.iter().find(|event| event["action"] == "List").unwrap();
    assert_eq!(list["reason"], "this login can only push");
    assert_eq!((&list["address"], &list["account"]), (&json!("127.0.0.1"), &json!("000000000000")));
    assert!(list["registryLoginId"].is_string() && list["accessKeyId"] == "GPAKTESTTESTTESTTEST", "{list}");
    let log = server.log();
    assert_eq!(log.matches("refused a caller").count(), 3, "alike ones are one line: {log}");
}

#[test]
fn the_first_pull_of_an_image_by_a_login_is_told() {
    let server = server();
    let api = server.api();
    api.ensure_service("web");
    let digest = server.registry_as(&server.push_login()).push_image("sr", "v1", &Image::unique(5));
    api.register("web", "app", &digest);
    let pull = server.registry_as(&api.registry_login(&json!({ "serviceName": "web" })));
    let login = newest_login(&api);
    for _ in 0..3 {
        assert_eq!(pull.status("HEAD", "web/manifests/app.1"), 200);
        assert_eq!(pull.status("GET", "web/manifests/app.1"), 200);
        assert_eq!(pull.status("GET", &format!("web/manifests/{digest}")), 200);
    }
    let told = events(&api, &json!({ "kind": "ImagePulled" }));
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["digest"], &told[0]["subject"]), (&json!(digest), &json!("app.1")));
    assert_eq!((&told[0]["repository"], &told[0]["registryLoginId"]), (&json!("web"), &login));
    // The first pull of another login is another event. A push login only reads back its own manifests, which counts
    // as no pull.
    let operator = server.registry_as(&server.operator_login());
    assert_eq!(operator.status("GET", &format!("sr/manifests/{digest}")), 200);
    let push = server.registry_as(&server.push_login());
    let own = push.push_image("sr", "v2", &Image::unique(6));
    assert_eq!(push.status("GET", &format!("sr/manifests/{own}")), 200);
    assert_eq!(events(&api, &json!({ "kind": "ImagePulled" })).len(), 2);
}

#[test]
fn every_login_says_when_it_was_last_used_and_last_pushed() {
    let server = server();
    let api = server.api();
    let listed = || api.gangplank("ListRegistryLogins", &json!({})).body["registryLogins"].clone();
    let push = server.registry_as(&server.push_login());
    let first = &listed()[0];
    assert!(first.get("lastUsedAt").is_none() && first.get("lastPushAt").is_none(), "{first}");
    assert_eq!(push.status("GET", ""), 200);
    let used = &listed()[0];
    assert!(used["lastUsedAt"].is_number() && used.get("lastPushAt").is_none(), "{used}");
    push.push_image("sr", "v1", &Image::unique(7));
    let pushed = &listed()[0];
    assert!(pushed["lastPushAt"].as_f64() >= used["lastUsedAt"].as_f64(), "{pushed}");
    assert_eq!(pushed["lastPushAddress"], "127.0.0.1");
    let pull = server.registry_as(&server.operator_login());
    assert_eq!(pull.status("GET", "sr/tags/list"), 200);
    let both = listed();
    assert!(both[0]["lastUsedAt"].is_number() && both[0].get("lastPushAt").is_none(), "{both}");
    assert!(both[1]["lastPushAt"].is_number());
}

#[test]
fn an_account_sees_its_own_trail() {
    let server = server();
    let (one, other) = (tenant(&server, "111111111111"), tenant(&server, "222222222222"));
    one.ensure_service("web");
    other.in_region("eu-west-1").ensure_service("shop");
    let of = |api: &Api| {
        events(api, &json!({}))
            .iter()
            .map(|event| event["subject"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(of(&one)[0], "web");
    assert_eq!(of(&other)[0], "shop");
    assert!(of(&one).len() == 2 && of(&other).len() == 2, "its service and its key, and nothing else");
    let root = events(&server.api(), &json!({ "account": "222222222222", "kind": "ServiceCreated" }));
    assert_eq!((root.len(), &root[0]["region"]), (1, &json!("eu-west-1")));
    let refused = one.gangplank("ListAuditEvents", &json!({ "account": "222222222222" }));
    assert_eq!(refused.error(), "AccessDeniedException");
}

#[test]
fn pages_follow_each_other_and_nonsense_is_refused() {
    let server = server();
    let api = server.api();
    for name in ["one", "two", "three"] {
        api.ensure_service(name);
    }
    let (mut subjects, mut request) = (Vec::new(), json!({ "maxResults": 2, "kind": "ServiceCreated" }));
    loop {
        let page = api.gangplank("ListAuditEvents", &request).body;
        let events = page["auditEvents"].as_array().unwrap().clone();
        assert!(events.len() <= 2);
        subjects.extend(events.iter().map(|event| event["subject"].as_str().unwrap().to_owned()));
        if page.get("nextToken").is_none() {
            break;
        }
        request["nextToken"] = page["nextToken"].clone();
    }
    assert_eq!(subjects, ["three", "two", "one"]);
    for bad in [
        json!({ "maxResults": 0 }),
        json!({ "maxResults": 1_001 }),
        json!({ "nextToken": "x" }),
        json!({ "registryLoginId": "x" }),
        json!({ "accessKeyId": "x" }),
        json!({ "address": "localhost" }),
        json!({ "kind": "Pushed" }),
    ] {
        assert_eq!(api.gangplank("ListAuditEvents", &bad).error(), "InvalidInputException", "{bad}");
    }
}

#[test]
fn a_trail_outlives_a_crash() {
    let mut server = server();
    server.api().ensure_service("web");
    server.kill();
    server.restart();
    assert_eq!(events(&server.api(), &json!({ "kind": "ServiceCreated" })).len(), 1);
}
