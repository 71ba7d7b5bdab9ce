use gangplank_oci::{Algorithm, Digest, Endpoint, Reference, RepositoryName, Tag, location, route};
use proptest::prelude::*;

const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn name(text: &str) -> RepositoryName {
    text.parse().unwrap()
}

fn digest() -> Digest {
    Digest::sha256(b"")
}

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

#[track_caller]
fn check(method: &str, url: &str, wanted: &Endpoint) {
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (url, None),
    };
    assert_eq!(route(method, path, query).as_ref(), Ok(wanted), "{method} {url}");
}

#[test]
fn the_base_and_the_catalog() {
    for path in ["/v2", "/v2/"] {
        check("GET", path, &Endpoint::CheckVersion);
        check("HEAD", path, &Endpoint::CheckVersion);
    }
    check("GET", "/v2/_catalog", &Endpoint::Catalog { n: None, last: None });
    let last = Some("a/b".to_owned());
    check("GET", "/v2/_catalog?n=5&last=a%2Fb", &Endpoint::Catalog { n: Some(5), last });
}

#[test]
fn blobs() {
    for segment in [format!("sha256:{HEX}"), format!("sha256%3A{HEX}"), format!("sha256%3a{HEX}")] {
        let path = format!("/v2/team/app/blobs/{segment}");
        let (repository, digest) = (name("team/app"), digest());
        check("HEAD", &path, &Endpoint::HeadBlob { repository: repository.clone(), digest });
        check("GET", &path, &Endpoint::GetBlob { repository: repository.clone(), digest });
        check("DELETE", &path, &Endpoint::DeleteBlob { repository, digest });
    }
    let digest = Digest::of(Algorithm::Sha512, b"");
    check("GET", &format!("/v2/sr/blobs/{digest}"), &Endpoint::GetBlob { repository: name("sr"), digest });
}

#[test]
fn uploads_begin() {
    let plain = |digest, mount, from, algorithm| Endpoint::StartUpload {
        repository: name("sr"),
        digest,
        mount,
        from,
        algorithm,
    };
    let some = Some(digest());
    for (query, wanted) in [
        (String::new(), plain(None, None, None, None)),
        (format!("?digest=sha256:{HEX}"), plain(some, None, None, None)),
        (format!("?digest=sha256%3A{HEX}&x=y"), plain(some, None, None, None)),
        (format!("?mount=sha256%3A{HEX}&from=a%2Fb&origin=z"), plain(None, some, Some(name("a/b")), None)),
        (format!("?from=a/b&mount=sha256:{HEX}"), plain(None, some, Some(name("a/b")), None)),
        (format!("?mount=sha256:{HEX}"), plain(None, some, None, None)),
        (format!("?mount=sha256:{HEX}&from="), plain(None, some, None, None)),
        ("?digest-algorithm=sha512".to_owned(), plain(None, None, None, Some(Algorithm::Sha512))),
    ] {
        check("POST", &format!("/v2/sr/blobs/uploads/{query}"), &wanted);
        check("POST", &format!("/v2/sr/blobs/uploads{query}"), &wanted);
    }
}

#[test]
fn uploads_go_on() {
    let (repository, session) = (name("sr"), "01J-x_9".to_owned());
    let path = "/v2/sr/blobs/uploads/01J-x_9";
    let both = || (repository.clone(), session.clone());
    let (repository_, session_) = both();
    check("GET", path, &Endpoint::UploadStatus { repository: repository_, session: session_ });
    let (repository_, session_) = both();
    check("PATCH", path, &Endpoint::UploadChunk { repository: repository_, session: session_ });
    let (repository_, session_) = both();
    check("DELETE", path, &Endpoint::CancelUpload { repository: repository_, session: session_ });
    let url = format!("{path}?_state=a%3Db&digest=sha256%3A{HEX}");
    check("PUT", &url, &Endpoint::FinishUpload { repository, session, digest: digest() });
}

#[test]
fn manifests() {
    let repository = name("team/app");
    let reference = Reference::Tag(tag("v1.0"));
    let path = "/v2/team/app/manifests/v1.0";
    check(
        "HEAD",
        path,
        &Endpoint::HeadManifest { repository: repository.clone(), reference: reference.clone() },
    );
    check(
        "GET",
        path,
        &Endpoint::GetManifest { repository: repository.clone(), reference: reference.clone() },
    );
    check(
        "DELETE",
        path,
        &Endpoint::DeleteManifest { repository: repository.clone(), reference: reference.clone() },
    );
    check(
        "PUT",
        path,
        &Endpoint::PutManifest { repository: repository.clone(), reference: reference.clone(), tags: vec![] },
    );
    // If the path has a tag, further tags have no meaning.
    let url = format!("{path}?tag=other");
    check("PUT", &url, &Endpoint::PutManifest { repository: repository.clone(), reference, tags: vec![] });

    let reference = Reference::Digest(digest());
    let path = format!("/v2/team/app/manifests/sha256:{HEX}");
    check(
        "GET",
        &path,
        &Endpoint::GetManifest { repository: repository.clone(), reference: reference.clone() },
    );
    let tags = vec![tag("v1"), tag("latest")];
    let url = format!("{path}?tag=v1&tag=latest&tag=v1");
    check("PUT", &url, &Endpoint::PutManifest { repository, reference, tags });
}

