//! Manifests: those that are accepted, stored unchanged and counted, and those that are refused.

use gangplank_oci::media_type::{DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST};
use gangplank_oci::{Algorithm, Digest};
use gangplank_testkit::{Blob, Registry, ServerBuilder, TestServer};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::answers::{header, refused};
use crate::documents::{Parts, descriptor, digest, index, referrer};
use crate::server_with;

/// A server, its registry for an operator, and parts of manifests.
pub(crate) fn start() -> (TestServer, Registry, Parts) {
    start_with(|builder| builder)
}

/// Starts such a server with a configuration.
pub(crate) fn start_with(
    configure: impl FnOnce(ServerBuilder) -> ServerBuilder,
) -> (TestServer, Registry, Parts) {
    let server = server_with(configure);
    let registry = server.registry_as(&server.operator_login());
    let parts = Parts::push(&registry);
    (server, registry, parts)
}

/// Checks that a document is refused and nothing of it is stored.
#[track_caller]
pub(crate) fn check_refused(registry: &Registry, body: &[u8], media_type: &str, code: &str) {
    let shown = String::from_utf8_lossy(&body[..body.len().min(300)]);
    let digest = Blob::new(body).digest;
    for reference in ["refused", &digest] {
        let answer = registry.put_manifest("sr", reference, media_type, body);
        assert_eq!(answer.status(), 400, "{media_type}: {shown}");
        refused(answer, 400, code);
        assert_eq!(registry.status("GET", &format!("sr/manifests/{reference}")), 404, "{shown}");
    }
}

/// Checks that a document is accepted.
#[track_caller]
pub(crate) fn check_accepted(registry: &Registry, document: &Value) {
    let answer = registry.put_manifest(
        "sr",
        "accepted",
        document["mediaType"].as_str().unwrap(),
        document.to_string().as_bytes(),
    );
    assert_eq!(answer.status(), 201, "{:?}", answer.text());
}

#[test]
fn bytes_are_kept_verbatim_and_named_by_what_they_are() {
    let (_server, registry, parts) = start();
    let body = format!("  {} \n\n", parts.manifest().to_string().replace(',', " ,\r\n\t"));
    let digest = Blob::new(body.as_bytes()).digest;
    let put = registry.request("PUT", "sr/manifests/v1").header(CONTENT_TYPE, OCI_MANIFEST);
    let put = put.header("Docker-Content-Digest", "sha256:1234").header("Host", "evil.example");
    let answer = put.header("X-Forwarded-Host", "evil.example").body(body.clone()).send().unwrap();
    assert_eq!(answer.status(), 201);
    assert_eq!(header(&answer, "docker-content-digest"), digest);
    assert_eq!(header(&answer, "location"), format!("/v2/sr/manifests/{digest}"));
    for reference in ["v1", digest.as_str()] {
        let path = format!("sr/manifests/{reference}");
        let head = registry.send("HEAD", &path);
        let answer = registry.send("GET", &path);
        for name in ["content-type", "content-length", "docker-content-digest"] {
            assert_eq!(header(&head, name), header(&answer, name), "{name}");
        }
        assert_eq!(header(&answer, "content-type"), OCI_MANIFEST);
        assert_eq!(header(&answer, "docker-content-digest"), digest);
        assert_eq!(answer.text().unwrap(), body);
    }
}

#[test]
fn a_digest_in_the_path_must_be_the_digest() {
    let (_server, registry, parts) = start();
    let body = parts.manifest().to_string().into_bytes();
    let (other, right) = (Blob::unique().digest, Digest::of(Algorithm::Sha512, &body).to_string());
    let wrong = Digest::of(Algorithm::Sha512, b"other").to_string();
    for bad in [other.as_str(), &wrong, "sha256:abc", "md5:d41d8cd98f00b204e9800998ecf8427e"] {
        refused(registry.put_manifest("sr", bad, OCI_MANIFEST, &body), 400, "DIGEST_INVALID");
    }
    for digest in [other, wrong, Blob::new(body.clone()).digest] {
        assert_eq!(registry.status("GET", &format!("sr/manifests/{digest}")), 404);
    }
    assert_eq!(registry.put_manifest("sr", &right, OCI_MANIFEST, &body).status(), 201);
    assert_eq!(registry.send("GET", &format!("sr/manifests/{right}")).bytes().unwrap(), body);
}

