//! The number of descriptors in a manifest, and the depth of indexes.

use gangplank_oci::media_type::{OCI_INDEX, OCI_MANIFEST};
use serde_json::json;

use crate::documents::{descriptor, index};
use crate::manifests::{check_accepted, check_refused, start};

#[test]
fn a_manifest_has_at_most_a_thousand_descriptors() {
    let (_server, registry, parts) = start();
    let layers = |count: usize| parts.manifest_with("/layers", &vec![parts.layer.clone(); count].into());
    check_accepted(&registry, &layers(999));
    let body = layers(1_000).to_string();
    check_refused(&registry, body.as_bytes(), OCI_MANIFEST, "MANIFEST_INVALID");
    let child = descriptor(&layers(999));
    check_accepted(&registry, &index(&vec![child.clone(); 1_000]));
    let body = index(&vec![child; 1_001]).to_string();
    check_refused(&registry, body.as_bytes(), OCI_INDEX, "MANIFEST_INVALID");
}

/// Lists of referrers repeat the annotations of a manifest with a subject, so those are limited.
#[test]
fn annotations_beside_a_subject_have_at_most_a_quarter_of_a_mebibyte() {
    let (_server, registry, parts) = start();
    let with = |bytes: usize| parts.manifest_with("/annotations", &json!({ "note": "x".repeat(bytes - 4) }));
    check_accepted(&registry, &with(3 << 20));
    let about = |bytes: usize| {
        let mut about = with(bytes);
        about["subject"] = descriptor(&parts.manifest());
        about
    };
    check_accepted(&registry, &about(256 << 10));
    let body = about((256 << 10) + 1).to_string();
    check_refused(&registry, body.as_bytes(), OCI_MANIFEST, "MANIFEST_INVALID");
}

#[test]
fn indexes_nest_four_deep_and_no_deeper() {
    let (_server, registry, parts) = start();
    let mut document = parts.manifest();
    check_accepted(&registry, &document);
    for _ in 0..4 {
        document = index(&[descriptor(&document)]);
        check_accepted(&registry, &document);
    }
    let body = index(&[descriptor(&document)]).to_string();
    check_refused(&registry, body.as_bytes(), OCI_INDEX, "MANIFEST_INVALID");
}
