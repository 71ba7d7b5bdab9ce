//! A push login can only read manifests and blobs that it put itself.

use gangplank_oci::media_type::{OCI_INDEX, OCI_MANIFEST};
use gangplank_testkit::{Blob, Image, Registry, TestServer};
use reqwest::header::RANGE;
use serde_json::{Value, json};

use crate::answers::{header, refused};
use crate::documents::{index, referrer};
use crate::server;

/// A server with an image that another login of the same key has pushed, and a new login.
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
    let absent = format!("sr/manifests/{}", Blob::unique().digest);
    let shape = |method: &str, path: &str| {
        let answer = registry.send(method, path);
        let names: Vec<String> = answer.headers().keys().map(ToString::to_string).collect();
        (answer.status().as_u16(), names, answer.text().unwrap())
    };
    // Missing manifests and those of other logins get the same answer.
    for method in ["GET", "HEAD"] {
        assert_eq!(shape(method, &by_digest), shape(method, &absent));
        refused(registry.send(method, &by_digest), 404, "MANIFEST_UNKNOWN");
        assert_eq!(shape(method, "sr/manifests/v1"), shape(method, "sr/manifests/none"));
    }
    assert!(shape("GET", &absent).2.contains("a push login sees only what it put itself"));
    refused(registry.send("GET", "sr/manifests/v1"), 403, "DENIED");
    refused(registry.send("HEAD", "sr/manifests/v1"), 404, "MANIFEST_UNKNOWN");
    refused(registry.send("HEAD", "none/manifests/none"), 404, "MANIFEST_UNKNOWN");
}

#[test]
fn a_tag_for_signatures_that_is_not_there_is_unknown() {
    let (server, image, registry) = server_with_anothers_image();
    let tag = image.digest().replace(':', "-");
    let other = server.registry_as(&server.push_login());
    other.push_image("sr", &format!("{tag}.att"), &Image::unique(1));
    for suffix in ["", ".sig", ".att", ".sbom", "-more"] {
        for method in ["GET", "HEAD"] {
            refused(registry.send(method, &format!("sr/manifests/{tag}{suffix}")), 404, "MANIFEST_UNKNOWN");
        }
    }
    let signature = Image::unique(1);
    registry.push_image("sr", &format!("{tag}.sig"), &signature);
    let got = registry.send("GET", &format!("sr/manifests/{tag}.sig"));
    assert_eq!(got.bytes().unwrap(), signature.manifest);
    refused(other.send("GET", &format!("sr/manifests/{tag}.sig")), 404, "MANIFEST_UNKNOWN");
    refused(registry.send("GET", &format!("sr/manifests/{}", &tag[..70])), 403, "DENIED");
}

#[test]
fn its_own_manifest_can_be_read_back() {
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
    assert_eq!(registry.send("GET", "sr/manifests/own").bytes().unwrap(), own.manifest);
    refused(registry.send("GET", &format!("other/manifests/{digest}")), 404, "MANIFEST_UNKNOWN");
    // A login that pushes the same bytes again may read them from then on. It proves that it had them.
    let same = registry.put_manifest("sr", "v2", OCI_MANIFEST, &others.manifest);
    assert_eq!(same.status(), 201);
    assert_eq!(registry.status("GET", &format!("sr/manifests/{}", others.digest())), 200);
    assert_eq!(registry.status("GET", "sr/manifests/v2"), 200);
    // The login cannot read tags that other logins set on them.
    refused(registry.send("HEAD", "sr/manifests/v1"), 404, "MANIFEST_UNKNOWN");
    refused(registry.send("GET", "sr/manifests/v1"), 403, "DENIED");
}

