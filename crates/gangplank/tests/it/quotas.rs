//! Quotas of an account: each is kept at its value, exceeded just above it, and named in the error.

use gangplank_oci::media_type::OCI_MANIFEST;
use gangplank_testkit::{Api, Blob, Image, Login, Registry, TestServer};
use serde_json::{Value, json};

use crate::documents::{Parts, digest, referrer};
use crate::server_with;

fn with(flag: &str, value: &str) -> TestServer {
    server_with(|builder| builder.arg(flag).arg(value))
}

/// The only error of a refusal: its code and message.
fn refusal(answer: reqwest::blocking::Response) -> (u16, String, String) {
    let status = answer.status().as_u16();
    let body: Value = answer.json().unwrap();
    let text = |name: &str| body["errors"][0][name].as_str().unwrap().to_owned();
    (status, text("code"), text("message"))
}

fn check_denied(answer: reqwest::blocking::Response, parts: &[&str]) {
    let (status, code, message) = refusal(answer);
    assert_eq!((status, code.as_str()), (403, "DENIED"), "{message}");
    for part in parts {
        assert!(message.contains(part), "{part} in {message:?}");
    }
}

fn post_blob(registry: &Registry, repository: &str, blob: &Blob) -> reqwest::blocking::Response {
    let post = registry.request("POST", &format!("{repository}/blobs/uploads/?digest={}", blob.digest));
    post.body(blob.bytes.clone()).send().unwrap()
}

#[test]
fn repositories() {
    let server = with("--max-repositories", "2");
    let registry = server.registry_as(&server.operator_login());
    let blob = Blob::unique();
    for name in ["one", "two"] {
        assert_eq!(post_blob(&registry, name, &blob).status(), 201);
    }
    check_denied(post_blob(&registry, "three", &blob), &["2 of the 2 repositories", "--max-repositories"]);
    let mount = format!("three/blobs/uploads/?mount={}&from=one", blob.digest);
    check_denied(registry.send("POST", &mount), &["2 of the 2 repositories"]);
    assert_eq!(post_blob(&registry, "two", &Blob::unique()).status(), 201, "what is there is no more");
    let listed: Value = registry.send("GET", "_catalog").json().unwrap();
    assert_eq!(listed["repositories"], json!(["one", "two"]));
}

#[test]
fn manifests_and_tags() {
    let server =
        server_with(|builder| builder.arg("--max-manifests").arg("2").env("GANGPLANK_MAX_TAGS", "3"));
    let registry = server.registry_as(&server.push_login());
    let images = [Image::unique(1), Image::unique(1), Image::unique(1)];
    registry.push_image("sr", "a", &images[0]);
    registry.push_image("sr", "b", &images[1]);
    for blob in images[2].blobs() {
        assert_eq!(registry.push_blob("sr", blob), 201);
    }
    let put = |tag: &str, image: &Image| registry.put_manifest("sr", tag, OCI_MANIFEST, &image.manifest);
    check_denied(put("a", &images[2]), &["2 of the 2 manifests", "--max-manifests"]);
    assert_eq!(put("c", &images[1]).status(), 201);
    check_denied(put("d", &images[0]), &["3 of the 3 tags", "--max-tags"]);
    assert_eq!(put("c", &images[0]).status(), 201, "a tag that moves is no more");
    let operator = server.registry_as(&server.operator_login());
    assert_eq!(operator.status("DELETE", &format!("sr/manifests/{}", images[1].digest())), 202);
    assert_eq!(put("b", &images[2]).status(), 201, "there is room again");
}

#[test]
fn bytes_are_refused_before_they_come_where_they_are_declared() {
    let server = with("--max-account-bytes", "100000");
    let registry = server.registry_as(&server.push_login());
    let blob = |bytes: usize| Blob::new(vec![7; bytes]);
    assert_eq!(post_blob(&registry, "sr", &blob(60_000)).status(), 201);
    check_denied(
        post_blob(&registry, "sr", &blob(40_001)),
        &["60000 of the 100000 bytes", "--max-account-bytes"],
    );
    // Staged bytes count.
    let session = registry.start_upload("sr");
    let answer = registry.request("PATCH", &session).body(vec![1; 30_000]).send().unwrap();
    assert_eq!(answer.status(), 202);
    check_denied(post_blob(&registry, "sr", &blob(20_000)), &["90000 of the 100000 bytes"]);
    assert_eq!(post_blob(&registry, "sr", &blob(10_000)).status(), 201);
    assert_eq!(registry.status("DELETE", &session), 204);
    // A body of unknown length counts, too.
    let chunked = |bytes: usize| reqwest::blocking::Body::new(std::io::Cursor::new(vec![3; bytes]));
    let path = format!("sr/blobs/uploads/?digest={}", Blob::new(vec![3; 40_000]).digest);
    check_denied(
        registry.request("POST", &path).body(chunked(40_000)).send().unwrap(),
        &["of the 100000 bytes"],
    );
    let session = registry.start_upload("sr");
    check_denied(
        registry.request("PATCH", &session).body(chunked(40_000)).send().unwrap(),
        &["100000 bytes"],
    );
    assert_eq!(registry.status("GET", &session), 404, "it is over, and its bytes are free");
    assert_eq!(post_blob(&registry, "sr", &blob(30_000)).status(), 201);
    check_denied(post_blob(&registry, "sr", &Blob::new("{}")), &["100000 of the 100000 bytes"]);
}

