//! Provenance of images: who put a manifest, and who registered it. It stays after the session and the login
//! are forgotten.

use async_trait::async_trait;
use gangplank_core::role::Claims;
use gangplank_core::{Owner, ServiceId, SessionName, Tenant};
use gangplank_oci::Digest;

use super::container_images::ContainerImage;
use crate::Result;

/// Who did something, as it is recorded for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The principal.
    pub owner: Owner,
    /// For a role: the session that acted.
    pub session: Option<SessionSource>,
    /// For an access key: its description at that time.
    pub description: Option<String>,
}

/// The part of a role's session that is recorded for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSource {
    /// The name that its maker chose.
    pub name: SessionName,
    /// The recorded claims of its token.
    pub claims: Claims,
}

/// The provenance of a registered image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSources {
    /// The image.
    pub image: ContainerImage,
    /// Who registered it. `None` if the program that registered it was too old to record this.
    pub registered: Option<Source>,
    /// Who put its manifest: each source once, in the order of the first puts, at most [`MOST_PUTS`].
    pub puts: Vec<Source>,
}

/// The provenance of everything with one digest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DigestSources {
    /// Who put it, and into which repository: each source once, in the order of the first puts, at most
    /// [`MOST_PUTS`].
    pub puts: Vec<(String, Source)>,
    /// The images that it is registered as, and who registered them, oldest first, at most [`MOST_PUTS`].
    pub registered: Vec<(ContainerImage, Option<Source>)>,
}

/// How many sources a list contains.
pub const MOST_PUTS: usize = 100;

/// Facts about a digest for the decision to register it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Puts {
    /// The repositories of the tenant that have the manifest.
    pub repositories: Vec<String>,
    /// Every principal that put it into one of them.
    pub owners: Vec<Owner>,
}

/// Reads the provenance of images.
#[async_trait]
pub trait Provenance: Send + Sync {
    /// The provenance of the registered image `label.number` of a service; `None` if there is no such image.
    async fn image_sources(
        &self,
        tenant: &Tenant,
        service: ServiceId,
        label: &str,
        number: i64,
    ) -> Result<Option<ImageSources>>;
    /// Which repositories have a manifest, and who put it there. The lists are complete, since policies decide
    /// by them.
    async fn puts(&self, tenant: &Tenant, digest: &Digest) -> Result<Puts>;
    /// The provenance of everything with this digest. Both lists are empty if the tenant has nothing.
    async fn digest_sources(&self, tenant: &Tenant, digest: &Digest) -> Result<DigestSources>;
}