#[test]
fn lists() {
    let list = |n, last: Option<&str>| Endpoint::ListTags {
        repository: name("sr"),
        n,
        last: last.map(str::to_owned),
    };
    for (query, wanted) in [
        ("", list(None, None)),
        ("?n=", list(None, None)),
        ("?n=0", list(Some(0), None)),
        ("?n=10&last=v1", list(Some(10), Some("v1"))),
        ("?n=10&n=20&last=", list(Some(10), None)),
        ("?n=99999999999999999999999999", list(Some(usize::MAX), None)),
        ("?last=a%00b", list(None, Some("a\u{fffd}b"))),
    ] {
        check("GET", &format!("/v2/sr/tags/list{query}"), &wanted);
    }
    let referrers = |artifact_type: Option<&str>| Endpoint::ListReferrers {
        repository: name("sr"),
        digest: digest(),
        artifact_type: artifact_type.map(str::to_owned),
        last: None,
    };
    let path = format!("/v2/sr/referrers/sha256:{HEX}");
    check("GET", &path, &referrers(None));
    for query in ["artifactType=application/x%2By", "artifactType=application%2Fx+y"] {
        check("GET", &format!("{path}?{query}"), &referrers(Some("application/x+y")));
    }
}

#[test]
fn a_repository_may_be_called_like_an_endpoint() {
    for repository in [
        "blobs",
        "manifests",
        "tags",
        "uploads",
        "list",
        "referrers",
        "v2",
        "blobs/uploads",
        "a/tags/list",
        "x/manifests/y",
    ] {
        let digest = digest();
        check(
            "GET",
            &format!("/v2/{repository}/tags/list"),
            &Endpoint::ListTags { repository: name(repository), n: None, last: None },
        );
        check(
            "GET",
            &format!("/v2/{repository}/blobs/{digest}"),
            &Endpoint::GetBlob { repository: name(repository), digest },
        );
        for word in ["list", "uploads", "blobs"] {
            let reference = Reference::Tag(tag(word));
            check(
                "GET",
                &format!("/v2/{repository}/manifests/{word}"),
                &Endpoint::GetManifest { repository: name(repository), reference },
            );
            let session = word.to_owned();
            check(
                "GET",
                &format!("/v2/{repository}/blobs/uploads/{word}"),
                &Endpoint::UploadStatus { repository: name(repository), session },
            );
        }
        let start = Endpoint::StartUpload {
            repository: name(repository),
            digest: None,
            mount: None,
            from: None,
            algorithm: None,
        };
        check("POST", &format!("/v2/{repository}/blobs/uploads/"), &start);
    }
}

fn any_name() -> impl Strategy<Value = RepositoryName> {
    let component =
        prop_oneof!["[a-z0-9]{1,3}([._-][a-z0-9]{1,3})?", "blobs|manifests|tags|uploads|list|referrers|v2"];
    prop::collection::vec(component, 1..5).prop_map(|components| name(&components.join("/")))
}

proptest! {
    #[test]
    fn locations_lead_back(repository in any_name(), content: Vec<u8>, tag in "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}", session in "[A-Za-z0-9_-]{1,64}") {
        let digest = Digest::sha256(&content);
        let wanted = Endpoint::GetBlob { repository: repository.clone(), digest };
        prop_assert_eq!(route("GET", &location::blob(&repository, &digest), None), Ok(wanted));

        let path = location::upload(&repository, &session);
        let wanted = Endpoint::UploadChunk { repository: repository.clone(), session };
        prop_assert_eq!(route("PATCH", &path, None), Ok(wanted));

        for reference in [Reference::Digest(digest), Reference::Tag(tag.parse().unwrap())] {
            let path = location::manifest(&repository, &reference);
            let wanted = Endpoint::GetManifest { repository: repository.clone(), reference };
            prop_assert_eq!(route("GET", &path, None), Ok(wanted));
        }

        let url = location::tags(&repository, 7, &tag);
        let (path, query) = url.split_once('?').unwrap();
        let wanted = Endpoint::ListTags { repository, n: Some(7), last: Some(tag) };
        prop_assert_eq!(route("GET", path, Some(query)), Ok(wanted));
    }

    #[test]
    fn the_catalog_leads_back(last in "[^\\p{Cc}]{1,20}") {
        let url = location::catalog(3, &last);
        let (path, query) = url.split_once('?').unwrap();
        prop_assert_eq!(route("GET", path, Some(query)), Ok(Endpoint::Catalog { n: Some(3), last: Some(last) }));
    }
}
