//! A push-only login, a push, a registered image.

use gangplank_testkit::Image;
use serde_json::json;

use crate::server;

#[test]
fn a_login_pushes_registers_and_cannot_pull() {
    let server = server();
    let api = server.api();
    api.ensure_service("web");
    let login = api.push_login();
    assert_eq!((login.username.as_str(), login.registry), ("AWS", server.host()));

    let registry = server.registry_as(&api.push_login());
    let image = Image::unique(2);
    let digest = registry.push_image("sr", "anything", &image);
    assert_eq!(api.register("web", "app", &digest), ":web.app.1");
    assert_eq!(api.register("web", "other", &digest), ":web.other.2");
    let images = api.lightsail("GetContainerImages", &json!({ "serviceName": "web" })).body;
    assert_eq!(images["containerImages"][0]["image"], ":web.other.2");
    assert_eq!(images["containerImages"][1]["digest"], digest);

    let layer = &image.layers[0].digest;
    assert_eq!(registry.status("GET", "sr/manifests/another"), 403);
    assert_eq!(registry.status("GET", &format!("sr/blobs/{layer}")), 403);
    assert_eq!(registry.status("GET", "sr/tags/list"), 403);

    let machine = server.registry_as(&api.registry_login(&json!({ "serviceName": "web" })));
    assert_eq!(machine.status("GET", "web/manifests/app.1"), 200);
    assert_eq!(machine.status("GET", &format!("web/blobs/{layer}")), 200);
    assert_eq!(machine.status("GET", "web/manifests/app.2"), 404);
    assert_eq!(machine.status("GET", "sr/manifests/anything"), 403);
}

#[test]
fn what_was_acknowledged_outlives_a_crash() {
    let mut server = server();
    let api = server.api();
    api.ensure_service("web");
    let login = api.push_login();
    let image = Image::unique(3);
    let digest = server.registry_as(&login).push_image("sr", "v1", &image);
    api.register("web", "app", &digest);
    server.kill();
    server.restart();
    let registry = server.registry_as(&login);
    for blob in image.blobs() {
        assert_eq!(registry.status("HEAD", &format!("sr/blobs/{}", blob.digest)), 200);
    }
    assert_eq!(registry.status("HEAD", "sr/manifests/v1"), 200);
    assert_eq!(api.register("web", "app", &digest), ":web.app.2");
}
