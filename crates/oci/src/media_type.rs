//! The media types a registry meets, and the four it stores as manifests.

/// An image manifest (image specification, manifest.md).
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// An index of manifests (image specification, image-index.md).
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The configuration of a container image.
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// A layer, uncompressed.
pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// A layer, compressed with gzip.
pub const OCI_LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// A layer, compressed with zstd.
pub const OCI_LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
/// A layer that is not distributed by registries; deprecated.
pub const OCI_FOREIGN_LAYER: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar";
/// A layer that is not distributed, compressed with gzip; deprecated.
pub const OCI_FOREIGN_LAYER_GZIP: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
/// A layer that is not distributed, compressed with zstd; deprecated.
pub const OCI_FOREIGN_LAYER_ZSTD: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd";
/// The two bytes `{}`, for a manifest that needs a blob and has none.
pub const OCI_EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// The artifact manifest of the specification's release candidates. It was never released, and is refused.
pub const OCI_ARTIFACT_MANIFEST: &str = "application/vnd.oci.artifact.manifest.v1+json";

/// Docker's image manifest, version 2, schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker's manifest list.
pub const DOCKER_MANIFEST_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Docker's image configuration.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// Docker's layer, compressed with gzip.
pub const DOCKER_LAYER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
/// Docker's layer that has to be fetched from another place.
pub const DOCKER_FOREIGN_LAYER_GZIP: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
/// Docker's manifest, schema 1; refused.
pub const DOCKER_MANIFEST_SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+json";
/// Docker's first manifest, signed; refused.
pub const DOCKER_MANIFEST_SCHEMA1_SIGNED: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";

/// The type of blobs, and of bodies of an unknown kind.
pub const OCTET_STREAM: &str = "application/octet-stream";
/// The type of errors and lists.
pub const JSON: &str = "application/json";

/// Whether content of this type is stored under `manifests/`: an image or an index, of OCI or of Docker.
pub fn is_manifest(media_type: &str) -> bool {
    is_image(media_type) || is_index(media_type)
}

/// Whether content of this type lists other manifests.
pub fn is_index(media_type: &str) -> bool {
    matches!(media_type, OCI_INDEX | DOCKER_MANIFEST_LIST)
}

/// Whether content of this type names a configuration and layers.
pub fn is_image(media_type: &str) -> bool {
    matches!(media_type, OCI_MANIFEST | DOCKER_MANIFEST)
}

/// Whether content of this type is a schema 1 manifest, which has the layers' history inside.
pub fn is_schema1(media_type: &str) -> bool {
    matches!(media_type, DOCKER_MANIFEST_SCHEMA1 | DOCKER_MANIFEST_SCHEMA1_SIGNED)
}

/// The type in a `Content-Type` header, without its parameters (`; charset=utf-8`).
pub fn essence(content_type: &str) -> &str {
    content_type.split_once(';').map_or(content_type, |(essence, _)| essence).trim_matches([' ', '\t'])
}

/// Whether content of this type is a layer of a container image in a known compression.
pub fn is_layer(media_type: &str) -> bool {
    matches!(media_type, OCI_LAYER | OCI_LAYER_GZIP | OCI_LAYER_ZSTD | DOCKER_LAYER_GZIP)
        || is_foreign_layer(media_type)
}

/// Whether a layer of this type is not distributed by registries, so that its bytes are only in another place.
pub fn is_foreign_layer(media_type: &str) -> bool {
    matches!(
        media_type,
        OCI_FOREIGN_LAYER | OCI_FOREIGN_LAYER_GZIP | OCI_FOREIGN_LAYER_ZSTD | DOCKER_FOREIGN_LAYER_GZIP
    )
}
