//! An image, as a source gives it.

use std::collections::HashMap;

use bytes::Bytes;
use gangplank_oci::Digest;

use super::content::Content;
use super::platform::Platform;
use crate::push::layers::staging::Staged;

/// An image to push.
pub(crate) enum Image {
    /// It has manifests, and they are pushed unchanged.
    Finished(Finished),
    /// It has a configuration and layers. The manifest is made from them.
    Unfinished(Unfinished),
}

impl Image {
    /// A remark for the person who pushes it.
    pub(crate) fn note(&self) -> Option<&str> {
        match self {
            Self::Finished(image) => image.note.as_deref(),
            Self::Unfinished(image) => image.note.as_deref(),
        }
    }

    /// Its platform, if that is known and is not `wanted`.
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

/// Manifests with their blobs.
#[derive(Default)]
pub(crate) struct Finished {
    pub(crate) blobs: Vec<Blob>,
    /// Children before their parents. The last one is the image's own.
    pub(crate) manifests: Vec<Manifest>,
    /// Its platforms. An index may have several.
    pub(crate) platforms: Vec<Platform>,
    /// A remark for the person who pushes it.
    pub(crate) note: Option<String>,
}

/// A blob whose digest is known.
#[derive(Clone)]
pub(crate) struct Blob {
    pub(crate) digest: Digest,
    pub(crate) content: Content,
    /// The digest of its uncompressed content, if that is known and was not checked yet.
    pub(crate) diff_id: Option<Digest>,
}

/// A manifest's bytes.
pub(crate) struct Manifest {
    pub(crate) digest: Digest,
    pub(crate) media_type: String,
    pub(crate) bytes: Bytes,
}

/// An image from `docker save`.
pub(crate) struct Unfinished {
    pub(crate) config: Bytes,
    /// The lowest first.
    pub(crate) layers: Vec<Layer>,
    /// The layers that are ready, by their offset in the archive.
    pub(crate) staged: HashMap<u64, Staged>,
    /// Its platforms.
    pub(crate) platforms: Vec<Platform>,
    /// A remark for the person who pushes it.
    pub(crate) note: Option<String>,
}

/// A layer of such an image.
pub(crate) struct Layer {
    pub(crate) content: Content,
    /// The digest of the uncompressed layer, from the configuration.
    pub(crate) diff_id: Digest,
}
