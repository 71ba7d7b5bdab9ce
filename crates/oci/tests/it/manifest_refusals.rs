use gangplank_oci::{DEEPEST, ErrorCode, MAX_VALUES, ManifestLimits, ManifestView, OciError, media_type};
use serde_json::{Value, json};

use crate::manifest::{buildx_index, descriptor, digest, oci_image, read};

/// Changes one value of a valid manifest, and expects exactly this error.
#[track_caller]
fn check(mut manifest: Value, pointer: &str, replacement: Value, complaint: &str) {
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    match manifest.pointer_mut(parent).unwrap() {
        Value::Array(list) => list[member.parse::<usize>().unwrap()] = replacement,
        parent => parent[member] = replacement,
    }
    assert_eq!(read(&manifest, None).expect_err(complaint), complaint);
}

#[track_caller]
fn check_text(body: &str, complaint: &str) {
    let error = ManifestView::parse(body.as_bytes(), Some(media_type::OCI_INDEX)).expect_err(body);
    assert_eq!(error.to_string(), complaint);
}

#[test]
fn not_json() {
    for body in [
        "",
        "{",
        "{} {}",
        "{'a':1}",
        "{\"a\":1,}",
        "[1,]",
        "NaN",
        "{\"a\":01}",
        "\u{feff}{}",
        "{\"\\ud800\":1}",
    ] {
        let error = ManifestView::parse(body.as_bytes(), None).expect_err(body);
        assert_eq!(error.path, "$");
        assert!(error.problem.starts_with("must be JSON: "), "{error}");
    }
    assert!(ManifestView::parse(b"{\"\xff\":1}", None).is_err());
    check_text("[]", "$ must be an object, is an array");
    check_text("null", "$ must be an object, is null");
}

