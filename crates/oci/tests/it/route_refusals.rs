use gangplank_oci::{Endpoint, MAX_TAGS_PER_PUT, route};
use proptest::prelude::*;

const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[track_caller]
fn check(method: &str, url: &str, wanted: &str) {
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (url, None),
    };
    let error = route(method, path, query).expect_err(url);
    assert_eq!(format!("{} {}", error.status, error.code), wanted, "{method} {url}");
}

#[test]
fn no_such_endpoint() {
    for path in [
        "",
        "/",
        "v2/",
        "/v1/",
        "/v2x/",
        "/v3/sr/tags/list",
        "/V2/",
        "/v2//",
        "/v2/sr",
        "/v2/sr/",
        "/v2/_catalog/",
        "/v2/sr/tags",
        "/v2/sr/tags/",
        "/v2/sr/tags/list/",
        "/v2/sr/tags/other",
        "/v2/tags/list",
        "/v2/blobs/uploads",
        "/v2/manifests/latest",
        "/v2/sr/manifests",
        "/v2/sr/blobs",
        "/v2/sr/uploads/x",
        "/v2/uploads/x",
        "/v2/sr/blobs/uploads//",
        "/v2/sr/blobs/uploads/a/b",
        "/v2/sr/manifests/a/b",
        "/v2/token",
        "/v2/..",
        "/v2/sr/%6danifests/latest",
        "/v2%2Fsr/tags/list",
    ] {
        check("GET", path, "404 NAME_UNKNOWN");
    }
}

#[test]
fn another_method() {
    let digest = format!("/v2/sr/blobs/sha256:{HEX}");
    let referrers = format!("/v2/sr/referrers/sha256:{HEX}");
    for (method, path, allow) in [
        ("POST", "/v2/", "GET, HEAD"),
        ("HEAD", "/v2/_catalog", "GET"),
        ("PUT", &digest, "GET, HEAD, DELETE"),
        ("POST", "/v2/sr/manifests/latest", "GET, HEAD, PUT, DELETE"),
        ("get", "/v2/sr/manifests/latest", "GET, HEAD, PUT, DELETE"),
        ("DELETE", "/v2/sr/tags/list", "GET"),
        ("PUT", &referrers, "GET"),
        ("GET", "/v2/sr/blobs/uploads", "POST"),
        ("GET", "/v2/sr/blobs/uploads/", "POST"),
        ("POST", "/v2/sr/blobs/uploads/x", "GET, PATCH, PUT, DELETE"),
        ("CONNECT", "/v2/SR/manifests/..", "GET, HEAD, PUT, DELETE"),
    ] {
        check(method, path, "405 UNSUPPORTED");
        assert_eq!(route(method, path, None).unwrap_err().allow(), Some(allow), "{method} {path}");
        for allowed in allow.split(", ") {
            assert!(
                route(allowed, path, None).map_or_else(|error| error.status, |_| 200) != 405,
                "{allowed} {path}"
            );
        }
    }
}

#[test]
fn names_that_are_none() {
    let long = "a".repeat(256);
    for name in [
        "", "/", "a//b", "..", "../..", "a/../b", "%2e%2e", "%2E%2E/a", "a/.", "A", "a%2Fb", "a%00", "a\0b",
        "a b", "é", "_catalog", "a%2db", &long,
    ] {
        check("GET", &format!("/v2/{name}/tags/list"), "400 NAME_INVALID");
        check("GET", &format!("/v2/{name}/blobs/sha256:{HEX}"), "400 NAME_INVALID");
        check("PUT", &format!("/v2/{name}/manifests/latest"), "400 NAME_INVALID");
        check("POST", &format!("/v2/{name}/blobs/uploads/"), "400 NAME_INVALID");
        check("PATCH", &format!("/v2/{name}/blobs/uploads/x"), "400 NAME_INVALID");
    }
    check("POST", &format!("/v2/sr/blobs/uploads/?mount=sha256:{HEX}&from=../sr"), "400 NAME_INVALID");
    check("POST", &format!("/v2/sr/blobs/uploads/?mount=sha256:{HEX}&from=a&from=b"), "400 NAME_INVALID");
}

#[test]
fn digests_that_are_none() {
    for digest in ["", "sha256:", "sha256:abc", HEX, "latest", "sha384:abc", "..", "%", "sha256%253Aabc"] {
        for method in ["GET", "HEAD", "DELETE"] {
            check(method, &format!("/v2/sr/blobs/{digest}"), "400 DIGEST_INVALID");
        }
        check("GET", &format!("/v2/sr/referrers/{digest}"), "400 DIGEST_INVALID");
        check("POST", &format!("/v2/sr/blobs/uploads/?digest={digest}"), "400 DIGEST_INVALID");
        check("POST", &format!("/v2/sr/blobs/uploads/?mount={digest}&from=a"), "400 DIGEST_INVALID");
        check("PUT", &format!("/v2/sr/blobs/uploads/x?digest={digest}"), "400 DIGEST_INVALID");
    }
    check("PUT", "/v2/sr/blobs/uploads/x", "400 DIGEST_INVALID");
    check("PUT", "/v2/sr/blobs/uploads/x?Digest=1", "400 DIGEST_INVALID");
    let one = format!("sha256:{HEX}");
    check("PUT", &format!("/v2/sr/blobs/uploads/x?digest={one}&digest={one}"), "400 DIGEST_INVALID");
    check("PUT", &format!("/v2/sr/blobs/uploads/x?digest={one}&%64igest={one}"), "400 DIGEST_INVALID");
    check("POST", &format!("/v2/sr/blobs/uploads/?mount={one}&mount={one}"), "400 DIGEST_INVALID");
    check("POST", "/v2/sr/blobs/uploads/?digest-algorithm=blake3", "400 DIGEST_INVALID");
    check("POST", "/v2/sr/blobs/uploads/?digest-algorithm=", "400 DIGEST_INVALID");
}

