//! Container images: manifests registered on a service under a label and a number.

use async_trait::async_trait;
use gangplank_core::{ImageName, Origin, ServiceId, Tenant, Time};
use gangplank_oci::Digest;

use super::Invocation;
use super::manifests::{ManifestDigest, StoredManifest};
use crate::Result;

/// A registered image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerImage {
    /// Its name, `:service.label.number`.
    pub name: ImageName,
    /// The digest of its manifest.
    pub digest: String,
    /// When it was registered, by the wall clock.
    pub created_at: Time,
}

/// A manifest to register.
#[derive(Clone, Debug)]
pub struct NewImage {
    /// The service that it is registered on.
    pub service: ServiceId,
    /// Its label.
    pub label: String,
    /// The digest of the manifest, in any repository of the tenant.
    pub digest: Digest,
    /// When it is registered, by the wall clock.
    pub created_at: Time,
    /// The call that registers it.
    pub invocation: Option<Invocation>,
}

/// The most manifests and blobs that a registered image may consist of, its own manifest included.
pub const MAX_CONTENTS: usize = 10_000;

/// The outcome of registering an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageOutcome {
    /// The new image. A retry of the same call gets the image of the first attempt.
    Registered(ContainerImage),
    /// There is no such service.
    NoSuchService,
    /// No repository of the tenant has this manifest together with everything that it references.
    NoSuchManifest,
    /// The service has reached its quota of images.
    QuotaReached,
    /// The image consists of more than [`MAX_CONTENTS`] manifests and blobs.
    TooManyContents,
}

/// The outcome of deleting a registered image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageDeleted {
    /// The registration is deleted. Its content is collected later.
    Deleted,
    /// There is no such service.
    NoSuchService,
    /// The service has no such image.
    NoSuchImage,
    /// The current or next deployment, with this version, uses the image.
    InUse(i64),
}

/// Stores registered images. A registered manifest and everything it references stay until its last
/// registration is deleted.
#[async_trait]
pub trait ContainerImages: Send + Sync {
    /// Registers a manifest under the service's next number. A number is never used twice. A retry is a call
    /// with the same invocation, label and digest.
    async fn register_image(
        &self,
        by: &Origin,
        tenant: &Tenant,
        image: NewImage,
        quota: u32,
    ) -> Result<ImageOutcome>;
    /// The images of a service, newest first; `None` if there is no such service.
    async fn images(&self, tenant: &Tenant, service: ServiceId) -> Result<Option<Vec<ContainerImage>>>;
    /// Deletes the registration `label.number`, unless the current or next deployment uses it. If it was the
    /// last one of its manifest, the manifest's grace period begins at `now`, by the steady time.
    async fn delete_image(
        &self,
        by: &Origin,
        tenant: &Tenant,
        service: ServiceId,
        label: &str,
        number: i64,
        now: Time,
    ) -> Result<ImageDeleted>;
    /// The manifest that is registered on a service as `label.number`.
    async fn image_manifest(
        &self,
        tenant: &Tenant,
        service: ServiceId,
        label: &str,
        number: i64,
    ) -> Result<Option<StoredManifest>>;
    /// A manifest by its digest, if it is registered on a service or below a registered index.
    async fn image_manifest_by_digest(
        &self,
        tenant: &Tenant,
        service: ServiceId,
        digest: &ManifestDigest,
    ) -> Result<Option<StoredManifest>>;
    /// The stored bytes of a blob, if it belongs to an image that is registered on this service.
    async fn image_blob(
        &self,
        tenant: &Tenant,
        service: ServiceId,
        digest: &Digest,
    ) -> Result<Option<super::blobs::StoredBlob>>;
}
