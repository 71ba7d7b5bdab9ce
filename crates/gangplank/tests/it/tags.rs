//! Lists of tags and repositories in pages, and the effect of deleting on them.

use gangplank_oci::media_type::OCI_MANIFEST;
use gangplank_testkit::{Blob, Registry, TestServer};
use serde_json::{Value, json};

use crate::answers::{header, refused};
use crate::documents::{Parts, digest, index};
use crate::server;

fn start() -> (TestServer, Registry, Parts) {
    let server = server();
    let registry = server.registry_as(&server.operator_login());
    let parts = Parts::push(&registry);
    (server, registry, parts)
}

fn tag(registry: &Registry, parts: &Parts, tags: &[&str]) {
    let body = parts.manifest().to_string();
    for tag in tags {
        assert_eq!(registry.put_manifest("sr", tag, OCI_MANIFEST, body.as_bytes()).status(), 201);
    }
}

fn list(registry: &Registry, path: &str) -> (Value, String) {
    let answer = registry.send("GET", path);
    assert_eq!(answer.status(), 200, "{path}");
    let link = header(&answer, "link");
    (answer.json().unwrap(), link)
}

#[test]
fn tags_are_listed_in_order_page_by_page() {
    let (_server, registry, parts) = start();
    assert_eq!(list(&registry, "sr/tags/list").0, json!({ "name": "sr", "tags": [] }));
    tag(&registry, &parts, &["b", "a", "c", "_x", "B", "10", "9"]);
    let all = ["10", "9", "B", "_x", "a", "b", "c"];
    assert_eq!(list(&registry, "sr/tags/list"), (json!({ "name": "sr", "tags": all }), String::new()));

    let (mut path, mut pages) = ("sr/tags/list?n=3".to_owned(), Vec::new());
    loop {
        let (page, link) = list(&registry, &path);
        pages.push(page["tags"].clone());
        let Some(next) = link.strip_prefix('<') else { break };
        let (next, relation) = next.split_once('>').unwrap();
        assert_eq!(relation, "; rel=\"next\"");
        assert!(next.starts_with("/v2/sr/tags/list?"), "{next}");
        path = next.to_owned();
    }
    assert_eq!(pages, [json!(["10", "9", "B"]), json!(["_x", "a", "b"]), json!(["c"])]);
    for (query, tags, more) in [
        ("n=7", &all[..], false),
        ("n=6", &all[..6], true),
        ("n=0", &[], false),
        ("n=99999999999999999999999", &all, false),
        ("last=a", &all[5..], false),
        ("last=a&n=1", &all[5..6], true),
        ("last=aa", &all[5..], false),
        ("last=zzz", &[], false),
        ("last=", &all, false),
        ("n=", &all, false),
    ] {
        let (page, link) = list(&registry, &format!("sr/tags/list?{query}"));
        assert_eq!((&page["tags"], link.is_empty()), (&json!(tags), !more), "{query}");
    }
    for query in ["n=-1", "n=x", "n=1.5"] {
        refused(registry.send("GET", &format!("sr/tags/list?{query}")), 400, "PAGINATION_NUMBER_INVALID");
    }
    for odd in ["last=%00", "last=%ff", "last='%20OR%201=1--", "last=%0d%0aX:%20y"] {
        assert!(list(&registry, &format!("sr/tags/list?n=1&{odd}")).0["tags"].is_array());
    }
    refused(registry.send("GET", "none/tags/list"), 404, "NAME_UNKNOWN");
}

#[test]
fn the_catalog_lists_repositories() {
    let (_server, registry, _) = start();
    for repository in ["b/c", "a"] {
        assert_eq!(registry.push_blob(repository, &Blob::unique()), 201);
    }
    assert_eq!(list(&registry, "_catalog").0["repositories"], json!(["a", "b/c", "sr"]));
    let (page, link) = list(&registry, "_catalog?n=2");
    assert_eq!(page["repositories"], json!(["a", "b/c"]));
    assert_eq!(link, "</v2/_catalog?n=2&last=b%2Fc>; rel=\"next\"");
    assert_eq!(list(&registry, "_catalog?n=2&last=b%2Fc").0["repositories"], json!(["sr"]));
}

#[test]
fn a_tag_is_deleted_alone_and_a_manifest_with_its_tags() {
    let (_server, registry, parts) = start();
    tag(&registry, &parts, &["one", "two", "three"]);
    let by_digest = format!("sr/manifests/{}", digest(&parts.manifest()));
    assert_eq!(registry.status("DELETE", "sr/manifests/one"), 202);
    refused(registry.send("GET", "sr/manifests/one"), 404, "MANIFEST_UNKNOWN");
    refused(registry.send("DELETE", "sr/manifests/one"), 404, "MANIFEST_UNKNOWN");
    assert_eq!(list(&registry, "sr/tags/list").0["tags"], json!(["three", "two"]));
    assert_eq!(registry.status("GET", &by_digest), 200);
    assert_eq!(registry.status("DELETE", &by_digest), 202);
    assert_eq!(list(&registry, "sr/tags/list").0["tags"], json!([]));
    for path in [by_digest.as_str(), "sr/manifests/two"] {
        refused(registry.send("GET", path), 404, "MANIFEST_UNKNOWN");
        refused(registry.send("DELETE", path), 404, "MANIFEST_UNKNOWN");
    }
    refused(registry.send("DELETE", "none/manifests/one"), 404, "MANIFEST_UNKNOWN");
    // The name and the digest can be used again.
    tag(&registry, &parts, &["two"]);
    assert_eq!(registry.status("GET", &by_digest), 200);
}

#[test]
fn several_tags_can_come_with_one_put() {
    let (_server, registry, _) = start();
    let body = index(&[]).to_string();
    let path = format!("{}?tag=x&tag=y&tag=x", digest(&index(&[])));
    let answer = registry.put_manifest("sr", &path, gangplank_oci::media_type::OCI_INDEX, body.as_bytes());
    assert_eq!(answer.status(), 201);
    assert_eq!(answer.headers().get_all("oci-tag").iter().count(), 2);
    assert_eq!(list(&registry, "sr/tags/list").0["tags"], json!(["x", "y"]));
    let many: Vec<String> = (0..101).map(|number| format!("tag=t{number}")).collect();
    let path = format!("{}?{}", digest(&index(&[])), many.join("&"));
    let answer = registry.put_manifest("sr", &path, gangplank_oci::media_type::OCI_INDEX, body.as_bytes());
    refused(answer, 414, "TAG_INVALID");
    assert_eq!(list(&registry, "sr/tags/list").0["tags"], json!(["x", "y"]));
}
