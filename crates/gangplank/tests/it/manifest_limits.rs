//! How many descriptors a manifest may have, and how deep indexes may nest.

use gangplank_oci::media_type::{OCI_INDEX, OCI_MANIFEST};

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