#[test]
fn what_is_no_manifest_is_refused() {
    let (_server, registry, parts) = start();
    let good = parts.manifest().to_string();
    let layer = parts.layer.to_string();
    let deep = format!("{}{}", "[".repeat(70), "]".repeat(70));
    for bad in [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "\"text\"".to_owned(),
        "{}".to_owned(),
        "{".to_owned(),
        format!("{good}{good}"),
        format!("{good}x"),
        good.replace("\"layers\"", "\"layers\":[],\"layers\""),
        good.replace("\"schemaVersion\":2", "\"schemaVersion\":2,\"schemaVersion\":2"),
        good.replace(&layer, &layer.replace("\"size\"", "\"size\":1,\"size\"")),
        good.replace("\"layers\"", "\"\\u006cayers\":[],\"layers\""),
        good.replace("\"schemaVersion\":2", &format!("\"schemaVersion\":2,\"x\":{deep}")),
        format!("\u{feff}{good}"),
        good.replace("\"schemaVersion\":2", "\"schemaVersion\":1"),
        good.replace("\"schemaVersion\":2", "\"schemaVersion\":\"2\""),
        good.replace("\"schemaVersion\":2,", ""),
        good.replace("\"schemaVersion\":2", "\"schemaVersion\":2,\"fsLayers\":[]"),
        good.replace("\"schemaVersion\":2", "\"schemaVersion\":2,\"manifests\":[]"),
    ] {
        check_refused(&registry, bad.as_bytes(), OCI_MANIFEST, "MANIFEST_INVALID");
    }
    check_refused(&registry, b"\xff\xfe{}", OCI_MANIFEST, "MANIFEST_INVALID");
    check_refused(&registry, &vec![b'['; 2 << 20], OCI_MANIFEST, "MANIFEST_INVALID");
    let values = format!("{{\"a\":[{}0]}}", "0,".repeat(1 << 20));
    check_refused(&registry, values.as_bytes(), OCI_MANIFEST, "MANIFEST_INVALID");
}

#[test]
fn a_member_of_the_wrong_shape_is_refused() {
    let (_server, registry, parts) = start();
    let size = parts.layer["size"].as_u64().unwrap();
    for (place, value) in [
        ("/layers", json!({})),
        ("/layers", json!("none")),
        ("/layers/0", json!([])),
        ("/layers/0", Value::Null),
        ("/config", Value::Null),
        ("/config", json!([])),
        ("/layers/0/size", json!(-1)),
        ("/layers/0/size", json!(1.5)),
        ("/layers/0/size", json!(size.to_string())),
        ("/layers/0/size", json!(18_446_744_073_709_551_615_u64)),
        ("/layers/0/size", json!(size + 1)),
        ("/layers/0/size", json!(0)),
        ("/config/size", json!(3)),
        ("/layers/0/digest", json!("sha256:abc")),
        ("/layers/0/digest", json!("latest")),
        ("/layers/0/digest", json!(7)),
        ("/layers/0/digest", json!("")),
        ("/layers/0/mediaType", json!(7)),
        ("/mediaType", json!(7)),
        ("/annotations", json!({ "a": 1 })),
        ("/annotations", json!([])),
        ("/artifactType", json!(7)),
        ("/subject", json!("sha256:abc")),
        ("/subject", json!({})),
    ] {
        let body = parts.manifest_with(place, &value).to_string();
        check_refused(&registry, body.as_bytes(), OCI_MANIFEST, "MANIFEST_INVALID");
    }
}