#[test]
fn a_tag_that_another_login_moved_is_no_longer_its_own() {
    let (server, _, registry) = server_with_anothers_image();
    let (first, second) = (Image::unique(1), Image::unique(1));
    registry.push_image("sr", "moving", &first);
    server.registry_as(&server.push_login()).push_image("sr", "moving", &second);
    assert_eq!(registry.status("HEAD", "sr/manifests/moving"), 404);
    assert_eq!(registry.status("GET", &format!("sr/manifests/{}", first.digest())), 200);
    assert_eq!(registry.status("GET", &format!("sr/manifests/{}", second.digest())), 404);
    server.registry_as(&server.push_login()).push_image("sr", "moving", &first);
    assert_eq!(registry.status("HEAD", "sr/manifests/moving"), 404, "it is another login's that set it back");
}

#[test]
fn its_own_configuration_can_be_read_back_and_no_other() {
    let (server, others, registry) = server_with_anothers_image();
    let own = Image::unique(1);
    let path = |repository: &str, blob: &Blob| format!("{repository}/blobs/{}", blob.digest);
    assert_eq!(registry.push_blob("sr", &own.config), 201);
    refused(registry.send("GET", &path("sr", &own.config)), 403, "DENIED");
    registry.push_image("sr", "own", &own);
    let answer = registry.send("GET", &path("sr", &own.config));
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.bytes().unwrap(), own.config.bytes);
    refused(registry.send("GET", &path("sr", &own.layers[0])), 403, "DENIED");
    refused(registry.send("GET", &path("other", &own.config)), 403, "DENIED");
    refused(registry.send("GET", &path("sr", &others.config)), 403, "DENIED");

    // Another login's configuration counts as missing until this login has uploaded it too.
    let mount = |image: &Image| {
        registry.send("POST", &format!("to/blobs/uploads/?mount={}&from=sr", image.config.digest))
    };
    for _ in 0..2 {
        refused(registry.send("HEAD", &path("sr", &others.config)), 404, "BLOB_UNKNOWN");
        assert_eq!(mount(&others).status(), 202);
        assert_eq!(registry.status("HEAD", &path("sr", &others.layers[0])), 200);
        // The answers stay the same if this login puts a manifest that names the configuration.
        let same = registry.put_manifest("sr", "same", OCI_MANIFEST, &others.manifest);
        assert_eq!(same.status(), 201);
    }
    assert_eq!(registry.push_blob("sr", &others.config), 201);
    assert_eq!(registry.status("HEAD", &path("sr", &others.config)), 200);
    assert_eq!(registry.send("GET", &path("sr", &others.config)).bytes().unwrap(), others.config.bytes);

    assert_eq!(mount(&own).status(), 201);
    for blob in &own.layers {
        assert_eq!(registry.push_blob("to", blob), 201);
    }
    assert_eq!(registry.put_manifest("to", "own", OCI_MANIFEST, &own.manifest).status(), 201);
    assert_eq!(registry.status("HEAD", &path("to", &own.config)), 200);
    let next = server.registry_as(&server.push_login());
    for image in [&own, &others] {
        assert_eq!(next.status("HEAD", &path("sr", &image.config)), 404, "each login by itself");
    }
    let operator = server.registry_as(&server.operator_login());
    assert_eq!(operator.status("HEAD", &path("sr", &own.config)), 200);
}

