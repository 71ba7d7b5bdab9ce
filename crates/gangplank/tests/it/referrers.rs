//! Referrers of a manifest.

use gangplank_oci::media_type::{OCI_INDEX, OCI_MANIFEST};
use gangplank_testkit::{Blob, Registry, TestServer};
use serde_json::{Value, json};

use crate::answers::{header, refused};
use crate::documents::{Parts, descriptor, digest, referrer};
use crate::server;

fn start() -> (TestServer, Registry, Value) {
    let server = server();
    let registry = server.registry_as(&server.operator_login());
    let subject = descriptor(&Parts::push(&registry).manifest());
    assert_eq!(registry.push_blob("sr", &Blob::new("{}")), 201);
    (server, registry, subject)
}

fn put(registry: &Registry, document: &Value) {
    let body = document.to_string();
    assert_eq!(registry.put_manifest("sr", &digest(document), OCI_MANIFEST, body.as_bytes()).status(), 201);
}

fn list(registry: &Registry, path: &str) -> (Value, String) {
    let answer = registry.send("GET", path);
    assert_eq!((answer.status().as_u16(), header(&answer, "content-type").as_str()), (200, OCI_INDEX));
    let filters = header(&answer, "oci-filters-applied");
    let document: Value = answer.json().unwrap();
    assert_eq!((&document["schemaVersion"], &document["mediaType"]), (&json!(2), &json!(OCI_INDEX)));
    (document["manifests"].clone(), filters)
}

#[test]
fn referrers_are_listed_also_those_that_came_before_their_subject() {
    let (_server, registry, subject) = start();
    let of = format!("sr/referrers/{}", subject["digest"].as_str().unwrap());
    assert_eq!(list(&registry, &of).0, json!([]));
    let (signature, sbom) = (referrer(&subject, "a/signature"), referrer(&subject, "a/sbom"));
    put(&registry, &signature);
    put(&registry, &sbom);
    let shown = |document: &Value| {
        let mut shown = descriptor(document);
        shown["artifactType"] = document["artifactType"].clone();
        shown["annotations"] = document["annotations"].clone();
        shown
    };
    assert_eq!(list(&registry, &of), (json!([shown(&signature), shown(&sbom)]), String::new()));
    let filtered = |filter: &str| list(&registry, &format!("{of}?artifactType={filter}"));
    assert_eq!(filtered("a%2Fsbom"), (json!([shown(&sbom)]), "artifactType".to_owned()));
    assert_eq!(filtered("a/none"), (json!([]), "artifactType".to_owned()));
    assert_eq!(list(&registry, &of.replace("sr/", "other/")).0, json!([]), "another repository");

    let path = format!("sr/manifests/{}", digest(&sbom));
    assert_eq!(registry.status("DELETE", &path), 202);
    assert_eq!(list(&registry, &of).0, json!([shown(&signature)]));
}

#[test]
fn referrers_of_what_never_was_are_none_and_of_nonsense_refused() {
    let (_server, registry, _) = start();
    assert_eq!(list(&registry, &format!("none/referrers/{}", Blob::unique().digest)).0, json!([]));
    for bad in ["latest", "sha256:abc", "md5:d41d8cd98f00b204e9800998ecf8427e"] {
        refused(registry.send("GET", &format!("sr/referrers/{bad}")), 400, "DIGEST_INVALID");
    }
}

#[test]
fn a_long_list_comes_in_pages() {
    let (_server, registry, subject) = start();
    let mut documents = Vec::new();
    for number in 0..40 {
        let mut document = referrer(&subject, "a/signature");
        document["annotations"] = json!({ "number": number.to_string(), "much": "m".repeat(250_000) });
        put(&registry, &document);
        documents.push(digest(&document));
    }
    let mut path = format!("sr/referrers/{}?artifactType=a/signature", subject["digest"].as_str().unwrap());
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let answer = registry.send("GET", &path);
        let link = header(&answer, "link");
        let page: Value = answer.json().unwrap();
        let page = page["manifests"].as_array().unwrap();
        assert!((1..=16).contains(&page.len()));
        seen.extend(page.iter().map(|entry| entry["digest"].as_str().unwrap().to_owned()));
        pages += 1;
        match link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")) {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    assert_eq!((seen, pages), (documents, 3));
}
