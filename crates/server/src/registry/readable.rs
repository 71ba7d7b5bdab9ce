//! What a login can read: a repository's content, its own manifests, or a service's images.

use gangplank_core::grant::ServiceGrant;
use gangplank_core::{Access, LoginId, Renewal, image_name};
use gangplank_oci::{Digest, Reference, RepositoryName};
use gangplank_store::metadata::blobs::StoredBlob;
use gangplank_store::metadata::manifests::StoredManifest;
use hyper::Method;

use super::{Context, Result};

/// Finds a manifest that the login may read, and renews its lease if the login may push.
pub(super) async fn manifest(
    context: &Context<'_>,
    repository: &RepositoryName,
    reference: &Reference,
) -> Result<Option<StoredManifest>> {
    let Context { app, grant, access, .. } = context;
    if *access == Access::ServiceImages
        && let Some(service) = &grant.service
    {
        return image_manifest(context, service, reference).await;
    }
    let put_by: Option<LoginId> = (*access == Access::OwnManifests).then_some(grant.login);
    let renewal = renewal(context);
    Ok(app.metadata.manifest(&grant.tenant, repository, reference, put_by, renewal).await?)
}

async fn image_manifest(
    context: &Context<'_>,
    service: &ServiceGrant,
    reference: &Reference,
) -> Result<Option<StoredManifest>> {
    let metadata = &context.app.metadata;
    let tenant = &context.grant.tenant;
    Ok(match reference {
        Reference::Digest(digest) => metadata.image_manifest_by_digest(tenant, service.id, digest).await?,
        Reference::Tag(tag) => match image_name::parse_version(tag.as_str()) {
            Some((label, number)) => metadata.image_manifest(tenant, service.id, &label, number).await?,
            None => None,
        },
    })
}

/// Finds a blob that the login may know of, and renews its lease if the login may push.
pub(super) async fn blob(
    context: &Context<'_>,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Option<StoredBlob>> {
    let Context { app, grant, access, .. } = context;
    if *access == Access::ServiceImages
        && let Some(service) = &grant.service
    {
        return Ok(app.metadata.image_blob(&grant.tenant, service.id, digest).await?);
    }
    Ok(app.metadata.find_blob(&grant.tenant, repository, digest, renewal(context)).await?)
}

/// Hearing that something is there, a client that pushes will skip it. One that only reads relies on
/// nothing, and reads also while the disk is full.
fn renewal(context: &Context<'_>) -> Option<Renewal> {
    let pushes =
        context.grant.scope.push && (context.head.method == Method::HEAD || !context.grant.scope.pull);
    pushes.then(|| context.app.leases.renewal(context.app.clock.steady()))
}