#[test]
fn a_type_that_is_unknown_or_contradicts_itself_is_refused() {
    let (_server, registry, parts) = start();
    let image = parts.manifest();
    let schema1 = "application/vnd.docker.distribution.manifest.v1+json";
    let signed = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    for (inside, outside) in [
        (OCI_MANIFEST, OCI_INDEX),
        (OCI_MANIFEST, DOCKER_MANIFEST),
        (OCI_INDEX, OCI_INDEX),
        (OCI_INDEX, OCI_MANIFEST),
        (OCI_MANIFEST, "text/html"),
        (OCI_MANIFEST, "application/json"),
        ("text/html", "text/html"),
        ("application/json", "application/json"),
        (schema1, schema1),
        (signed, signed),
        ("application/vnd.oci.artifact.manifest.v1+json", "application/vnd.oci.artifact.manifest.v1+json"),
    ] {
        let mut document = image.clone();
        document["mediaType"] = inside.into();
        check_refused(&registry, document.to_string().as_bytes(), outside, "MANIFEST_INVALID");
    }
    let old = json!({ "schemaVersion": 1, "name": "sr", "tag": "v1", "fsLayers": [], "history": [] });
    for media_type in [schema1, signed, OCI_MANIFEST, "application/json"] {
        check_refused(&registry, old.to_string().as_bytes(), media_type, "MANIFEST_INVALID");
    }
    let mut mixed = index(&[]);
    mixed["layers"] = json!([]);
    check_refused(&registry, mixed.to_string().as_bytes(), OCI_INDEX, "MANIFEST_INVALID");

    let mut untyped = image.clone();
    untyped.as_object_mut().unwrap().remove("mediaType");
    let body = untyped.to_string().into_bytes();
    let put = registry.request("PUT", "sr/manifests/v1").body(body.clone());
    refused(put.send().unwrap(), 400, "MANIFEST_INVALID");
    let typed = format!("{OCI_MANIFEST}; charset=utf-8");
    assert_eq!(registry.put_manifest("sr", "v1", &typed, &body).status(), 201);
    assert_eq!(header(&registry.send("GET", "sr/manifests/v1"), "content-type"), OCI_MANIFEST);
}

#[test]
fn layers_that_are_elsewhere_are_for_whoever_copies_repositories() {
    let (server, operator, parts) = start();
    let push = server.registry_as(&server.push_login());
    let mut foreign = Blob::unique().descriptor("application/vnd.oci.image.layer.v1.tar");
    foreign["urls"] = json!(["http://127.0.0.1:9/layer", "file:///etc/passwd"]);
    let foreign_type = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    let docker_foreign = Blob::unique().descriptor(foreign_type);
    for (tag, layer) in [("oci", &foreign), ("docker", &docker_foreign)] {
        let body = parts.manifest_with("/layers/0", layer).to_string();
        let answer = push.put_manifest("sr", tag, OCI_MANIFEST, body.as_bytes());
        refused(answer, 400, "MANIFEST_BLOB_UNKNOWN");
        assert_eq!(operator.put_manifest("sr", tag, OCI_MANIFEST, body.as_bytes()).status(), 201);
        let absent = layer["digest"].as_str().unwrap();
        assert_eq!(operator.status("GET", &format!("sr/blobs/{absent}")), 404);
    }
}

#[test]
fn what_a_manifest_names_must_be_there() {
    let (_server, registry, parts) = start();
    let absent = Blob::unique().descriptor("application/vnd.oci.image.layer.v1.tar");
    let elsewhere = Blob::unique();
    assert_eq!(registry.push_blob("other", &elsewhere), 201);
    let elsewhere = elsewhere.descriptor("application/vnd.oci.image.layer.v1.tar");
    let mut inline = absent.clone();
    inline["data"] = json!("e30=");
    for (place, value) in [("/layers/0", &absent), ("/config", &absent), ("/layers/0", &elsewhere)] {
        let body = parts.manifest_with(place, value).to_string();
        check_refused(&registry, body.as_bytes(), OCI_MANIFEST, "MANIFEST_BLOB_UNKNOWN");
    }
    let body = parts.manifest_with("/layers/0", &inline).to_string();
    check_refused(&registry, body.as_bytes(), OCI_MANIFEST, "MANIFEST_INVALID");
    // A child that is only a blob, is only announced, or has another size.
    let child = descriptor(&parts.manifest());
    let as_blob = Blob::new(parts.manifest().to_string());
    assert_eq!(registry.push_blob("sr", &as_blob), 201);
    let body = index(std::slice::from_ref(&child)).to_string();
    check_refused(&registry, body.as_bytes(), OCI_INDEX, "MANIFEST_BLOB_UNKNOWN");
    check_accepted(&registry, &parts.manifest());
    let mut wrong_size = child.clone();
    wrong_size["size"] = json!(1);
    let body = index(&[wrong_size]).to_string();
    check_refused(&registry, body.as_bytes(), OCI_INDEX, "MANIFEST_INVALID");
    check_accepted(&registry, &index(&[child]));
}

