//! Limits that an operator can set: a request that reaches a limit is accepted, and one just above it is
//! refused.

use std::time::Duration;

use gangplank_oci::media_type::{OCI_INDEX, OCI_MANIFEST};
use gangplank_testkit::{Blob, Registry, TestServer};
use serde_json::{Value, json};

use crate::cli::run;
use crate::documents::{descriptor, index};
use crate::manifests::{check_accepted, check_refused, start_with};
use crate::raw::{Raw, ask};
use crate::server_with;

fn with(flag: &str, value: &str) -> TestServer {
    server_with(|builder| builder.arg(flag).arg(value))
}

fn pushing(server: &TestServer) -> Registry {
    server.registry_as(&server.push_login())
}

#[test]
fn a_manifest_has_as_many_descriptors_as_were_allowed() {
    let (_server, registry, parts) = start_with(|builder| builder.arg("--max-manifest-descriptors").arg("3"));
    let layers = |count: usize| parts.manifest_with("/layers", &vec![parts.layer.clone(); count].into());
    check_accepted(&registry, &layers(2));
    check_refused(&registry, layers(3).to_string().as_bytes(), OCI_MANIFEST, "MANIFEST_INVALID");
}

#[test]
fn a_manifest_nests_as_deep_as_was_allowed() {
    let (_server, registry, parts) = start_with(|builder| builder.env("GANGPLANK_MAX_MANIFEST_NESTING", "5"));
    let nested = |levels: usize| {
        let mut value = Value::Null;
        for _ in 0..levels {
            value = json!([value]);
        }
        let mut manifest = parts.manifest();
        manifest["x"] = value;
        manifest
    };
    check_accepted(&registry, &nested(4));
    check_refused(&registry, nested(5).to_string().as_bytes(), OCI_MANIFEST, "MANIFEST_INVALID");
}

#[test]
fn indexes_nest_as_deep_as_was_allowed() {
    let (_server, registry, parts) = start_with(|builder| builder.arg("--max-index-depth").arg("1"));
    let image = parts.manifest();
    check_accepted(&registry, &image);
    let first = index(&[descriptor(&image)]);
    check_accepted(&registry, &first);
    let second = index(&[descriptor(&first)]).to_string();
    check_refused(&registry, second.as_bytes(), OCI_INDEX, "MANIFEST_INVALID");
}

#[test]
fn a_request_has_as_many_headers_as_were_allowed() {
    if crate::are_replicas("the load balancer has limits of its own") {
        return;
    }
    let server = with("--max-headers", "20");
    let request = |count: usize| {
        let more: String =
            (1..count).fold(String::new(), |more, number| more + &format!("X-{number}: a\r\n"));
        format!("GET /v2/ HTTP/1.1\r\nHost: x\r\n{more}\r\n")
    };
    assert_eq!(ask(&server, request(20)).unwrap().status, 401);
    assert_eq!(ask(&server, request(21)).unwrap().status, 431);
}

#[test]
fn a_session_that_is_left_alone_is_over() {
    if crate::are_replicas("the steady time of replicas is advanced every ten seconds") {
        return;
    }
    let server = with("--upload-idle-timeout", "2");
    let registry = pushing(&server);
    let (left, fed) = (registry.start_upload("sr"), registry.start_upload("sr"));
    for _ in 0..6 {
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(registry.request("PATCH", &fed).body("x").send().unwrap().status(), 202);
    }
    let gone = registry.send("GET", &left);
    assert_eq!(gone.status(), 404);
    assert!(gone.text().unwrap().contains("BLOB_UPLOAD_UNKNOWN"));
    // The bytes of this upload are removed. The bytes of the other upload still exist.
    let staged = server.data_dir().join("blobs/staged");
    for _ in 0..50 {
        std::thread::sleep(Duration::from_millis(100));
        if staged.read_dir().unwrap().count() == 0 {
            return;
        }
    }
    panic!("bytes of sessions that are over stay");
}

#[test]
fn a_session_that_takes_too_long_is_over_though_it_is_fed() {
    if crate::are_replicas("the steady time of replicas is advanced every ten seconds") {
        return;
    }
    let server = with("--upload-timeout", "2");
    let registry = pushing(&server);
    let fed = registry.start_upload("sr");
    let mut statuses = Vec::new();
    for _ in 0..6 {
        std::thread::sleep(Duration::from_millis(500));
        statuses.push(registry.request("PATCH", &fed).body("x").send().unwrap().status().as_u16());
    }
    assert_eq!((statuses[0], statuses[5]), (202, 404), "{statuses:?}");
}

