//! A login that is revoked, or whose key is disabled, is refused from the next request on, even on an open connection
//! or during an upload.

use gangplank_testkit::{Api, Blob, Login, TestServer};
use serde_json::{Value, json};

use crate::raw::{Raw, head};
use crate::server;

/// A push login of a new key, with the login's id.
fn login_and_key(server: &TestServer) -> (Api, Login, Value) {
    let root = server.api();
    let key = root.gangplank("CreateAccessKey", &json!({})).body["accessKey"].clone();
    root.ensure_service("web");
    let login = root.as_key(&key).push_login();
    (root, login, key["accessKeyId"].clone())
}

fn revoke(root: &Api, _: &Value) {
    let id = root.gangplank("ListRegistryLogins", &json!({})).body["registryLogins"][0]["id"].clone();
    assert_eq!(root.gangplank("RevokeRegistryLogin", &json!({ "id": id })).status, 200);
}

fn disable(root: &Api, key: &Value) {
    let input = json!({ "accessKeyId": key, "status": "Disabled" });
    assert_eq!(root.gangplank("UpdateAccessKey", &input).status, 200);
}

fn delete(root: &Api, key: &Value) {
    assert_eq!(root.gangplank("DeleteAccessKey", &json!({ "accessKeyId": key })).status, 200);
}

type End = fn(&Api, &Value);

const ENDS: [(&str, End); 3] = [("revoked", revoke), ("disabled", disable), ("deleted", delete)];

#[test]
fn the_next_request_on_the_same_connection_is_refused() {
    for (name, end) in ENDS {
        let server = server();
        let (root, login, key) = login_and_key(&server);
        let mut raw = Raw::connect(&server);
        for _ in 0..2 {
            raw.send(head(&login, "GET /v2/", ""));
            assert_eq!(raw.answer().unwrap().status, 200);
        }
        end(&root, &key);
        raw.send(head(&login, "GET /v2/", ""));
        let answer = raw.answer().unwrap();
        assert_eq!(answer.status, 401, "{name}");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Basic "), "{name}");
    }
}

#[test]
fn an_upload_that_was_begun_is_not_gone_on_with() {
    for (name, end) in ENDS {
        let server = server();
        let (root, login, key) = login_and_key(&server);
        let registry = server.registry_as(&login);
        let blob = Blob::unique();
        let location = registry.start_upload("sr");
        assert_eq!(
            registry.request("PATCH", &location).body(blob.bytes.clone()).send().unwrap().status(),
            202
        );
        end(&root, &key);
        let finish = format!("{location}?digest={}", blob.digest);
        assert_eq!(registry.status("PUT", &finish), 401, "{name}");
        assert_eq!(registry.status("PATCH", &location), 401, "{name}");
        // Another login cannot finish the upload either.
        let other = server.registry_as(&server.push_login());
        assert_eq!(other.status("PUT", &finish), 404, "{name}");
        assert_eq!(other.status("HEAD", &format!("sr/blobs/{}", blob.digest)), 404, "{name}");
    }
}

#[test]
fn a_key_that_is_off_signs_nothing_from_the_next_call_on() {
    let server = server();
    let root = server.api();
    let key = root.gangplank("CreateAccessKey", &json!({})).body["accessKey"].clone();
    let api = root.as_key(&key);
    assert_eq!(api.gangplank("ListRegistryLogins", &json!({})).status, 200);
    disable(&root, &key["accessKeyId"]);
    assert_eq!(api.gangplank("ListRegistryLogins", &json!({})).error(), "UnauthenticatedException");
    delete(&root, &key["accessKeyId"]);
    assert_eq!(api.gangplank("ListRegistryLogins", &json!({})).error(), "UnrecognizedClientException");
}
