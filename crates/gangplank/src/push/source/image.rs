//! What a source turns out to hold.

use std::collections::HashMap;

use bytes::Bytes;
use gangplank_oci::Digest;

use super::content::Content;
use super::platform::Platform;
use crate::push::layers::staging::Staged;

/// An image to push.
pub(crate) enum Image {
    /// Its manifests are there, and are pushed as they are.
    Finished(Finished),
    /// There are a configuration and layers, of which a manifest is made.
    Unfinished(Unfinished),
}

impl Image {
    /// What whoever pushes it ought to know.
    pub(crate) fn note(&self) -> Option<&str> {
        match self {
            Self::Finished(image) => image.note.as_deref(),
            Self::Unfinished(image) => image.note.as_deref(),
        }
    }

    /// What it is for, if that is known and is not `wanted`.
    pub(crate) fn is_for_others_than(&self, wanted: &Platform) -> Option<String> {
        let platforms = match self {
            Self::Finished(image) => &image.platforms,
            Self::Unfinished(image) => &image.platforms,
        };
        let known: Vec<&Platform> = platforms.iter().filter(|platform| platform.is_known()).collect();
        if known.is_empty() || known.iter().any(|platform| wanted.takes(platform)) {
            return None;
        }
        Some(known.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
    }
}

/// Manifests and what they are made of.
#[derive(Default)]
pub(crate) struct Finished {
    pub(crate) blobs: Vec<Blob>,
    /// Children before their parents; the image itself is the last.
    pub(crate) manifests: Vec<Manifest>,
    /// What it is for; an index may have several.
    pub(crate) platforms: Vec<Platform>,
    /// What whoever pushes it ought to know.
    pub(crate) note: Option<String>,
}

/// A blob whose digest is known.
#[derive(Clone)]
pub(crate) struct Blob {
    pub(crate) digest: Digest,
    pub(crate) content: Content,
    /// What its digest should be when it is unpacked, if that is known and was not looked at yet.
    pub(crate) diff_id: Option<Digest>,
}

/// A manifest's bytes.
pub(crate) struct Manifest {
    pub(crate) digest: Digest,
    pub(crate) media_type: String,
    pub(crate) bytes: Bytes,
}

/// What `docker save` writes.
pub(crate) struct Unfinished {
    pub(crate) config: Bytes,
    /// The lowest first.
    pub(crate) layers: Vec<Layer>,
    /// Those that are ready, by where they begin in the archive.
    pub(crate) staged: HashMap<u64, Staged>,
    /// What it is for.
    pub(crate) platforms: Vec<Platform>,
    /// What whoever pushes it ought to know.
    pub(crate) note: Option<String>,
}

/// A layer of such an image.
pub(crate) struct Layer {
    pub(crate) content: Content,
    /// The digest of the layer when it is not compressed, as the configuration has it.
    pub(crate) diff_id: Digest,
}