#[test]
fn references_that_are_none() {
    let long = "t".repeat(129);
    for reference in ["", ".", "..", "%2e%2e", "-a", "a%20b", "a%2Fb", "a%00", "a+b", "é", "%", &long] {
        check("PUT", &format!("/v2/sr/manifests/{reference}"), "400 TAG_INVALID");
        for method in ["GET", "HEAD", "DELETE"] {
            check(method, &format!("/v2/sr/manifests/{reference}"), "404 MANIFEST_UNKNOWN");
        }
    }
    for reference in ["sha256:abc", "sha384:00", "a:b", "sha256%3A"] {
        check("PUT", &format!("/v2/sr/manifests/{reference}"), "400 DIGEST_INVALID");
        check("GET", &format!("/v2/sr/manifests/{reference}"), "404 MANIFEST_UNKNOWN");
    }
    let path = format!("/v2/sr/manifests/sha256:{HEX}");
    for query in ["tag=", "tag", "tag=-a", "tag=a&tag=a%2Fb"] {
        check("PUT", &format!("{path}?{query}"), "400 TAG_INVALID");
    }
    let many: Vec<String> = (0..=MAX_TAGS_PER_PUT).map(|n| format!("tag=t{n}")).collect();
    check("PUT", &format!("{path}?{}", many.join("&")), "414 TAG_INVALID");
    assert!(route("PUT", &path, Some(&many[1..].join("&"))).is_ok());
}

#[test]
fn sessions_that_are_none() {
    let long = "s".repeat(65);
    for session in [".", "..", "%2e%2e", "a.b", "a%2Fb", "a b", "a\0", "é", "a%41", &long] {
        for method in ["GET", "PATCH", "DELETE"] {
            check(method, &format!("/v2/sr/blobs/uploads/{session}"), "404 BLOB_UPLOAD_UNKNOWN");
        }
        check(
            "PUT",
            &format!("/v2/sr/blobs/uploads/{session}?digest=sha256:{HEX}"),
            "404 BLOB_UPLOAD_UNKNOWN",
        );
    }
}

#[test]
fn numbers_that_are_none() {
    for n in ["-1", "+1", "1.5", "1e3", "x", "0x10", "%20", " 1", "١"] {
        check("GET", &format!("/v2/sr/tags/list?n={n}"), "400 PAGINATION_NUMBER_INVALID");
        check("GET", &format!("/v2/_catalog?n={n}"), "400 PAGINATION_NUMBER_INVALID");
    }
}

fn any_url() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        Just("v2".to_owned()),
        Just("blobs".to_owned()),
        Just("uploads".to_owned()),
        Just("manifests".to_owned()),
        Just("tags".to_owned()),
        Just("list".to_owned()),
        Just("referrers".to_owned()),
        Just(format!("sha256:{HEX}")),
        "[a-z.%/_-]{0,5}",
        ".{0,4}",
    ];
    prop::collection::vec(segment, 0..7).prop_map(|segments| format!("/v2/{}", segments.join("/")))
}

proptest! {
    #[test]
    fn nothing_panics(method in "GET|HEAD|PUT|POST|PATCH|DELETE|.{0,3}", path: String, url in any_url(), query: Option<String>) {
        for path in [path, url] {
            if let Err(error) = route(&method, &path, query.as_deref()) {
                prop_assert!((400..500).contains(&error.status));
                prop_assert!(error.body().len() < 3_000);
            }
        }
    }

    #[test]
    fn what_is_accepted_is_clean(method in "GET|HEAD|PUT|POST|PATCH|DELETE", url in any_url(), query in "((tag|n|last|digest|from|mount)=[a-z0-9%:.-]{0,5}&?){0,3}") {
        if let Ok(endpoint) = route(&method, &url, Some(&query)) {
            if let Some(repository) = endpoint.repository() {
                prop_assert!(!repository.as_str().contains(".."));
                let beginning = format!("/v2/{repository}/");
                prop_assert!(url.starts_with(&beginning));
            } else {
                let elsewhere = matches!(endpoint, Endpoint::CheckVersion | Endpoint::Catalog { .. });
                prop_assert!(elsewhere);
            }
        }
    }
}
