//! Manifests and indexes for tests, valid and invalid.

use gangplank_oci::media_type::{OCI_CONFIG, OCI_EMPTY, OCI_INDEX, OCI_LAYER, OCI_MANIFEST};
use gangplank_testkit::{Blob, Registry};
use serde_json::{Value, json};

/// A configuration and a layer in `sr`, as parts of manifests.
pub(crate) struct Parts {
    /// The configuration's descriptor.
    pub(crate) config: Value,
    /// The layer's descriptor.
    pub(crate) layer: Value,
}

impl Parts {
    /// Pushes them.
    pub(crate) fn push(registry: &Registry) -> Self {
        let (config, layer) = (Blob::new("{}"), Blob::unique());
        for blob in [&config, &layer] {
            assert_eq!(registry.push_blob("sr", blob), 201);
        }
        Self { config: config.descriptor(OCI_CONFIG), layer: layer.descriptor(OCI_LAYER) }
    }

    /// An image manifest with these parts.
    pub(crate) fn manifest(&self) -> Value {
        json!({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": self.config, "layers": [self.layer],
        })
    }

    /// That manifest with another value at one place, which is a JSON pointer.
    pub(crate) fn manifest_with(&self, place: &str, value: &Value) -> Value {
        let mut manifest = self.manifest();
        let (parent, name) = place.rsplit_once('/').expect("a JSON pointer");
        match manifest.pointer_mut(parent).expect("a place") {
            Value::Array(items) => items[name.parse::<usize>().expect("an index")] = value.clone(),
            object => object[name] = value.clone(),
        }
        manifest
    }
}

/// An index of manifests.
pub(crate) fn index(manifests: &[Value]) -> Value {
    json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests })
}

/// A descriptor of a document that was put.
pub(crate) fn descriptor(document: &Value) -> Value {
    let media_type = document["mediaType"].as_str().expect("a media type");
    Blob::new(document.to_string()).descriptor(media_type)
}

/// An artifact without content that refers to another manifest.
pub(crate) fn referrer(subject: &Value, artifact_type: &str) -> Value {
    let empty = Blob::new("{}").descriptor(OCI_EMPTY);
    json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": artifact_type,
        "config": empty, "layers": [empty], "subject": subject,
        "annotations": { "made.by": "a test" },
    })
}

/// The digest of a document.
pub(crate) fn digest(document: &Value) -> String {
    Blob::new(document.to_string()).digest
}

/// A manifest of exactly this many bytes. Its configuration is in `sr`.
pub(crate) fn manifest_of(registry: &Registry, size: usize) -> Vec<u8> {
    let config = Blob::new("{}");
    assert_eq!(registry.push_blob("sr", &config), 201);
    let mut manifest = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config.descriptor(OCI_CONFIG), "layers": [],
        "padding": "",
    });
    let padding = "x".repeat(size - manifest.to_string().len());
    manifest["padding"] = padding.into();
    manifest.to_string().into_bytes()
}
