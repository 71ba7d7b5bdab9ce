use std::collections::BTreeMap;

use gangplank_oci::{Digest, ManifestKind, ManifestView, media_type};
use proptest::prelude::*;
use serde_json::{Value, json};

pub(crate) fn digest(content: &str) -> String {
    Digest::sha256(content.as_bytes()).to_string()
}

pub(crate) fn descriptor(media_type: &str, content: &str) -> Value {
    json!({ "mediaType": media_type, "digest": digest(content), "size": content.len() })
}

pub(crate) fn oci_image() -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "config": descriptor(media_type::OCI_CONFIG, "config"),
        "layers": [
            descriptor(media_type::OCI_LAYER_GZIP, "base"),
            descriptor(media_type::OCI_LAYER_ZSTD, "app"),
        ],
        "annotations": { "org.opencontainers.image.created": "2026-11-23T12:00:00Z" },
    })
}

/// The index that `docker buildx build --push` makes: one platform, and an attestation about it.
pub(crate) fn buildx_index() -> Value {
    let mut image = descriptor(media_type::OCI_MANIFEST, "amd64");
    image["platform"] = json!({ "architecture": "amd64", "os": "linux" });
    let mut attestation = descriptor(media_type::OCI_MANIFEST, "attestation");
    attestation["platform"] = json!({ "architecture": "unknown", "os": "unknown" });
    attestation["annotations"] = json!({
        "vnd.docker.reference.digest": digest("amd64"),
        "vnd.docker.reference.type": "attestation-manifest",
    });
    json!({ "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": [image, attestation] })
}

pub(crate) fn read(manifest: &Value, content_type: Option<&str>) -> Result<ManifestView, String> {
    ManifestView::parse(manifest.to_string().as_bytes(), content_type).map_err(|error| error.to_string())
}

fn contents(descriptors: &[gangplank_oci::Descriptor]) -> Vec<String> {
    descriptors.iter().map(|descriptor| descriptor.digest.to_string()).collect()
}

#[test]
fn an_oci_image() {
    let view = read(&oci_image(), Some(media_type::OCI_MANIFEST)).unwrap();
    assert_eq!(view.media_type, media_type::OCI_MANIFEST);
    assert_eq!(view.kind, ManifestKind::Image);
    assert_eq!(contents(&view.blobs), [digest("config"), digest("base"), digest("app")]);
    assert_eq!(view.blobs[1].size, 4);
    assert!(view.children.is_empty());
    assert_eq!(view.subject, None);
    assert_eq!(view.artifact_type.as_deref(), Some(media_type::OCI_CONFIG));
    assert_eq!(view.annotations["org.opencontainers.image.created"], "2026-11-23T12:00:00Z");
}

#[test]
fn a_docker_image() {
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type::DOCKER_MANIFEST,
        "config": descriptor(media_type::DOCKER_CONFIG, "config"),
        "layers": [descriptor(media_type::DOCKER_LAYER_GZIP, "base")],
    });
    let view = read(&manifest, Some(media_type::DOCKER_MANIFEST)).unwrap();
    assert_eq!((view.media_type.as_str(), view.kind), (media_type::DOCKER_MANIFEST, ManifestKind::Image));
    assert_eq!(view.artifact_type.as_deref(), Some(media_type::DOCKER_CONFIG));
}

#[test]
fn indexes() {
    let view = read(&buildx_index(), Some(media_type::OCI_INDEX)).unwrap();
    assert_eq!(view.kind, ManifestKind::Index);
    assert_eq!(contents(&view.children), [digest("amd64"), digest("attestation")]);
    assert_eq!(view.children[1].annotations["vnd.docker.reference.type"], "attestation-manifest");
    assert!(view.blobs.is_empty());
    assert_eq!(view.artifact_type, None);

    let list = json!({
        "schemaVersion": 2,
        "mediaType": media_type::DOCKER_MANIFEST_LIST,
        "manifests": [descriptor(media_type::DOCKER_MANIFEST, "a"), descriptor(media_type::OCI_INDEX, "b")],
    });
    let view = read(&list, Some(media_type::DOCKER_MANIFEST_LIST)).unwrap();
    assert_eq!(contents(&view.children), [digest("a"), digest("b")]);

    let empty = json!({ "schemaVersion": 2, "manifests": [] });
    assert!(read(&empty, Some(media_type::OCI_INDEX)).unwrap().children.is_empty());
}

