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
    /// `:service.label.number`.
    pub name: ImageName,
    /// The manifest.
    pub digest: String,
    /// When it was registered.
    pub created_at: Time,
}

/// A registration to be made.
#[derive(Clone, Debug)]
pub struct NewImage {
    /// On which service.
    pub service: ServiceId,
    /// Under which label.
    pub label: String,
    /// Which manifest, of any repository of the tenant.
    pub digest: Digest,
    /// When.
    pub created_at: Time,
    /// By which call.
    pub invocation: Option<Invocation>,
}

/// The most manifests and blobs that a registered image may be made of, itself included.
pub const MAX_CONTENTS: usize = 10_000;

/// What became of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageOutcome {
    /// Registered; or, for a retry of one invocation, what the first attempt registered.
    Registered(ContainerImage),
    /// There is no such service.
    NoSuchService,
    /// No repository of the tenant has this manifest, with everything it references.
    NoSuchManifest,
    /// The service has as many images as it may.
    QuotaReached,
    /// It is made of more than [`MAX_CONTENTS`] manifests and blobs.
    TooManyContents,
}

/// What became of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageDeleted {
    /// Gone from the lists; its content is collected later.
    Deleted,
    /// There is no such service.
    NoSuchService,
    /// The service has no such image.
    NoSuchImage,
    /// The current or the next deployment, which has this version, is made of it.
    InUse(i64),
}

/// Keeps registered images. A registered manifest, and everything it references, stays until its
/// last registration is deleted.
#[async_trait]
pub trait ContainerImages: Send + Sync {
    /// Registers a manifest under the service's next number, which no other image of the service
    /// gets or got. A retry is the same invocation of the same label and digest.
    async fn register_image(
        &self,
        by: &Origin,
        tenant: &Tenant,
        image: NewImage,
        quota: u32,
    ) -> Result<ImageOutcome>;
    /// Lists a service's images, newest first; `None` if there is no such service.
    async fn images(&self, tenant: &Tenant, service: ServiceId) -> Result<Option<Vec<ContainerImage>>>;
    /// Deletes the registration `label.number` at `now`, by the steady time, unless the current or the next deployment
    /// is made of it: with the last one of a manifest, its
    /// grace period begins.
    async fn delete_image(
        &self,
        by: &Origin,
        tenant: &Tenant,
        service: ServiceId,
        label: &str,
        number: i64,
        now: Time,
    ) -> Result<ImageDeleted>;
    /// The manifest registered on a service as `label.number`.
    async fn image_manifest(
        &self,
        tenant: &Tenant,
        service: ServiceId,
        label: &str,
        number: i64,
    ) -> Result<Option<StoredManifest>>;
    /// A manifest registered on a service, or anywhere below an index that is, by its digest.
    async fn image_manifest_by_digest(
        &self,
        tenant: &Tenant,
        service: ServiceId,
        digest: &ManifestDigest,
    ) -> Result<Option<StoredManifest>>;
    /// Where the bytes of a blob are, if an image registered on a service references it, itself or through an
    /// index.
    async fn image_blob(
        &self,
        tenant: &Tenant,
        service: ServiceId,
        digest: &Digest,
    ) -> Result<Option<super::blobs::StoredBlob>>;
}