#[test]
fn an_index_is_made_of_what_its_owner_put() {
    let server = server();
    let root = server.api();
    let key = root.gangplank("CreateAccessKey", &json!({})).body["accessKey"].clone();
    root.ensure_service("web");
    let stranger = server.registry_as(&root.as_key(&key).push_login());
    let (theirs, own, earlier) = (Image::unique(1), Image::unique(1), Image::unique(1));
    stranger.push_image("sr", "theirs", &theirs);
    server.registry_as(&root.push_login()).push_image("sr", "earlier", &earlier);
    let registry = server.registry_as(&root.push_login());
    registry.push_image("sr", "own", &own);
    let describe = |image: &Image| Blob::new(image.manifest.clone()).descriptor(OCI_MANIFEST);
    let put = |registry: &Registry, manifests: &[Value]| {
        let answer = registry.put_manifest("sr", "all", OCI_INDEX, index(manifests).to_string().as_bytes());
        let status = answer.status().as_u16();
        (status, answer.text().unwrap())
    };
    // Another login of the same key: several jobs push parts of one image.
    assert_eq!(put(&registry, &[describe(&own), describe(&earlier)]).0, 201);

    let absent = Blob::unique().descriptor(OCI_MANIFEST);
    let without = |(status, body): (u16, String), digest: &Value| {
        (status, body.replace(digest.as_str().unwrap(), "DIGEST"))
    };
    let mut wrong = describe(&theirs);
    wrong["size"] = json!(theirs.manifest.len() + 1);
    let unknown = without(put(&registry, std::slice::from_ref(&absent)), &absent["digest"]);
    assert!(unknown.0 == 400 && unknown.1.contains("MANIFEST_BLOB_UNKNOWN"), "{unknown:?}");
    for hidden in [describe(&theirs), wrong.clone()] {
        assert_eq!(without(put(&registry, std::slice::from_ref(&hidden)), &hidden["digest"]), unknown);
    }
    // The message of a refusal does not contain the size either.
    wrong["digest"] = json!(own.digest());
    wrong["size"] = json!(1);
    let (status, body) = without(put(&registry, std::slice::from_ref(&wrong)), &wrong["digest"]);
    assert_eq!(status, 400);
    assert!(body.contains("MANIFEST_INVALID") && !body.contains(&own.manifest.len().to_string()), "{body}");

    let signed = referrer(&describe(&theirs), "a/signature").to_string();
    assert_eq!(registry.push_blob("sr", &Blob::new("{}")), 201);
    let answer = registry.put_manifest("sr", "signature", OCI_MANIFEST, signed.as_bytes());
    assert_eq!(answer.status(), 201, "a subject is not looked up");
    let operator = server.registry_as(&server.operator_login());
    assert_eq!(put(&operator, &[describe(&own), describe(&theirs)]).0, 201);
}

#[test]
fn it_lists_the_referrers_that_it_put_itself() {
    let (server, image, registry) = server_with_anothers_image();
    let subject = Blob::new(image.manifest.clone()).descriptor(OCI_MANIFEST);
    let put = |registry: &Registry, artifact_type: &str| {
        let document = referrer(&subject, artifact_type).to_string();
        assert_eq!(registry.push_blob("sr", &Blob::new("{}")), 201);
        let digest = Blob::new(document.clone()).digest;
        assert_eq!(registry.put_manifest("sr", &digest, OCI_MANIFEST, document.as_bytes()).status(), 201);
        digest
    };
    let list = |registry: &Registry, path: &str| {
        let answer = registry.send("GET", path);
        assert_eq!((answer.status().as_u16(), header(&answer, "content-type").as_str()), (200, OCI_INDEX));
        let index: Value = answer.json().unwrap();
        let entries = index["manifests"].as_array().unwrap().iter();
        entries.map(|entry| entry["digest"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let of = format!("sr/referrers/{}", image.digest());
    assert!(list(&registry, &of).is_empty());
    let (signature, sbom) = (put(&registry, "a/signature"), put(&registry, "a/sbom"));
    let other = server.registry_as(&server.push_login());
    let others = put(&other, "a/other");
    assert_eq!(list(&registry, &of), [signature.clone(), sbom.clone()]);
    assert_eq!(list(&registry, &format!("{of}?artifactType=a/sbom")), [sbom]);
    assert!(list(&registry, &format!("{of}?artifactType=a/other")).is_empty());
    assert_eq!(list(&other, &of), [others]);
    assert!(list(&registry, &format!("none/referrers/{}", Blob::unique().digest)).is_empty());
    put(&other, "a/signature");
    assert!(list(&other, &of).contains(&signature), "the same one, put by both");
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