#[test]
fn a_push_login_cannot_send_pullers_elsewhere() {
    let (server, operator, parts) = start();
    let registry = server.registry_as(&server.push_login());
    let mut foreign = Blob::unique().descriptor("application/vnd.oci.image.layer.v1.tar");
    foreign["urls"] = json!(["http://127.0.0.1:9/layer", "file:///etc/passwd"]);
    for media_type in [
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    ] {
        foreign["mediaType"] = media_type.into();
        let body = parts.manifest_with("/layers/0", &foreign).to_string();
        let answer = registry.put_manifest("sr", "foreign", OCI_MANIFEST, body.as_bytes());
        let said = answer.text().unwrap();
        for words in [foreign["digest"].as_str().unwrap(), "nondistributable", "push its content too"] {
            assert!(said.contains(words), "{said}");
        }
        let answer = registry.put_manifest("sr", "foreign", OCI_MANIFEST, body.as_bytes());
        refused(answer, 400, "MANIFEST_BLOB_UNKNOWN");
        assert_eq!(operator.status("GET", "sr/manifests/foreign"), 404);
    }
    // If the bytes were uploaded, other addresses for them in the manifest do not matter.
    let mut here = parts.layer.clone();
    here["urls"] = foreign["urls"].clone();
    let body = parts.manifest_with("/layers/0", &here).to_string();
    let answer = registry.put_manifest("sr", "foreign", OCI_MANIFEST, body.as_bytes());
    assert_eq!(answer.status(), 201);
}

#[test]
fn a_subject_need_not_be_there() {
    let (_server, registry, parts) = start();
    assert_eq!(registry.push_blob("sr", &Blob::new("{}")), 201);
    let absent = descriptor(&parts.manifest());
    let document = referrer(&absent, "application/x.test");
    let answer =
        registry.put_manifest("sr", &digest(&document), OCI_MANIFEST, document.to_string().as_bytes());
    assert_eq!(answer.status(), 201);
    assert_eq!(header(&answer, "oci-subject"), absent["digest"].as_str().unwrap());
    let plain = registry.put_manifest("sr", "v1", OCI_MANIFEST, parts.manifest().to_string().as_bytes());
    assert_eq!(plain.headers().get("oci-subject"), None);
}

#[test]
fn what_is_no_reference_is_refused_or_not_there() {
    let (_server, registry, parts) = start();
    let body = parts.manifest().to_string().into_bytes();
    let long = "a".repeat(129);
    for tag in ["-a", ".a", "a!", "a%20b", "%00", &long, "a%2Fb", "caf%C3%A9"] {
        refused(registry.put_manifest("sr", tag, OCI_MANIFEST, &body), 400, "TAG_INVALID");
        refused(registry.send("GET", &format!("sr/manifests/{tag}")), 404, "MANIFEST_UNKNOWN");
        refused(registry.send("HEAD", &format!("sr/manifests/{tag}")), 404, "MANIFEST_UNKNOWN");
    }
    for tag in ["a".repeat(128), "_".to_owned(), "V1.0_x-y".to_owned(), "0".to_owned()] {
        assert_eq!(registry.put_manifest("sr", &tag, OCI_MANIFEST, &body).status(), 201);
        assert_eq!(registry.status("GET", &format!("sr/manifests/{tag}")), 200);
    }
}
