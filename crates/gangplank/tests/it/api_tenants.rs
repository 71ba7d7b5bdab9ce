//! Two accounts, and two regions of one account: neither sees anything of the other.

use gangplank_testkit::{Api, ApiAnswer, Blob, Image, Registry, TestServer};
use serde_json::{Value, json};

use crate::server;

/// Two tenants that share nothing: another account in the same region, or the same account in another region.
fn tenants(server: &TestServer) -> [(Api, Api); 2] {
    let api = server.api();
    let key = api.gangplank("CreateAccessKey", &json!({ "account": "123456789012" }));
    [(api.clone(), api.as_key(&key.body["accessKey"])), (api.clone(), api.in_region("eu-west-1"))]
}

fn push_registry(server: &TestServer, api: &Api) -> Registry {
    server.registry_as(&api.push_login())
}

#[track_caller]
fn check_missing(answer: ApiAnswer) {
    assert_eq!((answer.status, answer.error()), (400, "NotFoundException"), "{answer:?}");
}

#[test]
fn services_images_and_logins_of_one_are_nothing_to_the_other() {
    let server = server();
    for (owner, other) in tenants(&server) {
        let name =
            if other.gangplank("ListAccessKeys", &json!({})).body["accessKeys"].as_array().unwrap().len() > 1
            {
                "region"
            } else {
                "account"
            };
        owner.ensure_service(name);
        let digest = push_registry(&server, &owner).push_image("sr", "a", &Image::unique(1));
        let image = owner.register(name, "app", &digest);
        let login = owner.gangplank("ListRegistryLogins", &json!({})).body["registryLogins"][0]["id"].clone();

        let of_it = json!({ "serviceName": name });
        for operation in
            ["GetContainerServices", "GetContainerImages", "UpdateContainerService", "DeleteContainerService"]
        {
            check_missing(other.lightsail(operation, &of_it));
        }
        check_missing(
            other.lightsail("DeleteContainerImage", &json!({ "serviceName": name, "image": image })),
        );
        check_missing(
            other.lightsail("TagResource", &json!({ "resourceName": name, "tags": [{ "key": "a" }] })),
        );
        check_missing(other.gangplank("RevokeRegistryLogin", &json!({ "id": login })));
        check_missing(other.gangplank("CreateRegistryLogin", &of_it));
        assert_eq!(
            other.lightsail("GetContainerServices", &json!({})).body,
            json!({ "containerServices": [] })
        );
        assert_eq!(other.gangplank("ListRegistryLogins", &json!({})).body, json!({ "registryLogins": [] }));

        // The other tenant makes things with the same names. They are separate, and their numbers begin at 1.
        other.ensure_service(name);
        let theirs = push_registry(&server, &other);
        assert_eq!(theirs.status("HEAD", &format!("sr/manifests/{digest}")), 404);
        let other_digest = theirs.push_image("sr", "a", &Image::unique(1));
        assert_eq!(other.register(name, "app", &other_digest), image);
        check_missing(other.lightsail(
            "RegisterContainerImage",
            &json!({ "serviceName": name, "label": "app", "digest": digest }),
        ));
        let machine = server.registry_as(&other.registry_login(&of_it));
        assert_eq!(machine.status("GET", &format!("{name}/manifests/{other_digest}")), 200);
        assert_eq!(machine.status("GET", &format!("{name}/manifests/{digest}")), 404);
        assert_eq!(other.lightsail("DeleteContainerService", &of_it).status, 200);
        assert_eq!(
            owner.lightsail("GetContainerImages", &of_it).body["containerImages"][0]["digest"],
            digest
        );
        assert_eq!(owner.lightsail("DeleteContainerService", &of_it).status, 200);
    }
}

#[test]
fn blobs_of_one_are_not_there_for_the_other() {
    let server = server();
    for (owner, other) in tenants(&server) {
        owner.ensure_service("web");
        other.ensure_service("web");
        let image = Image::unique(1);
        push_registry(&server, &owner).push_image("sr", "a", &image);
        let theirs = push_registry(&server, &other);
        let layer = &image.layers[0].digest;
        assert_eq!(theirs.status("HEAD", &format!("sr/blobs/{layer}")), 404);
        let mount = theirs.send("POST", &format!("sr/blobs/uploads/?mount={layer}&from=sr"));
        assert_eq!(mount.status(), 202);
        let manifest =
            theirs.put_manifest("sr", "a", "application/vnd.oci.image.manifest.v1+json", &image.manifest);
        assert!([400, 404].contains(&manifest.status().as_u16()), "{}", manifest.status());
        let operator =
            server.registry_as(&other.registry_login(&json!({ "scope": ["push", "pull", "delete"] })));
        assert_eq!(operator.status("GET", &format!("sr/blobs/{layer}")), 404);
        assert_eq!(operator.status("DELETE", &format!("sr/manifests/{}", image.digest())), 404);
        let tags = operator.send("GET", "sr/tags/list");
        let tags: Value = serde_json::from_str(&tags.text().unwrap()).unwrap_or_default();
        assert!(tags["tags"].as_array().is_none_or(Vec::is_empty), "{tags}");
    }
}

#[test]
fn an_upload_of_one_is_no_upload_of_the_other() {
    let server = server();
    for (owner, other) in tenants(&server) {
        owner.ensure_service("web");
        other.ensure_service("web");
        let (mine, theirs) = (push_registry(&server, &owner), push_registry(&server, &other));
        let location = mine.start_upload("sr");
        for method in ["GET", "PATCH", "PUT", "DELETE"] {
            let digest = Blob::unique().digest;
            let status = theirs.status(method, &format!("{location}?digest={digest}"));
            assert!([403, 404].contains(&status), "{method}: {status}");
        }
        assert_eq!(mine.status("GET", &location), 204);
    }
}