#[test]
fn a_build_cache_lists_blobs_in_an_index() {
    let cache = json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_INDEX,
        "manifests": [
            descriptor(media_type::OCI_LAYER_GZIP, "layer"),
            descriptor("application/vnd.buildkit.cacheconfig.v0", "{}"),
        ],
    });
    let view = read(&cache, Some(media_type::OCI_INDEX)).unwrap();
    assert_eq!(contents(&view.blobs), [digest("layer"), digest("{}")]);
    assert!(view.children.is_empty());
}

#[test]
fn an_artifact_with_a_subject() {
    let mut manifest = oci_image();
    manifest["config"] = json!({
        "mediaType": media_type::OCI_EMPTY, "digest": digest("{}"), "size": 2, "data": "e30=",
    });
    manifest["layers"] = json!([descriptor(media_type::OCI_EMPTY, "{}")]);
    manifest["subject"] = descriptor(media_type::OCI_MANIFEST, "signed");
    manifest["artifactType"] = json!("application/vnd.example.sbom");
    let view = read(&manifest, None).unwrap();
    assert_eq!(contents(&view.blobs), [digest("{}")], "the same content twice is one blob");
    assert_eq!(view.subject.unwrap().digest.to_string(), digest("signed"));
    assert_eq!(view.artifact_type.as_deref(), Some("application/vnd.example.sbom"));

    manifest["artifactType"] = json!("");
    assert_eq!(read(&manifest, None).unwrap().artifact_type.as_deref(), Some(media_type::OCI_EMPTY));
}

#[test]
fn the_type_is_inside_or_in_the_header() {
    let mut manifest = oci_image();
    for content_type in [
        None,
        Some(""),
        Some(media_type::OCI_MANIFEST),
        Some("application/vnd.oci.image.manifest.v1+json; charset=utf-8"),
        Some(" Application/vnd.OCI.image.manifest.v1+json ;q=1"),
    ] {
        assert!(read(&manifest, content_type).is_ok(), "{content_type:?}");
    }
    manifest.as_object_mut().unwrap().shift_remove("mediaType");
    let view = read(&manifest, Some("application/vnd.oci.image.manifest.v1+JSON;charset=utf-8")).unwrap();
    assert_eq!(view.media_type, media_type::OCI_MANIFEST);
}

#[test]
fn what_may_be_absent_may_be_null() {
    let mut manifest = oci_image();
    for member in ["layers", "annotations", "subject", "artifactType", "manifests"] {
        manifest[member] = Value::Null;
    }
    for member in ["urls", "annotations", "platform", "data"] {
        manifest["config"][member] = Value::Null;
    }
    let view = read(&manifest, None).unwrap();
    assert_eq!(view.blobs.len(), 1);
    assert_eq!(view.annotations, BTreeMap::new());
    manifest.as_object_mut().unwrap().shift_remove("layers");
    assert!(read(&manifest, None).is_ok());
}