/// Quotas can be set by flag, by variable and in the file.
#[test]
fn quotas_are_told_in_every_way() {
    let quotas = [
        ("max-account-bytes", "7"),
        ("max-account-bytes", "auto"),
        ("max-repositories", "7"),
        ("max-manifests", "7"),
        ("max-tags", "7"),
        ("max-registry-logins", "7"),
        ("max-access-keys", "7"),
        ("max-roles", "7"),
        ("max-role-sessions", "7"),
    ];
    for (name, value) in quotas {
        let help = run(std::env::temp_dir().as_path(), &["serve", "--help"], &[]).stdout;
        assert!(help.contains(&format!("--{name}")), "{name}");
        let variable = format!("GANGPLANK_{}", name.replace('-', "_").to_uppercase());
        assert!(help.contains(&variable), "{variable}");
        drop(with(&format!("--{name}"), value));
        drop(server_with(|builder| builder.env(&variable, value)));
    }
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("gangplank.toml");
    std::fs::write(&file, "max-account-bytes = 'auto'\nmax-tags = 1\n").unwrap();
    let server = with("--config", file.to_str().unwrap());
    let registry = pushing(&server);
    let image = gangplank_testkit::Image::unique(0);
    registry.push_image("sr", "a", &image);
    assert_eq!(registry.put_manifest("sr", "b", OCI_MANIFEST, &image.manifest).status(), 403);
}

#[test]
fn small_bodies_share_what_was_allowed() {
    let server = with("--max-buffered-bytes", "1048576");
    let registry = pushing(&server);
    let answer = registry.put_manifest("sr", "v1", OCI_MANIFEST, &vec![b' '; 2 << 20]);
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    let blob = Blob::new(vec![7; 2 << 20]);
    assert_eq!(registry.push_blob("sr", &blob), 201, "blobs are not held in memory");
    let answer = registry.put_manifest("sr", "v1", OCI_MANIFEST, &vec![b' '; 1 << 19]);
    assert_eq!(answer.status(), 400, "room that was taken comes back");
}

#[test]
fn calls_that_nobody_verified_share_what_was_allowed() {
    let server = with("--max-unverified-bytes", "524288");
    let call = |length: usize| {
        let mut body = b"{}".to_vec();
        body.resize(length, b' ');
        server.api().call("Lightsail_20161128.GetContainerServices", &body, &[])
    };
    // One address may use an eighth of the budget, in addition to 4 KiB for every body.
    assert_eq!(call(69_632).status, 200);
    let refused = call(69_633);
    assert_eq!((refused.status, refused.error()), (503, "ServiceUnavailable"));
    assert_eq!(refused.headers["retry-after"], "5");
    assert_eq!(call(69_632).status, 200, "room that was taken comes back");
}

#[test]
fn an_address_has_as_many_connections_as_were_allowed() {
    if crate::are_replicas("the load balancer has the connections") {
        return;
    }
    let server = with("--max-connections-per-address", "2");
    let mut held: Vec<Raw> = (0..2).map(|_| Raw::connect(&server)).collect();
    assert!(held.iter_mut().all(|raw| raw.is_silent_for(Duration::from_millis(200))));
    held.push(Raw::connect(&server));
    assert!(held[0].closes());
    for raw in &mut held[1..] {
        raw.send("GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(raw.answer().unwrap().status, 401);
    }
}

#[test]
fn new_limits_can_be_given_in_every_way_and_not_as_nonsense() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("gangplank.toml");
    for (name, variable, value, wrong) in [
        ("max-unverified-bytes", "GANGPLANK_MAX_UNVERIFIED_BYTES", "65536", "8191"),
        ("max-connections-per-address", "GANGPLANK_MAX_CONNECTIONS_PER_ADDRESS", "7", "0"),
    ] {
        std::fs::write(&file, format!("{name} = {value}\n")).unwrap();
        drop(server_with(|builder| builder.arg("--config").arg(file.to_str().unwrap())));
        drop(server_with(|builder| builder.env(variable, value)));
        let data_dir = home.path().join("data");
        let serve = ["serve", "--data-dir", data_dir.to_str().unwrap(), &format!("--{name}"), wrong];
        run(home.path(), &serve, &[]).check_failed(&[name, "at least"]);
    }
}
