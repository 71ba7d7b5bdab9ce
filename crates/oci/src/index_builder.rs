//! Makes an index from manifests.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::media_type::{self, DOCKER_MANIFEST_LIST, OCI_INDEX};
use crate::{Digest, ManifestView};

/// The members of an image's configuration that name its platform (image specification, config.md). A `platform` in an
/// index has the same members.
const PLATFORM: [&str; 5] = ["architecture", "os", "os.version", "os.features", "variant"];

/// The entries of an index that is being made. Each digest is there once.
#[derive(Clone, Debug, Default)]
pub struct IndexBuilder {
    entries: Vec<Value>,
    known: HashSet<String>,
}

impl IndexBuilder {
    /// Adds an image, with the platform of its configuration, if that has one.
    pub fn add_image(&mut self, digest: &Digest, size: u64, view: &ManifestView, config: Option<&[u8]>) {
        let mut entry = json!({ "mediaType": view.media_type, "digest": digest, "size": size });
        if let Some(platform) = config.and_then(platform) {
            entry["platform"] = platform;
        }
        self.add(entry);
    }

    /// Adds the entries of another index, unchanged. A builder that pushes one platform with its attestation makes
    /// such an index. Clients do not look for a platform in an index within an index.
    pub fn add_entries_of(&mut self, index: &[u8]) {
        let index: Option<Value> = serde_json::from_slice(index).ok();
        let entries = index.and_then(|mut index| index.get_mut("manifests").map(Value::take));
        if let Some(Value::Array(entries)) = entries {
            for entry in entries {
                self.add(entry);
            }
        }
    }

    fn add(&mut self, entry: Value) {
        let digest = entry.get("digest").and_then(Value::as_str).unwrap_or_default();
        if self.known.insert(digest.to_owned()) {
            self.entries.push(entry);
        }
    }

    /// The media type and the bytes of the index: an OCI index, unless all entries are Docker's.
    pub fn build(self) -> (&'static str, Vec<u8>) {
        let is_dockers = |entry: &Value| {
            let media_type = entry.get("mediaType").and_then(Value::as_str);
            media_type.is_some_and(|it| matches!(it, media_type::DOCKER_MANIFEST | DOCKER_MANIFEST_LIST))
        };
        let are_dockers = !self.entries.is_empty() && self.entries.iter().all(is_dockers);
        let media_type = if are_dockers { DOCKER_MANIFEST_LIST } else { OCI_INDEX };
        let index = json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": self.entries });
        (media_type, index.to_string().into_bytes())
    }
}

/// The platform of a configuration. `None` if it lacks the system or the architecture.
fn platform(config: &[u8]) -> Option<Value> {
    let Ok(Value::Object(mut config)) = serde_json::from_slice(config) else { return None };
    let mut platform = Map::new();
    for name in PLATFORM {
        let said = config.remove(name).filter(|value| match value {
            Value::String(text) => !text.is_empty(),
            Value::Array(list) => {
                name == "os.features" && list.iter().all(Value::is_string) && !list.is_empty()
            }
            _ => false,
        });
        if let Some(said) = said {
            platform.insert(name.to_owned(), said);
        }
    }
    let says = |name| platform.get(name).is_some_and(Value::is_string);
    (says("os") && says("architecture")).then(|| Value::Object(platform))
}
