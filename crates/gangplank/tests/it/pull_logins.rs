//! A pull login only reads the registered images of its service.

use gangplank_oci::media_type::OCI_INDEX;
use gangplank_testkit::{Api, Blob, Image, Registry, TestServer};
use serde_json::json;

use crate::answers::{header, refused};
use crate::documents::index;
use crate::server;

struct Harbour {
    server: TestServer,
    api: Api,
    image: Image,
    machine: Registry,
}

/// A server with an image registered as `:web.app.1`, and a pull login for `web`.
fn harbour() -> Harbour {
    let server = server();
    let api = server.api();
    api.ensure_service("web");
    let image = Image::unique(2);
    let digest = server.registry_as(&api.push_login()).push_image("sr", "v1", &image);
    assert_eq!(api.register("web", "app", &digest), ":web.app.1");
    let machine = server.registry_as(&api.registry_login(&json!({ "serviceName": "web" })));
    Harbour { server, api, image, machine }
}

#[test]
fn it_pulls_by_name_or_digest() {
    let harbour = harbour();
    let Harbour { image, machine, .. } = &harbour;
    assert_eq!(machine.status("GET", ""), 200);
    for reference in ["app.1", &image.digest()] {
        let path = format!("web/manifests/{reference}");
        assert_eq!(machine.status("HEAD", &path), 200);
        assert_eq!(machine.send("GET", &path).bytes().unwrap(), image.manifest);
    }
    for blob in image.blobs() {
        let path = format!("web/blobs/{}", blob.digest);
        assert_eq!(machine.status("HEAD", &path), 200);
        assert_eq!(machine.send("GET", &path).bytes().unwrap(), blob.bytes);
    }
}

#[test]
fn it_reads_nothing_that_is_not_registered_on_its_service() {
    let harbour = harbour();
    let Harbour { server, api, image, machine } = &harbour;
    let pusher = server.registry_as(&api.push_login());
    let (unregistered, others) = (Image::unique(1), Image::unique(1));
    pusher.push_image("sr", "v2", &unregistered);
    pusher.push_image("web", "app.2", &unregistered);
    api.ensure_service("other");
    api.register("other", "app", &pusher.push_image("sr", "v3", &others));
    let mut missing = vec!["web/manifests/app.2".to_owned(), "web/manifests/v1".to_owned()];
    missing.extend(["web/manifests/other.1".to_owned(), "web/manifests/app.01".to_owned()]);
    for hidden in [&unregistered, &others] {
        missing.push(format!("web/manifests/{}", hidden.digest()));
        missing.extend(hidden.blobs().map(|blob| format!("web/blobs/{}", blob.digest)));
    }
    for path in &missing {
        assert_eq!(machine.status("GET", path), 404, "{path}");
        assert_eq!(machine.status("HEAD", path), 404, "{path}");
    }
    let layer = &image.layers[0].digest;
    for (method, path) in [
        ("GET", "sr/manifests/v1".to_owned()),
        ("GET", format!("sr/manifests/{}", image.digest())),
        ("GET", format!("sr/blobs/{layer}")),
        ("GET", "other/manifests/app.1".to_owned()),
        ("HEAD", "sr/manifests/v1".to_owned()),
        ("GET", "sr/tags/list".to_owned()),
        ("GET", "_catalog".to_owned()),
        ("GET", format!("web/referrers/{}", image.digest())),
        ("POST", "web/blobs/uploads/".to_owned()),
        ("POST", "sr/blobs/uploads/".to_owned()),
        ("POST", format!("web/blobs/uploads/?mount={layer}&from=sr")),
        ("PUT", "web/manifests/app.1".to_owned()),
        ("DELETE", "web/manifests/app.1".to_owned()),
        ("DELETE", format!("web/blobs/{layer}")),
    ] {
        refused(machine.send(method, &path), 403, "DENIED");
    }
    // A client that pushes with a pull login first sends this request. It is answered 404, so that the client
    // continues to the POST, and the refusal of the POST has a message.
    for blob in [layer, &Blob::unique().digest] {
        refused(machine.send("HEAD", &format!("sr/blobs/{blob}")), 404, "BLOB_UNKNOWN");
    }
}

#[test]
fn it_lists_the_registered_names_of_its_service() {
    let Harbour { server, api, image, machine } = &harbour();
    let pusher = server.registry_as(&api.push_login());
    pusher.push_image("web", "pushed", &Image::unique(1));
    api.ensure_service("other");
    api.register("other", "app", &image.digest());
    for label in ["b", "app", "a-b"] {
        api.register("web", label, &image.digest());
    }
    let list = |path: &str| {
        let answer = machine.send("GET", path);
        assert_eq!(answer.status(), 200, "{path}");
        let link = header(&answer, "link");
        (answer.json::<serde_json::Value>().unwrap(), link)
    };
    let all = ["a-b.4", "app.1", "app.3", "b.2"];
    assert_eq!(list("web/tags/list"), (json!({ "name": "web", "tags": all }), String::new()));
    let (first, link) = list("web/tags/list?n=3");
    assert_eq!(
        (&first["tags"], link.as_str()),
        (&json!(all[..3]), "</v2/web/tags/list?n=3&last=app.3>; rel=\"next\"")
    );
    assert_eq!(list("web/tags/list?n=3&last=app.3").0["tags"], json!(["b.2"]));
    assert_eq!(list("web/tags/list?n=").0["tags"], json!(all));
    refused(machine.send("GET", "other/tags/list"), 403, "DENIED");
    let operator = server.registry_as(&server.operator_login());
    let tags = operator.send("GET", "web/tags/list").json::<serde_json::Value>().unwrap();
    assert_eq!(tags["tags"], json!(["a-b.4", "app.1", "app.3", "b.2", "pushed"]));
    assert_eq!(
        operator.send("GET", "other/tags/list").json::<serde_json::Value>().unwrap()["tags"],
        json!(["app.1"])
    );
}

