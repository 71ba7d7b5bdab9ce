//! A login that is limited to repositories or networks gives no access to others, in whichever way it is used.

use gangplank_oci::media_type::OCI_MANIFEST;
use gangplank_testkit::{Image, Registry, TestServer};
use serde_json::{Value, json};

use crate::server;

const ALL: [&str; 3] = ["push", "pull", "delete"];

/// A server with the same image in `sr` and `team/app`, and another image in `secret`.
fn filled() -> (TestServer, Image, Image) {
    let server = server();
    server.api().ensure_service("web");
    let (shared, secret) = (Image::unique(1), Image::unique(1));
    let everybody = operator(&server, json!({}));
    for (repository, image) in [("sr", &shared), ("team/app", &shared), ("secret", &secret)] {
        everybody.push_image(repository, "v1", image);
    }
    (server, shared, secret)
}

/// An operator's login with limits.
fn operator(server: &TestServer, mut limits: Value) -> Registry {
    limits["scope"] = json!(ALL);
    server.registry_as(&server.api().registry_login(&limits))
}

#[test]
fn it_does_everything_in_its_repositories_and_nothing_in_others() {
    let (server, shared, secret) = filled();
    let team = operator(&server, json!({ "repositories": ["team/*"] }));
    assert_eq!(team.status("GET", ""), 200);
    let layer = &shared.layers[0].digest;
    for (method, path, status) in [
        ("HEAD", format!("team/app/blobs/{layer}"), 200),
        ("GET", "team/app/manifests/v1".to_owned(), 200),
        ("GET", "team/app/tags/list".to_owned(), 200),
        ("GET", "team/app/nested/tags/list".to_owned(), 403),
        ("HEAD", format!("sr/blobs/{layer}"), 404),
        ("GET", format!("sr/blobs/{layer}"), 403),
        ("GET", "sr/manifests/v1".to_owned(), 403),
        ("HEAD", "secret/manifests/v1".to_owned(), 403),
        ("GET", "secret/tags/list".to_owned(), 403),
        ("DELETE", "sr/manifests/v1".to_owned(), 403),
        ("GET", "_catalog".to_owned(), 403),
        ("GET", "web/manifests/app.1".to_owned(), 403),
    ] {
        assert_eq!(team.status(method, &path), status, "{method} {path}");
    }
    let put = team.put_manifest("sr", "v2", OCI_MANIFEST, &secret.manifest);
    assert_eq!(put.status(), 403);
    assert_eq!((team.start_upload_status("sr"), team.start_upload_status("team/other")), (403, 202));
    assert_eq!(team.status("DELETE", &format!("team/app/manifests/{}", shared.digest())), 202);
}

#[test]
fn nothing_is_mounted_from_beyond() {
    let (server, shared, secret) = filled();
    let team = operator(&server, json!({ "repositories": ["team/*"] }));
    let mount = |digest: &str, from: &str| {
        team.send("POST", &format!("team/new/blobs/uploads/?mount={digest}{from}")).status()
    };
    let (shared, secret) = (&shared.layers[0].digest, &secret.layers[0].digest);
    assert_eq!(mount(secret, "&from=secret"), 403);
    assert_eq!(mount(secret, "&from=team/app"), 202, "it is not there");
    assert_eq!(mount(secret, ""), 202, "nobody says where it is");
    assert_eq!(mount(shared, "&from=team/app"), 201);
    assert_eq!(team.status("HEAD", &format!("team/new/blobs/{secret}")), 404);
    let everybody = operator(&server, json!({}));
    let whole = everybody.send("POST", &format!("team/new/blobs/uploads/?mount={secret}")).status();
    assert_eq!(whole, 201, "who reads everywhere may");
}

#[test]
fn it_is_of_no_use_from_elsewhere() {
    let (server, ..) = filled();
    let here = operator(&server, json!({ "sourceNetworks": ["127.0.0.0/8", "::1"] }));
    assert_eq!((here.status("GET", ""), here.status("GET", "sr/manifests/v1")), (200, 200));
    let elsewhere = operator(&server, json!({ "sourceNetworks": ["192.0.2.0/24"] }));
    for path in ["", "_catalog", "sr/manifests/v1", "sr/tags/list"] {
        let answer = elsewhere.send("GET", path);
        assert_eq!(answer.status(), 403, "{path}");
        assert!(answer.text().unwrap().contains("DENIED"), "{path}");
    }
    assert_eq!(elsewhere.start_upload_status("sr"), 403);
}
