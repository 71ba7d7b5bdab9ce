use gangplank_oci::{Digest, IndexBuilder, ManifestView, media_type};
use serde_json::{Value, json};

fn image(media_type: &str) -> (Digest, u64, ManifestView) {
    let config = json!({ "mediaType": media_type::OCI_CONFIG, "digest": Digest::sha256(b"c"), "size": 1 });
    let body =
        json!({ "schemaVersion": 2, "mediaType": media_type, "config": config, "layers": [] }).to_string();
    let view = ManifestView::parse(body.as_bytes(), None).unwrap();
    (Digest::sha256(body.as_bytes()), body.len() as u64, view)
}

/// The index of one image with this configuration.
fn platform_of(config: &str) -> Value {
    let (digest, size, view) = image(media_type::OCI_MANIFEST);
    let mut builder = IndexBuilder::default();
    builder.add_image(&digest, size, &view, Some(config.as_bytes()));
    let index: Value = serde_json::from_slice(&builder.build().1).unwrap();
    index["manifests"][0]["platform"].clone()
}

#[test]
fn a_platform_comes_from_the_configuration() {
    assert_eq!(
        platform_of(
            r#"{"os":"linux","architecture":"arm","variant":"v7","config":{},"os.features":["a"],"x":1}"#
        ),
        json!({ "architecture": "arm", "os": "linux", "os.features": ["a"], "variant": "v7" })
    );
    assert_eq!(
        platform_of(
            r#"{"os":"windows","os.version":"10.0.1","architecture":"amd64","variant":"","os.features":null}"#
        ),
        json!({ "architecture": "amd64", "os": "windows", "os.version": "10.0.1" })
    );
    for none in ["{}", "", "[]", "\u{0}", r#"{"os":"linux"}"#, r#"{"os":1,"architecture":{}}"#] {
        assert_eq!(platform_of(none), Value::Null, "{none}");
    }
}

#[test]
fn what_is_built_is_an_index_of_all_that_was_added() {
    let config = br#"{"os":"linux","architecture":"amd64"}"#;
    let (digest, size, view) = image(media_type::OCI_MANIFEST);
    let attestation = json!({
        "mediaType": media_type::OCI_MANIFEST, "digest": Digest::sha256(b"a"), "size": 1,
        "platform": { "os": "unknown", "architecture": "unknown" }, "annotations": { "a": "b" },
    });
    let inner = json!({ "schemaVersion": 2, "manifests": [attestation, { "mediaType": "x/y", "digest": digest, "size": 1 }] });
    let mut builder = IndexBuilder::default();
    builder.add_image(&digest, size, &view, Some(config));
    builder.add_entries_of(inner.to_string().as_bytes());
    builder.add_image(&digest, size, &view, None);
    builder.add_entries_of(br#"{"manifests":null}"#);
    let (media_type, body) = builder.build();
    assert_eq!(media_type, media_type::OCI_INDEX);
    let index: Value = serde_json::from_slice(&body).unwrap();
    let platform = json!({ "architecture": "amd64", "os": "linux" });
    let own = json!({ "mediaType": media_type::OCI_MANIFEST, "digest": digest, "size": size, "platform": platform });
    assert_eq!(index["manifests"], json!([own, attestation]));
    assert_eq!(ManifestView::parse(&body, Some(media_type)).unwrap().children.len(), 2);
}

#[test]
fn dockers_alone_make_a_manifest_list() {
    let build = |media_types: &[&str]| {
        let mut builder = IndexBuilder::default();
        for media_type in media_types {
            let (digest, size, view) = image(media_type);
            builder.add_image(&digest, size, &view, None);
        }
        let (media_type, body) = builder.build();
        assert_eq!(ManifestView::parse(&body, None).unwrap().media_type, media_type);
        media_type
    };
    assert_eq!(build(&[media_type::DOCKER_MANIFEST]), media_type::DOCKER_MANIFEST_LIST);
    assert_eq!(build(&[media_type::DOCKER_MANIFEST, media_type::OCI_MANIFEST]), media_type::OCI_INDEX);
    assert_eq!(build(&[]), media_type::OCI_INDEX);
}
