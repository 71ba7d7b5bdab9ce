use gangplank_oci::{Digest, ManifestView, OciError};
use serde_json::{Value, json};

fn body(error: &OciError) -> Value {
    serde_json::from_slice(&error.body()).unwrap()
}

#[test]
fn the_body_is_the_specifications() {
    let denied = OciError::denied("requested access to the resource is denied");
    assert_eq!(
        String::from_utf8(denied.body()).unwrap(),
        r#"{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}"#
    );
    let digest = Digest::sha256(b"");
    let unknown = OciError::blob_unknown(&digest);
    assert_eq!(body(&unknown)["errors"][0]["detail"], json!({ "digest": digest.to_string() }));
    assert_eq!(unknown.to_string(), "BLOB_UNKNOWN: blob unknown to registry");
}

#[test]
fn every_code_has_its_status() {
    let digest = Digest::sha256(b"");
    let manifest = ManifestView::parse(b"", None).unwrap_err();
    for (error, code, status) in [
        (OciError::blob_unknown(&digest), "BLOB_UNKNOWN", 404),
        (OciError::blob_upload_invalid("x"), "BLOB_UPLOAD_INVALID", 400),
        (OciError::blob_upload_range("x"), "BLOB_UPLOAD_INVALID", 416),
        (OciError::blob_upload_unknown(), "BLOB_UPLOAD_UNKNOWN", 404),
        (OciError::digest_invalid("x"), "DIGEST_INVALID", 400),
        (OciError::digest_mismatch(&digest, &digest), "DIGEST_INVALID", 400),
        (OciError::manifest_blob_unknown(&digest), "MANIFEST_BLOB_UNKNOWN", 400),
        (OciError::manifest_invalid("x"), "MANIFEST_INVALID", 400),
        (manifest.into(), "MANIFEST_INVALID", 400),
        (OciError::manifest_too_large(1), "MANIFEST_INVALID", 413),
        (OciError::manifest_unknown(), "MANIFEST_UNKNOWN", 404),
        (OciError::name_invalid("x"), "NAME_INVALID", 400),
        (OciError::name_unknown(), "NAME_UNKNOWN", 404),
        (OciError::endpoint_unknown(), "NAME_UNKNOWN", 404),
        (OciError::size_invalid("x"), "SIZE_INVALID", 400),
        (OciError::blob_too_large(1), "SIZE_INVALID", 413),
        (OciError::range_not_satisfiable(1), "SIZE_INVALID", 416),
        (OciError::unauthorized("x"), "UNAUTHORIZED", 401),
        (OciError::denied("x"), "DENIED", 403),
        (OciError::unsupported("x"), "UNSUPPORTED", 405),
        (OciError::method_not_allowed("TRACE", "GET"), "UNSUPPORTED", 405),
        (OciError::too_many_requests("x"), "TOOMANYREQUESTS", 429),
        (OciError::tag_invalid("x"), "TAG_INVALID", 400),
        (OciError::pagination_number_invalid(), "PAGINATION_NUMBER_INVALID", 400),
        (OciError::unknown(), "UNKNOWN", 500),
        (OciError::unavailable(), "UNAVAILABLE", 503),
        (OciError::insufficient_storage(), "UNAVAILABLE", 507),
    ] {
        assert_eq!((error.code.as_str(), error.status), (code, status));
        assert_eq!(body(&error)["errors"][0]["code"], code);
        for told in body(&error)["errors"][0]["detail"].as_object().into_iter().flat_map(|it| it.values()) {
            assert!(!error.message.contains(told.as_str().unwrap()), "{error} is told twice: {told}");
        }
        assert!(code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'));
    }
}

#[test]
fn only_a_405_says_what_is_allowed() {
    let error = OciError::method_not_allowed("TRACE\r\n", "GET, HEAD");
    assert_eq!(error.allow(), Some("GET, HEAD"));
    assert_eq!(error.message, r"`TRACE\r\n` is not supported here, only GET, HEAD");
    assert_eq!(OciError::unknown().allow(), None);
}

#[test]
fn a_long_text_is_not_repeated_whole() {
    let error =
        gangplank_oci::route("GET", &format!("/v2/{}/tags/list", "A".repeat(10_000)), None).unwrap_err();
    assert!(error.body().len() < 500);
}