#[test]
fn an_empty_list_or_text_is_as_good_as_none() {
    let spellings = |document: &Value, member: &str, empty: Value| {
        let mut absent = document.clone();
        absent.as_object_mut().unwrap().shift_remove(member);
        [Value::Null, empty].map(|value| {
            let mut spelt = document.clone();
            spelt[member] = value;
            (absent.clone(), spelt)
        })
    };
    let (image, index) = (oci_image(), buildx_index());
    let lists = [(&image, "layers"), (&index, "manifests")];
    let texts = [(&image, "artifactType"), (&image, "mediaType"), (&index, "mediaType")];
    let lists = lists.into_iter().flat_map(|(document, name)| spellings(document, name, json!([])));
    let texts = texts.into_iter().flat_map(|(document, name)| spellings(document, name, json!("")));
    for (absent, spelt) in lists.chain(texts) {
        let content_type = spelt.get("config").map_or(media_type::OCI_INDEX, |_| media_type::OCI_MANIFEST);
        assert_eq!(read(&spelt, Some(content_type)), read(&absent, Some(content_type)), "{spelt}");
        assert!(read(&spelt, Some(content_type)).is_ok(), "{spelt}");
    }
    let nothing = ManifestView::parse(br#"{"schemaVersion":2}"#, Some(media_type::OCI_INDEX)).unwrap();
    assert_eq!((nothing.kind, nothing.children.len()), (ManifestKind::Index, 0));
    let mut bare = oci_image();
    bare["config"]["data"] = json!("");
    bare["config"]["artifactType"] = json!("");
    assert!(read(&bare, None).is_ok());
}

#[test]
fn the_configuration_is_an_images() {
    let image = read(&oci_image(), None).unwrap();
    assert_eq!(image.config().unwrap().digest.to_string(), digest("config"));
    assert_eq!(read(&buildx_index(), None).unwrap().config(), None);
}

#[test]
fn other_members_are_nobodys_business() {
    let mut manifest = oci_image();
    manifest["x"] = json!({ "y": [1, -1, 1.5, 1e300, true, null, "z", { "config": {} }] });
    manifest["layers"][0]["z"] = json!([[]]);
    manifest["layers"][0]["urls"] = json!(["https://example.com/layer"]);
    let view = read(&manifest, None).unwrap();
    assert_eq!(view.blobs[1].urls, ["https://example.com/layer"]);
}

#[test]
fn a_descriptor_serialises_as_the_specification_writes_it() {
    let view = read(&buildx_index(), None).unwrap();
    let mut attestation = view.children[1].clone();
    attestation.artifact_type = Some("application/x".to_owned());
    assert_eq!(
        serde_json::to_value(attestation).unwrap(),
        json!({
            "mediaType": media_type::OCI_MANIFEST,
            "digest": digest("attestation"),
            "size": 11,
            "annotations": {
                "vnd.docker.reference.digest": digest("amd64"),
                "vnd.docker.reference.type": "attestation-manifest",
            },
            "artifactType": "application/x",
        })
    );
    let plain = serde_json::to_value(&view.children[0]).unwrap();
    assert_eq!(plain, descriptor(media_type::OCI_MANIFEST, "amd64"));
}

#[test]
fn media_types() {
    assert_eq!(media_type::essence("a/b"), "a/b");
    assert_eq!(media_type::essence(" a/b ; c=d; e"), "a/b");
    assert!(media_type::is_manifest(media_type::DOCKER_MANIFEST));
    assert!(media_type::is_manifest(media_type::OCI_INDEX) && media_type::is_index(media_type::OCI_INDEX));
    assert!(!media_type::is_index(media_type::OCI_MANIFEST));
    assert!(!media_type::is_manifest(media_type::DOCKER_MANIFEST_SCHEMA1));
    assert!(!media_type::is_manifest(media_type::OCI_ARTIFACT_MANIFEST));
}

proptest! {
    #[test]
    fn any_bytes_never_panic(body: Vec<u8>, content_type: Option<String>) {
        let _ = ManifestView::parse(&body, content_type.as_deref());
    }

    #[test]
    fn a_damaged_manifest_never_panics(at: usize, with in prop::collection::vec(any::<u8>(), 0..4), index: bool) {
        let mut body = if index { buildx_index() } else { oci_image() }.to_string().into_bytes();
        let at = at % body.len();
        body.splice(at..(at + 1).min(body.len()), with);
        let _ = ManifestView::parse(&body, None);
    }

    #[test]
    fn json_like_text_never_panics(body in "[\\[\\]{}\",:0-9a-f. \\\\-]{0,60}") {
        let _ = ManifestView::parse(body.as_bytes(), Some(media_type::OCI_INDEX));
    }
}