#[test]
fn a_member_twice() {
    check_text(
        r#"{"schemaVersion":2,"manifests":[],"manifests":[]}"#,
        "$ must not have the member `manifests` twice",
    );
    check_text(r#"{"a":{"b":[1,{"c":1,"c":2}]}}"#, "$.a.b[1] must not have the member `c` twice");
    check_text(r#"{"x y":{"c":1,"\u0063":2}}"#, "$[`x y`] must not have the member `c` twice");
    check_text(r#"{"a":{"b\n":1,"b\n":2}}"#, r"$.a must not have the member `b\n` twice");
}

#[test]
fn too_deep_or_too_much() {
    let nested = |levels: usize| {
        let inner = levels - 1;
        format!(r#"{{"schemaVersion":2,"manifests":[],"x":{}{}}}"#, "[".repeat(inner), "]".repeat(inner))
    };
    assert!(ManifestView::parse(nested(64).as_bytes(), Some(media_type::OCI_INDEX)).is_ok());
    check_text(&nested(65), "$ must not nest deeper than 64 levels");
    let within = |nesting, levels| {
        let limits = ManifestLimits { nesting, ..ManifestLimits::default() };
        ManifestView::parse_within(&limits, nested(levels).as_bytes(), Some(media_type::OCI_INDEX)).is_ok()
    };
    assert!(within(5, 5) && !within(5, 6));
    assert!(within(usize::MAX, DEEPEST) && !within(usize::MAX, DEEPEST + 1), "no limit is none");
    check_text(&"[".repeat(1_000_000), "$ must not nest deeper than 64 levels");
    check_text(&"{\"a\":".repeat(1_000_000), "$ must not nest deeper than 64 levels");

    let many = |values: usize| {
        // The object, the version, the list of manifests and the list of zeros also count as values.
        let zeros = vec!["0"; values - 4].join(",");
        format!(r#"{{"schemaVersion":2,"manifests":[],"x":[{zeros}]}}"#)
    };
    assert!(ManifestView::parse(many(MAX_VALUES).as_bytes(), Some(media_type::OCI_INDEX)).is_ok());
    check_text(&many(MAX_VALUES + 1), "$ must not consist of more than 250000 values");
}

#[test]
fn too_many_descriptors() {
    let layers = |count: usize| {
        (0..count).map(|n| descriptor(media_type::OCI_LAYER, &n.to_string())).collect::<Vec<_>>()
    };
    let complaint = |name| format!("$.{name} must not be so many: a manifest has at most 1000 descriptors");

    let mut image = oci_image();
    image["layers"] = json!(layers(1_000 - 1));
    assert_eq!(read(&image, None).unwrap().blobs.len(), 1_000);
    let mut about = image.clone();
    about["subject"] = descriptor(media_type::OCI_MANIFEST, "x");
    assert_eq!(read(&about, None), Err(complaint("layers")));
    check(image, "/layers", json!(layers(1_000)), &complaint("layers"));

    let same = vec![descriptor(media_type::OCI_MANIFEST, "same"); 1_000 + 1];
    let mut index = buildx_index();
    index["manifests"] = json!(&same[1..]);
    assert_eq!(read(&index, None).unwrap().children.len(), 1);
    check(buildx_index(), "/manifests", json!(same), &complaint("manifests"));
}

#[test]
fn the_schema_version() {
    for (version, complaint) in [
        (json!(1), "must be 2: manifests of schema 1 are not supported, push with a current client"),
        (json!(3), "must be 2, is 3"),
        (json!(-2), "must be 2, is another number"),
        (json!(2.0), "must be 2, is another number"),
        (json!("2"), "must be 2, is a string"),
        (Value::Null, "must be 2, is missing"),
    ] {
        check(oci_image(), "/schemaVersion", version, &format!("$.schemaVersion {complaint}"));
    }
}

#[test]
fn the_media_type() {
    let mut untyped = oci_image();
    untyped.as_object_mut().unwrap().shift_remove("mediaType");
    let refusal = |manifest: &Value, content_type| read(manifest, content_type).unwrap_err();
    let missing = "$.mediaType must say what the manifest is, or the Content-Type of the request must";
    assert_eq!(refusal(&untyped, None), missing);
    assert_eq!(refusal(&untyped, Some(" ; charset=utf-8")), missing);
    assert_eq!(
        refusal(&untyped, Some("application/json")),
        "$.mediaType is `application/json`, which is not supported as the type of a manifest"
    );
    assert_eq!(
        refusal(&untyped, Some(media_type::DOCKER_MANIFEST)),
        format!("$.mediaType must be {}, is missing", media_type::DOCKER_MANIFEST)
    );
    assert_eq!(
        refusal(&oci_image(), Some(media_type::OCI_INDEX)),
        format!(
            "$.mediaType is `{}`, but the Content-Type is `{}`",
            media_type::OCI_MANIFEST,
            media_type::OCI_INDEX
        )
    );
    for unsupported in [
        media_type::DOCKER_MANIFEST_SCHEMA1,
        media_type::DOCKER_MANIFEST_SCHEMA1_SIGNED,
        media_type::OCI_ARTIFACT_MANIFEST,
        "application/vnd.OCI.image.manifest.v1+json",
        "application/vnd.oci.image.manifest.v1+json; charset=utf-8",
        "text/html",
    ] {
        let complaint =
            format!("$.mediaType is `{unsupported}`, which is not supported as the type of a manifest");
        check(oci_image(), "/mediaType", json!(unsupported), &complaint);
    }
    check(oci_image(), "/mediaType", json!(1), "$.mediaType must be a string, is a number");
}

#[test]
fn an_image_that_is_also_something_else() {
    let in_image = "$.manifests must not be there: it belongs to an index, and this is an image manifest";
    check(oci_image(), "/manifests", json!([{}]), in_image);
    for (member, value) in [("config", descriptor(media_type::OCI_CONFIG, "c")), ("layers", json!([{}]))] {
        let complaint =
            format!("$.{member} must not be there: it belongs to an image manifest, and this is an index");
        check(buildx_index(), &format!("/{member}"), value, &complaint);
    }
    let schema_1 = "$.fsLayers must not be there: it belongs to manifests of schema 1";
    check(oci_image(), "/fsLayers", json!([{}]), schema_1);
}

#[test]
fn members_of_the_wrong_shape() {
    for (pointer, value, complaint) in [
        ("/config", Value::Null, "$.config must be an object, is missing"),
        ("/config", json!([]), "$.config must be an object, is an array"),
        ("/layers", json!({}), "$.layers must be an array, is an object"),
        ("/layers/1", json!("x"), "$.layers[1] must be an object, is a string"),
        ("/layers/1", Value::Null, "$.layers[1] must be an object, is null"),
        ("/subject", json!(true), "$.subject must be an object, is a boolean"),
        ("/artifactType", json!(1), "$.artifactType must be a string, is a number"),
        ("/annotations", json!([]), "$.annotations must be an object, is an array"),
        ("/annotations", json!({ "a": 1 }), "$.annotations.a must be a string, is a number"),
        ("/annotations", json!({ "a/b": null }), "$.annotations[`a/b`] must be a string, is null"),
        ("/layers/0/urls", json!("x"), "$.layers[0].urls must be an array, is a string"),
        ("/layers/0/urls", json!(["x", 1]), "$.layers[0].urls[1] must be a string, is a number"),
        (
            "/layers/0/annotations",
            json!({ "a": {} }),
            "$.layers[0].annotations.a must be a string, is an object",
        ),
        ("/layers/0/platform", json!("linux"), "$.layers[0].platform must be an object, is a string"),
    ] {
        check(oci_image(), pointer, value, complaint);
    }
    check(buildx_index(), "/manifests", json!({}), "$.manifests must be an array, is an object");
}

#[test]
fn a_member_that_some_readers_would_take_for_another() {
    for (pointer, name, meant) in [
        ("", "MediaType", "mediaType"),
        ("", "schemaversion", "schemaVersion"),
        ("", "Config", "config"),
        ("", "LAYERS", "layers"),
        ("", "Manifests", "manifests"),
        ("", "Subject", "subject"),
        ("", "artifacttype", "artifactType"),
        ("", "FSLayers", "fsLayers"),
        ("", "annotation\u{17f}", "annotations"),
        ("/config", "Digest", "digest"),
        ("/config", "\u{17f}ize", "size"),
        ("/layers/1", "URLs", "urls"),
        ("/layers/0", "Data", "data"),
        ("/layers/0", "Platform", "platform"),
    ] {
        let mut manifest = oci_image();
        manifest.pointer_mut(pointer).unwrap()[name] = Value::Null;
        let complaint = read(&manifest, None).expect_err(name);
        assert!(complaint.ends_with(&format!(" must be written `{meant}`, or left out")), "{complaint}");
        let shown = name.chars().next().unwrap();
        assert!(complaint.contains(shown), "{complaint} does not name {name}");
    }
    let mut index = buildx_index();
    index["manifests"][0]["platform"]["OS"] = json!("linux");
    let complaint = "$.manifests[0].platform.OS must be written `os`, or left out";
    assert_eq!(read(&index, None).unwrap_err(), complaint);
    // Anybody can choose names of annotations.
    let mut annotated = oci_image();
    annotated["annotations"] = json!({ "Digest": "x", "digest": "y" });
    annotated["somethingElse"] = json!({ "MediaType": 1 });
    assert!(read(&annotated, None).is_ok());
}

#[test]
fn descriptors_that_describe_nothing() {
    let number = "$.config.size must be a whole number of bytes, from 0 to 9223372036854775807";
    for (pointer, value, complaint) in [
        ("/config/mediaType", Value::Null, "$.config.mediaType must be a string, is missing"),
        ("/config/mediaType", json!(""), "$.config.mediaType must not be empty"),
        ("/config/digest", Value::Null, "$.config.digest must be a string, is missing"),
        ("/config/size", Value::Null, "$.config.size must be a whole number of bytes, is missing"),
        ("/config/size", json!("6"), "$.config.size must be a whole number of bytes, is a string"),
        ("/config/size", json!(-1), number),
        ("/config/size", json!(6.0), number),
        ("/config/size", json!(1e300), number),
        ("/config/size", json!(u64::MAX), number),
        (
            "/layers/1/digest",
            json!("sha384:00"),
            "$.layers[1].digest is `sha384:00`: the digest algorithm is not supported; use sha256 or sha512",
        ),
        ("/subject", json!({}), "$.subject.mediaType must be a string, is missing"),
    ] {
        check(oci_image(), pointer, value, complaint);
    }
    let mut same = oci_image();
    same["layers"][1]["digest"] = json!(digest("config"));
    assert_eq!(
        read(&same, None).unwrap_err(),
        "$.layers[1].size must be 6, the size that the same digest has before"
    );
}

#[test]
fn data_that_is_not_the_content() {
    for (data, complaint) in [
        ("?", "must be Base 64 with padding"),
        ("Y29uZmlnIQ==", "must be of the descriptor's size"),
        ("Q29uZmln", "must have the descriptor's digest"),
    ] {
        check(oci_image(), "/config/data", json!(data), &format!("$.config.data {complaint}"));
    }
    let mut manifest = oci_image();
    manifest["config"]["data"] = json!("Y29uZmln");
    assert!(read(&manifest, None).is_ok());
}

#[test]
fn a_refusal_is_small_and_says_where() {
    let body = format!("{}{{\"b\":1,\"b\":2}}{}", "{\"long name\":".repeat(60), "}".repeat(60));
    let error = ManifestView::parse(body.as_bytes(), None).unwrap_err();
    assert!(error.path.len() < 210 && error.path.ends_with("..."), "{error}");
    let error = OciError::from(ManifestView::parse(b"[]", None).unwrap_err());
    assert_eq!((error.code, error.status), (ErrorCode::ManifestInvalid, 400));
    assert_eq!((error.message.as_str(), error.detail), ("$ must be an object, is an array", None));
}

#[test]
fn a_text_with_nul() {
    let complaint = "$.artifactType must not contain the character U+0000";
    check(oci_image(), "/artifactType", json!("a/b\0"), complaint);
    let complaint = "$.config.mediaType must not contain the character U+0000";
    check(oci_image(), "/config/mediaType", json!("a/\0b"), complaint);
}