#[test]
fn bytes_of_manifests_count() {
    let server = with("--max-account-bytes", "2000");
    let registry = server.registry_as(&server.push_login());
    let image = Image::unique(0);
    registry.push_image("sr", "v1", &image);
    let mut padded: Value = serde_json::from_slice(&image.manifest).unwrap();
    padded["x"] = "x".repeat(2_000).into();
    let answer = registry.put_manifest("sr", "v2", OCI_MANIFEST, padded.to_string().as_bytes());
    check_denied(answer, &["of the 2000 bytes"]);
}

/// Makes another key of the same account.
fn second_key(server: &TestServer) -> (Api, Value) {
    let made = server.api().gangplank("CreateAccessKey", &json!({})).body["accessKey"].clone();
    (server.api().as_key(&made), made["accessKeyId"].clone())
}

#[test]
fn logins_of_an_account_and_of_a_key() {
    let server = with("--max-registry-logins", "4");
    let (one, (other, _)) = (server.api(), second_key(&server));
    let pull = json!({ "scope": ["pull"] });
    let issue = |api: &Api| api.gangplank("CreateRegistryLogin", &pull);
    for _ in 0..2 {
        assert_eq!(issue(&one).status, 200);
    }
    let refused = issue(&one);
    assert_eq!(refused.error(), "InvalidInputException");
    assert!(refused.message().contains("2 of the 2 live registry logins"), "{}", refused.message());
    assert!(refused.message().contains("--max-registry-logins"), "{}", refused.message());
    assert_eq!(one.in_region("eu-west-1").gangplank("CreateRegistryLogin", &pull).error(), refused.error());
    for _ in 0..2 {
        assert_eq!(issue(&other).status, 200, "another key has its half");
    }
    let (third, _) = second_key(&server);
    let full = issue(&third);
    assert!(full.message().contains("4 of the 4 live registry logins"), "{}", full.message());
    one.ensure_service("web");
    let push = one.lightsail("CreateContainerServiceRegistryLogin", &json!({}));
    assert_eq!(push.error(), "InvalidInputException");
    let id = one.gangplank("ListRegistryLogins", &json!({})).body["registryLogins"][3]["id"].clone();
    assert_eq!(one.gangplank("RevokeRegistryLogin", &json!({ "id": id })).status, 200);
    assert_eq!(issue(&one).status, 200, "one that is revoked is not live");
    assert_eq!(issue(&one).error(), "InvalidInputException");
}

#[test]
fn keys_of_an_account() {
    let server = with("--max-access-keys", "2");
    let api = server.api();
    let make = |account: &str| api.gangplank("CreateAccessKey", &json!({ "account": account }));
    for _ in 0..2 {
        assert_eq!(make("111111111111").status, 200);
    }
    let refused = make("111111111111");
    assert_eq!(refused.error(), "InvalidInputException");
    assert!(refused.message().contains("2 of the 2 access keys"), "{}", refused.message());
    assert!(refused.message().contains("--max-access-keys"), "{}", refused.message());
    assert_eq!(make("222222222222").status, 200, "another account has its own");
}

#[test]
fn what_push_logins_hang_on_a_manifest() {
    let server = crate::server();
    let (push, operator) =
        (server.registry_as(&server.push_login()), server.registry_as(&server.operator_login()));
    let subject = crate::documents::descriptor(&Parts::push(&push).manifest());
    assert_eq!(push.push_blob("sr", &Blob::new("{}")), 201);
    let put = |registry: &Registry, number: usize| {
        let document = referrer(&subject, &format!("a/note-{number}"));
        registry.put_manifest("sr", &digest(&document), OCI_MANIFEST, document.to_string().as_bytes())
    };
    for number in 0..256 {
        assert_eq!(put(&push, number).status(), 201, "{number}");
    }
    check_denied(put(&push, 256), &["256 of the 256 manifests", subject["digest"].as_str().unwrap()]);
    assert_eq!(put(&push, 7).status(), 201, "it is there");
    assert_eq!(put(&operator, 257).status(), 201, "an operator's login may");
}

/// Without a quota, an account with much content leaves the last tenth of the disk to others.
#[test]
fn the_last_tenth_of_a_disk_is_left_to_others() {
    if crate::are_replicas("it looks into the directory") {
        return;
    }
    let Some(small) = crate::disk_full::small_server() else { return };
    let server = &small.server;
    let theirs = server.api().gangplank("CreateAccessKey", &json!({ "account": "111111111111" }));
    let theirs = server.api().as_key(&theirs.body["accessKey"]);
    let login = |api: &Api| -> Login { api.registry_login(&json!({ "scope": ["pull", "push", "delete"] })) };
    let (greedy, other) = (server.registry_as(&login(&server.api())), server.registry_as(&login(&theirs)));
    let blob = |number: u32| Blob::new(format!("{number} ").repeat(128 << 10));
    let refused = (0..100).find_map(|number| {
        let answer = post_blob(&greedy, "sr", &blob(number));
        (answer.status() != 201).then_some(answer)
    });
    check_denied(refused.unwrap(), &["bytes that it may have", "--max-account-bytes"]);
    assert_eq!(post_blob(&other, "sr", &Blob::new(vec![1; 200_000])).status(), 201);
    assert_eq!(post_blob(&greedy, "sr", &blob(1_000)).status(), 403);
}
