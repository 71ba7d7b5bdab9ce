//! Accounts and regions share a host and see nothing of each other.

use gangplank_testkit::{Api, Blob, Image, TestServer};
use serde_json::json;

use crate::answers::refused;
use crate::server;

/// The APIs of the root account, of another account, and of the root account in another region.
fn three_tenants(server: &TestServer) -> [Api; 3] {
    let root = server.api();
    let key = root.gangplank("CreateAccessKey", &json!({ "account": "111111111111" }));
    let other = root.as_key(&key.body["accessKey"]);
    let elsewhere = root.in_region("eu-west-3");
    let tenants = [root, other, elsewhere];
    for tenant in &tenants {
        tenant.ensure_service("web");
    }
    tenants
}

#[test]
fn bytes_of_one_never_spare_another_the_push() {
    let server = server();
    let image = Image::unique(1);
    let tenants = three_tenants(&server);
    server.registry_as(&tenants[0].push_login()).push_image("sr", "v1", &image);
    for stranger in &tenants[1..] {
        let everything = json!({ "scope": ["push", "pull", "delete"] });
        let registry = server.registry_as(&stranger.registry_login(&everything));
        let digest = image.digest();
        for blob in image.blobs() {
            let path = format!("sr/blobs/{}", blob.digest);
            for method in ["HEAD", "GET", "DELETE"] {
                refused(registry.send(method, &path), 404, "BLOB_UNKNOWN");
            }
            let mount = format!("sr/blobs/uploads/?mount={}&from=sr", blob.digest);
            assert_eq!(registry.status("POST", &mount), 202);
        }
        for reference in ["v1", &digest] {
            let path = format!("sr/manifests/{reference}");
            for method in ["HEAD", "GET", "DELETE"] {
                refused(registry.send(method, &path), 404, "MANIFEST_UNKNOWN");
            }
        }
        let media_type = gangplank_oci::media_type::OCI_MANIFEST;
        let put = registry.put_manifest("sr", "v1", media_type, &image.manifest);
        refused(put, 400, "MANIFEST_BLOB_UNKNOWN");
        let registered = stranger.lightsail(
            "RegisterContainerImage",
            &json!({ "serviceName": "web", "label": "app", "digest": digest }),
        );
        assert_eq!(registered.status, 400, "{registered:?}");
        let (tags, catalog) = (registry.send("GET", "sr/tags/list"), registry.send("GET", "_catalog"));
        for text in [tags.text().unwrap(), catalog.text().unwrap()] {
            assert!(!text.contains("v1"), "{text}");
        }
    }
}

#[test]
fn the_same_names_and_digests_are_each_ones_own() {
    let server = server();
    let same = Image::unique(1);
    let tenants = three_tenants(&server);
    let logins = tenants.each_ref().map(|tenant| {
        let own = Image::unique(1);
        let registry = server.registry_as(&tenant.push_login());
        registry.push_image("sr", "own", &own);
        registry.push_image("sr", "same", &same);
        tenant.register("web", "app", &same.digest());
        let operator = server.registry_as(&tenant.registry_login(&json!({ "scope": ["pull", "delete"] })));
        (operator, own)
    });
    for (operator, own) in &logins {
        assert_eq!(operator.send("GET", "sr/manifests/own").bytes().unwrap(), own.manifest);
    }
    // A deletion of one tenant has no effect on the others.
    let blob = &logins[0].1.config.digest;
    assert_eq!(logins[0].0.status("DELETE", "sr/manifests/same"), 202);
    assert_eq!(logins[0].0.status("DELETE", &format!("sr/blobs/{blob}")), 202);
    for (operator, own) in &logins[1..] {
        assert_eq!(operator.send("GET", "sr/manifests/same").bytes().unwrap(), same.manifest);
        for blob in same.blobs().chain(own.blobs()) {
            let got = operator.send("GET", &format!("sr/blobs/{}", blob.digest)).bytes().unwrap();
            assert_eq!(got, blob.bytes);
        }
    }
}

#[test]
fn a_pull_login_opens_only_the_service_of_its_tenant() {
    let server = server();
    let tenants = three_tenants(&server);
    let image = Image::unique(1);
    let registry = server.registry_as(&tenants[0].push_login());
    tenants[0].register("web", "app", &registry.push_image("sr", "v1", &image));
    for stranger in &tenants[1..] {
        let machine = server.registry_as(&stranger.registry_login(&json!({ "serviceName": "web" })));
        for path in ["web/manifests/app.1", &format!("web/manifests/{}", image.digest())] {
            refused(machine.send("GET", path), 404, "MANIFEST_UNKNOWN");
        }
        refused(machine.send("GET", &format!("web/blobs/{}", image.config.digest)), 404, "BLOB_UNKNOWN");
    }
    let absent = Blob::unique().digest;
    assert_eq!(registry.status("HEAD", &format!("sr/blobs/{absent}")), 404);
}