#[test]
fn a_registered_name_comes_before_a_tag_for_every_login_that_pulls() {
    let Harbour { server, api, image, machine } = &harbour();
    let pusher = server.registry_as(&api.push_login());
    let planted = Image::unique(1);
    for tag in ["app.1", "app.2"] {
        pusher.push_image("web", tag, &planted);
        assert_eq!(pusher.send("GET", &format!("web/manifests/{tag}")).bytes().unwrap(), planted.manifest);
    }
    let pull = server.registry_as(&api.registry_login(&json!({ "scope": ["pull"] })));
    for puller in [machine, &pull, &server.registry_as(&server.operator_login())] {
        assert_eq!(
            header(&puller.send("HEAD", "web/manifests/app.1"), "docker-content-digest"),
            image.digest()
        );
        assert_eq!(puller.send("GET", "web/manifests/app.1").bytes().unwrap(), image.manifest);
        // A registered image can be pulled by the service's name, although it was pushed to another repository.
        assert_eq!(puller.status("GET", &format!("web/manifests/{}", image.digest())), 200);
        for blob in image.blobs() {
            assert_eq!(
                puller.send("GET", &format!("web/blobs/{}", blob.digest)).bytes().unwrap(),
                blob.bytes
            );
        }
    }
    assert_eq!(pull.status("GET", "web/manifests/app.2"), 200, "nothing is registered under it");
    assert_eq!(machine.status("GET", "web/manifests/app.2"), 404);
    // A client that asks before a push learns only of the blobs that the repository itself has.
    let both = server.registry_as(&api.registry_login(&json!({ "scope": ["push", "pull"] })));
    let layer = format!("web/blobs/{}", image.layers[0].digest);
    assert_eq!((both.status("HEAD", &layer), both.status("GET", &layer)), (404, 200));
    assert_eq!(both.status("HEAD", &format!("web/manifests/{}", image.digest())), 404);
    both.push_image("web", "copy", image);
    let deleted =
        api.lightsail("DeleteContainerImage", &json!({ "serviceName": "web", "image": ":web.app.1" }));
    assert_eq!(deleted.status, 200);
    assert_eq!(pull.send("GET", "web/manifests/app.1").bytes().unwrap(), planted.manifest);
}

#[test]
fn the_children_of_a_registered_index_can_be_pulled() {
    let harbour = harbour();
    let Harbour { server, api, machine, .. } = &harbour;
    let pusher = server.registry_as(&api.push_login());
    let children = [Image::unique(1), Image::unique(1)];
    let descriptors: Vec<_> = children
        .iter()
        .map(|child| {
            pusher.push_image("sr", &child.digest(), child);
            Blob::new(child.manifest.clone()).descriptor(gangplank_oci::media_type::OCI_MANIFEST)
        })
        .collect();
    let body = index(&descriptors).to_string();
    assert_eq!(pusher.put_manifest("sr", "multi", OCI_INDEX, body.as_bytes()).status(), 201);
    assert_eq!(machine.status("GET", &format!("web/manifests/{}", children[0].digest())), 404);
    assert_eq!(api.register("web", "multi", &Blob::new(body.clone()).digest), ":web.multi.2");
    assert_eq!(machine.send("GET", "web/manifests/multi.2").text().unwrap(), body);
    for child in &children {
        let got = machine.send("GET", &format!("web/manifests/{}", child.digest()));
        assert_eq!(got.bytes().unwrap(), child.manifest);
        for blob in child.blobs() {
            assert_eq!(machine.status("GET", &format!("web/blobs/{}", blob.digest)), 200);
        }
    }
}

#[test]
fn it_ends_with_the_image() {
    let harbour = harbour();
    let Harbour { api, image, machine, .. } = &harbour;
    assert_eq!(api.register("web", "second", &image.digest()), ":web.second.2");
    let delete = |name: &str| {
        let answer = api.lightsail("DeleteContainerImage", &json!({ "serviceName": "web", "image": name }));
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    let layer = format!("web/blobs/{}", image.layers[0].digest);
    delete(":web.app.1");
    assert_eq!(machine.status("GET", "web/manifests/app.1"), 404);
    assert_eq!(machine.status("GET", "web/manifests/second.2"), 200);
    assert_eq!(machine.status("GET", &layer), 200);
    delete(":web.second.2");
    let by_digest = format!("web/manifests/{}", image.digest());
    for path in ["web/manifests/second.2", &layer, &by_digest] {
        assert_eq!(machine.status("GET", path), 404, "{path}");
    }
}

#[test]
fn it_ends_with_the_service_and_the_next_of_that_name_is_another() {
    let harbour = harbour();
    let Harbour { server, api, image, machine } = &harbour;
    assert_eq!(api.lightsail("DeleteContainerService", &json!({ "serviceName": "web" })).status, 200);
    let old = |why: &str| {
        for path in ["", "web/manifests/app.1", &format!("web/blobs/{}", image.config.digest)] {
            let status = machine.status("GET", path);
            assert!(matches!(status, 401 | 403 | 404), "{why}: {status} for {path}");
        }
    };
    old("without the service");
    api.ensure_service("web");
    let name = api.register("web", "app", &image.digest());
    old("with another service");
    let fresh = server.registry_as(&api.registry_login(&json!({ "serviceName": "web" })));
    let version = name.strip_prefix(":web.").unwrap();
    assert_eq!(fresh.status("GET", &format!("web/manifests/{version}")), 200);
}
