//! A push login reads nothing that it did not itself put.

use gangplank_testkit::{Blob, Image, Registry, TestServer};
use reqwest::header::RANGE;

use crate::answers::{header, refused};
use crate::server;

/// A server with an image that another login of the same key has pushed, and a fresh login.
fn server_with_anothers_image() -> (TestServer, Image, Registry) {
    let server = server();
    let image = Image::unique(2);
    server.registry_as(&server.push_login()).push_image("sr", "v1", &image);
    let registry = server.registry_as(&server.push_login());
    (server, image, registry)
}

#[test]
fn what_another_login_put_cannot_be_read() {
    let (_server, image, registry) = server_with_anothers_image();
    let by_digest = format!("sr/manifests/{}", image.digest());
    refused(registry.send("GET", &by_digest), 403, "DENIED");
    refused(registry.send("GET", "sr/manifests/v1"), 403, "DENIED");
    refused(registry.send("HEAD", &by_digest), 404, "MANIFEST_UNKNOWN");
    refused(registry.send("HEAD", "sr/manifests/v1"), 404, "MANIFEST_UNKNOWN");
    // Absent and put by somebody else look alike.
    let absent = format!("sr/manifests/{}", Blob::unique().digest);
    refused(registry.send("GET", &absent), 403, "DENIED");
    refused(registry.send("GET", "sr/manifests/none"), 403, "DENIED");
    refused(registry.send("HEAD", &absent), 404, "MANIFEST_UNKNOWN");
    refused(registry.send("HEAD", "none/manifests/none"), 404, "MANIFEST_UNKNOWN");
}

#[test]
fn its_own_manifest_can_be_read_back_by_digest_alone() {
    let (_server, others, registry) = server_with_anothers_image();
    let own = Image::unique(1);
    let digest = registry.push_image("sr", "own", &own);
    let path = format!("sr/manifests/{digest}");
    let answer = registry.send("GET", &path);
    assert_eq!((answer.status().as_u16(), header(&answer, "docker-content-digest")), (200, digest.clone()));
    assert_eq!(answer.bytes().unwrap(), own.manifest);
    for head in [path.as_str(), "sr/manifests/own"] {
        let answer = registry.send("HEAD", head);
        assert_eq!(answer.status(), 200);
        assert_eq!(header(&answer, "docker-content-digest"), digest);
        assert_eq!(header(&answer, "content-length"), own.manifest.len().to_string());
    }
    refused(registry.send("GET", "sr/manifests/own"), 403, "DENIED");
    refused(registry.send("GET", &format!("other/manifests/{digest}")), 403, "DENIED");
    // Pushing the same bytes again makes them its own, which it had to have for that.
    let same = registry.put_manifest("sr", "v1", gangplank_oci::media_type::OCI_MANIFEST, &others.manifest);
    assert_eq!(same.status(), 201);
    assert_eq!(registry.status("GET", &format!("sr/manifests/{}", others.digest())), 200);
}

#[test]
fn a_tag_that_another_login_moved_is_no_longer_its_own() {
    let (server, _, registry) = server_with_anothers_image();
    let (first, second) = (Image::unique(1), Image::unique(1));
    registry.push_image("sr", "moving", &first);
    server.registry_as(&server.push_login()).push_image("sr", "moving", &second);
    assert_eq!(registry.status("HEAD", "sr/manifests/moving"), 404);
    assert_eq!(registry.status("GET", &format!("sr/manifests/{}", first.digest())), 200);
    assert_eq!(registry.status("GET", &format!("sr/manifests/{}", second.digest())), 403);
}

#[test]
fn no_blob_comes_back_not_even_a_byte() {
    let (_server, image, registry) = server_with_anothers_image();
    let own = Blob::unique();
    assert_eq!(registry.push_blob("sr", &own), 201);
    let absent = Blob::unique().digest;
    for digest in [&image.layers[0].digest, &own.digest, &absent] {
        let path = format!("sr/blobs/{digest}");
        for range in [None, Some("bytes=0-0"), Some("bytes=-1"), Some("bytes=0-"), Some("bytes=999999-")] {
            let mut request = registry.request("GET", &path);
            if let Some(range) = range {
                request = request.header(RANGE, range);
            }
            let answer = request.send().unwrap();
            assert_eq!(answer.headers().get("location"), None);
            assert_eq!(answer.headers().get("content-range"), None);
            refused(answer, 403, "DENIED");
        }
    }
}

#[test]
fn asking_for_a_blob_is_answered_200_or_404_and_nothing_else() {
    let (_server, image, registry) = server_with_anothers_image();
    let layer = &image.layers[0];
    let answer = registry.send("HEAD", &format!("sr/blobs/{}", layer.digest));
    assert_eq!(answer.status(), 200);
    assert_eq!(header(&answer, "content-length"), layer.bytes.len().to_string());
    assert_eq!(header(&answer, "docker-content-digest"), layer.digest);
    let elsewhere = registry.send("HEAD", &format!("other/blobs/{}", layer.digest));
    refused(elsewhere, 404, "BLOB_UNKNOWN");
    refused(registry.send("HEAD", &format!("sr/blobs/{}", Blob::unique().digest)), 404, "BLOB_UNKNOWN");
    // A manifest is no blob.
    refused(registry.send("HEAD", &format!("sr/blobs/{}", image.digest())), 404, "BLOB_UNKNOWN");
}

