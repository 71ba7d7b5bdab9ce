//! A login or key that makes events without end does not displace other events of the trail.

use std::time::Duration;

use gangplank_oci::media_type::OCI_MANIFEST;
use gangplank_testkit::Image;
use serde_json::{Value, json};

use crate::audit::events;
use crate::{server, server_with};

fn count(events: &[Value], kind: &str) -> usize {
    events.iter().filter(|event| event["kind"] == kind).count()
}

#[test]
fn the_same_push_again_is_no_event() {
    let server = server();
    let registry = server.registry_as(&server.push_login());
    let image = Image::unique(1);
    registry.push_image("sr", "v1", &image);
    for _ in 0..20 {
        assert_eq!(registry.put_manifest("sr", "v1", OCI_MANIFEST, &image.manifest).status(), 201);
    }
    assert_eq!(events(&server.api(), &json!({ "kind": "ManifestPushed" })).len(), 1);
    assert_eq!(registry.put_manifest("sr", "v2", OCI_MANIFEST, &image.manifest).status(), 201);
    let other = server.registry_as(&server.push_login());
    assert_eq!(other.put_manifest("sr", "v2", OCI_MANIFEST, &image.manifest).status(), 201);
    let told = events(&server.api(), &json!({ "kind": "ManifestPushed" }));
    assert_eq!(told.len(), 3, "a new tag, and another login: {told:?}");
    assert_ne!(told[0]["registryLoginId"], told[1]["registryLoginId"]);
}

#[test]
fn revoking_or_enabling_what_is_so_already_is_no_event() {
    let server = server();
    let api = server.api();
    let key = api.gangplank("CreateAccessKey", &json!({})).body["accessKey"]["accessKeyId"].clone();
    server.push_login();
    let id = api.gangplank("ListRegistryLogins", &json!({})).body["registryLogins"][0]["id"].clone();
    for _ in 0..3 {
        assert_eq!(api.gangplank("RevokeRegistryLogin", &json!({ "id": id })).status, 200);
        let disable = json!({ "accessKeyId": key, "status": "Disabled" });
        assert_eq!(api.gangplank("UpdateAccessKey", &disable).status, 200);
        let update = json!({ "serviceName": "test-service", "scale": 1 });
        assert_eq!(api.lightsail("UpdateContainerService", &update).status, 200);
    }
    let told = events(&api, &json!({}));
    assert_eq!((count(&told, "LoginRevoked"), count(&told, "AccessKeyDisabled")), (1, 1), "{told:?}");
    assert_eq!(count(&told, "UpdateContainerService"), 0);
}

/// Tags that are moved back and forth, and logins in a loop: each displaces only its own events, and the loss
/// is recorded.
#[test]
fn pushes_and_logins_push_nothing_else_out() {
    let mut server = server_with(|builder| builder.arg("--max-audit-events").arg("100"));
    let api = server.api();
    let registry = server.registry_as(&server.push_login());
    let (one, other) = (Image::unique(1), Image::unique(1));
    api.register("test-service", "app", &registry.push_image("sr", "v1", &one));
    registry.push_image("sr", "v1", &other);
    for _ in 0..60 {
        for image in [&one, &other] {
            assert_eq!(registry.put_manifest("sr", "v1", OCI_MANIFEST, &image.manifest).status(), 201);
        }
        api.registry_login(&json!({ "scope": ["pull"] }));
    }
    assert!(server.terminate().success());
    server.restart();
    let told = (0..100).find_map(|_| {
        std::thread::sleep(Duration::from_millis(100));
        let told = events(&server.api(), &json!({}));
        // Some may have been forgotten before the restart.
        let is_done = count(&told, "ManifestPushed") == 50 && count(&told, "LoginIssued") == 20;
        is_done.then_some(told)
    });
    let told = told.expect("what is too much is forgotten after the start");
    for (kind, left) in [
        ("AccessKeyCreated", 1),
        ("ServiceCreated", 1),
        ("ImageRegistered", 1),
        ("ManifestPushed", 50),
        ("LoginIssued", 20),
    ] {
        assert_eq!(count(&told, kind), left, "{kind}");
    }
    let forgotten = events(&server.api(), &json!({ "kind": "EventsForgotten" }));
    let shown: Vec<_> = forgotten.iter().map(|event| (&event["subject"], &event["count"])).collect();
    assert!(shown.contains(&(&json!("pushes"), &json!(72))), "{forgotten:?}");
    assert!(shown.contains(&(&json!("logins"), &json!(41))), "{forgotten:?}");
    assert!(forgotten.iter().all(|event| event["account"] == "000000000000"));
}
