//! Every other replica can read at once what was written through one.

use gangplank_oci::media_type::OCI_MANIFEST;
use gangplank_testkit::{Image, Registry, Replica, TestServer};
use serde_json::json;

use crate::world::{Trials, start};

pub(crate) const TRIALS: Trials = &[
    ("reads::of_manifests_and_tags_see_every_write", manifests_and_tags),
    ("reads::of_images_and_services_see_every_write", images_and_services),
    ("reads::through_the_load_balancer_see_every_write", through_the_load_balancer),
];

/// The registry of each replica, with one login.
fn registries(server: &TestServer) -> Vec<Registry> {
    let login = server.operator_login();
    server.all_replicas().map(|replica| replica.registry_as(&login)).collect()
}

fn manifests_and_tags() {
    let server = start();
    let all = registries(&server);
    let mut tagged = None;
    for round in 0..18 {
        let writer = &all[round % 3];
        let image = Image::unique(1);
        for blob in image.blobs() {
            assert_eq!(writer.push_blob("sr", blob), 201);
            for reader in &all {
                assert_eq!(reader.status("HEAD", &format!("sr/blobs/{}", blob.digest)), 200, "round {round}");
                let got = reader.send("GET", &format!("sr/blobs/{}", blob.digest));
                assert!(got.status() == 200 && got.bytes().unwrap() == blob.bytes, "round {round}");
            }
        }
        let put = writer.put_manifest("sr", "moving", OCI_MANIFEST, &image.manifest);
        assert_eq!(put.status(), 201);
        for reader in &all {
            let got = reader.send("GET", "sr/manifests/moving");
            assert_eq!(got.status(), 200, "round {round}");
            assert!(got.bytes().unwrap() == image.manifest, "the tag has not moved, round {round}");
            let list = reader.send("GET", "sr/tags/list").text().unwrap();
            assert!(list.contains("\"moving\""), "{list}");
        }
        // First another replica deletes the manifest.
        if let Some(before) = tagged.replace(image.digest()) {
            let path = format!("sr/manifests/{before}");
            assert_eq!(all[(round + 1) % 3].status("DELETE", &path), 202);
            for reader in &all {
                assert_eq!(reader.status("GET", &path), 404, "round {round}");
            }
        }
        // Every third time, another one deletes the tag.
        if round % 3 == 2 {
            assert_eq!(all[(round + 2) % 3].status("DELETE", "sr/manifests/moving"), 202);
            for reader in &all {
                assert_eq!(reader.status("HEAD", "sr/manifests/moving"), 404, "round {round}");
            }
        }
    }
}

fn images_and_services() {
    let server = start();
    let all = registries(&server);
    let apis: Vec<_> = server.all_replicas().map(Replica::api).collect();
    for round in 0..9 {
        let (first, second, third) = (round % 3, (round + 1) % 3, (round + 2) % 3);
        let service = format!("service-{round}");
        apis[first].ensure_service(&service);
        let digest = all[second].push_image("sr", "any", &Image::unique(1));
        let name = apis[third].register(&service, "app", &digest);
        assert_eq!(name, format!(":{service}.app.1"));
        let named = json!({ "serviceName": service });
        for (number, api) in apis.iter().enumerate() {
            let images = api.lightsail("GetContainerImages", &named).body;
            assert_eq!(images["containerImages"][0]["image"], name, "replica {number}, round {round}");
            let path = format!("{service}/manifests/app.1");
            assert_eq!(all[number].status("HEAD", &path), 200, "replica {number}, round {round}");
        }
        let image = json!({ "serviceName": service, "image": name });
        assert_eq!(apis[first].lightsail("DeleteContainerImage", &image).status, 200);
        for api in &apis {
            let images = api.lightsail("GetContainerImages", &named).body;
            assert_eq!(images["containerImages"], json!([]), "round {round}");
        }
        assert_eq!(apis[second].lightsail("DeleteContainerService", &named).status, 200);
        for api in &apis {
            assert_eq!(api.lightsail("GetContainerServices", &named).error(), "NotFoundException");
        }
    }
}

fn through_the_load_balancer() {
    let server = start();
    let registry = server.registry_as(&server.operator_login());
    let api = server.api();
    api.ensure_service("web");
    for round in 1..=20 {
        let image = Image::unique(2);
        registry.push_image("sr", "moving", &image);
        let got = registry.send("GET", "sr/manifests/moving").bytes().unwrap();
        assert!(got == image.manifest, "round {round}");
        assert_eq!(api.register("web", "app", &image.digest()), format!(":web.app.{round}"));
        assert_eq!(registry.status("HEAD", &format!("web/manifests/app.{round}")), 200, "round {round}");
    }
}