#[test]
fn it_lists_and_deletes_nothing() {
    let (server, image, registry) = server_with_anothers_image();
    let own = Image::unique(1);
    let own_digest = registry.push_image("sr", "own", &own);
    let (digest, layer) = (image.digest(), &image.layers[0].digest);
    for (method, path) in [
        ("GET", "sr/tags/list".to_owned()),
        ("GET", "sr/tags/list?n=1".to_owned()),
        ("GET", "none/tags/list".to_owned()),
        ("GET", "_catalog".to_owned()),
        ("GET", format!("sr/referrers/{digest}")),
        ("GET", format!("sr/referrers/{own_digest}")),
        ("DELETE", "sr/manifests/v1".to_owned()),
        ("DELETE", "sr/manifests/own".to_owned()),
        ("DELETE", format!("sr/manifests/{digest}")),
        ("DELETE", format!("sr/manifests/{own_digest}")),
        ("DELETE", format!("sr/blobs/{layer}")),
        ("DELETE", format!("sr/blobs/{}", own.config.digest)),
        ("DELETE", format!("sr/blobs/{}", Blob::unique().digest)),
    ] {
        refused(registry.send(method, &path), 403, "DENIED");
    }
    let operator = server.registry_as(&server.operator_login());
    assert_eq!(operator.status("GET", "sr/manifests/v1"), 200);
    assert_eq!(operator.status("GET", &format!("sr/manifests/{own_digest}")), 200);
    assert_eq!(operator.status("GET", &format!("sr/blobs/{layer}")), 200);
}

#[test]
fn a_mount_reveals_nothing_of_what_it_may_not_use() {
    let (server, image, registry) = server_with_anothers_image();
    let layer = &image.layers[0].digest;
    let key = server.api().gangplank("CreateAccessKey", &serde_json::json!({ "account": "111111111111" }));
    let stranger = server.api().as_key(&key.body["accessKey"]);
    stranger.ensure_service("web");
    let strangers = Blob::unique();
    assert_eq!(server.registry_as(&stranger.push_login()).push_blob("theirs", &strangers), 201);

    let mounted = registry.send("POST", &format!("app/blobs/uploads/?mount={layer}&from=sr"));
    assert_eq!(mounted.status(), 201);
    assert_eq!(header(&mounted, "docker-content-digest"), *layer);
    assert_eq!(header(&mounted, "location"), format!("/v2/app/blobs/{layer}"));
    assert_eq!(registry.status("HEAD", &format!("app/blobs/{layer}")), 200);

    let (theirs, absent) = (&strangers.digest, Blob::unique().digest);
    let shape = |query: String| {
        let answer = registry.send("POST", &format!("app2/blobs/uploads/?{query}"));
        let names: Vec<String> = answer.headers().keys().map(ToString::to_string).collect();
        let session = header(&answer, "location").starts_with("/v2/app2/blobs/uploads/");
        (answer.status().as_u16(), session, header(&answer, "range"), names, answer.text().unwrap())
    };
    let fresh = shape(String::new());
    assert_eq!((fresh.0, fresh.1), (202, true));
    assert_eq!(shape(format!("mount={absent}&from=sr")), fresh, "absent");
    assert_eq!(shape(format!("mount={theirs}&from=theirs")), fresh, "another account's");
    assert_eq!(shape(format!("mount={theirs}&from=sr")), fresh, "another account's");
    assert_eq!(shape(format!("mount={layer}&from=none")), fresh, "another repository's");
    assert_eq!(shape(format!("mount={layer}&from=app2")), fresh, "its own, where it is not");
    assert_eq!(shape(format!("mount={layer}")), fresh, "from nowhere");
    assert_eq!(shape(format!("mount={layer}&from=")), fresh, "from nowhere");
    assert_eq!(shape(format!("mount={}&from=sr", image.digest())), fresh, "a manifest");
    for digest in [layer, theirs, &absent] {
        assert_eq!(registry.status("HEAD", &format!("app2/blobs/{digest}")), 404);
    }
}

#[test]
fn it_pushes_to_any_repository_and_no_nonsense() {
    let (_server, _, registry) = server_with_anothers_image();
    for repository in ["sr", "team/app", "a/b/c/d", "blobs/manifests/tags", "x__y.z-1"] {
        registry.push_image(repository, "v1", &Image::unique(1));
    }
    for name in ["UPPER", "a..b", "-a", "a/", "a//b", "a%2Fb", "a_", "a\u{e9}"] {
        refused(registry.send("POST", &format!("{name}/blobs/uploads/")), 400, "NAME_INVALID");
        refused(registry.send("GET", &format!("{name}/tags/list")), 400, "NAME_INVALID");
    }
}
