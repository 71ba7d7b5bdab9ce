//! Where images came from: who put a manifest and who registered it, kept also after the session and the login are
//! forgotten that did it.

use async_trait::async_trait;
use gangplank_core::role::Claims;
use gangplank_core::{Owner, ServiceId, SessionName, Tenant};
use gangplank_oci::Digest;

use super::container_images::ContainerImage;
use crate::Result;

/// Who did something, with what is known of them for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The principal.
    pub owner: Owner,
    /// Of a role: the session that did it.
    pub session: Option<SessionSource>,
    /// Of an access key: what people said of it.
    pub description: Option<String>,
}

/// A session of a role, as far as it is kept for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSource {
    /// What its maker called it.
    pub name: SessionName,
    /// The claims of its token that were kept.
    pub claims: Claims,
}

/// Where a registered image came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSources {
    /// The image.
    pub image: ContainerImage,
    /// Who registered it; unknown if that was before this was kept.
    pub registered: Option<Source>,
    /// Who put its manifest, each once, the first first; at most [`MOST_PUTS`].
    pub puts: Vec<Source>,
}

/// Where everything of one digest came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DigestSources {
    /// Who put it into which repository, each once, the first first; at most [`MOST_PUTS`].
    pub puts: Vec<(String, Source)>,
    /// As what it is registered, and by whom, the first first; at most [`MOST_PUTS`].
    pub registered: Vec<(ContainerImage, Option<Source>)>,
}

/// How many that put a manifest are told.
pub const MOST_PUTS: usize = 100;

/// What is known of a digest before it is registered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Puts {
    /// The repositories of the tenant that have the manifest.
    pub repositories: Vec<String>,
    /// Everybody who put it into one of them.
    pub owners: Vec<Owner>,
}

/// Tells where images came from.
#[async_trait]
pub trait Provenance: Send + Sync {
    /// Where the registered image `label.number` of a service came from; `None` if there is none.
    async fn image_sources(
        &self,
        tenant: &Tenant,
        service: ServiceId,
        label: &str,
        number: i64,
    ) -> Result<Option<ImageSources>>;
    /// Which repositories have a manifest, and who put it there: all of both, for policies to ask.
    async fn puts(&self, tenant: &Tenant, digest: &Digest) -> Result<Puts>;
    /// Where everything of a digest came from; both lists are empty if the tenant has nothing of it.
    async fn digest_sources(&self, tenant: &Tenant, digest: &Digest) -> Result<DigestSources>;
}
