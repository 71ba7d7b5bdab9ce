//! The content that a login can read: of a repository, its own manifests, or the images of a service.

use gangplank_core::{Access, Renewal, ServiceId, image_name};
use gangplank_oci::{Digest, Reference, RepositoryName, Tag};
use gangplank_store::metadata::blobs::{SeenBlob, StoredBlob};
use gangplank_store::metadata::manifests::StoredManifest;
use hyper::Method;

use super::{Context, Result};

/// Finds a manifest that the login may read. Renews the manifest's lease if the client is about to push.
pub(super) async fn manifest(
    context: &Context<'_>,
    repository: &RepositoryName,
    reference: &Reference,
) -> Result<Option<StoredManifest>> {
    let Context { app, grant, access, .. } = context;
    if *access == Access::ServiceImages
        && let Some(service) = &grant.service
    {
        return image_manifest(context, service.id, reference).await;
    }
    let renewal = renewal(context);
    let find = |put_by| app.metadata.manifest(&grant.tenant, repository, reference, put_by, renewal);
    if *access == Access::OwnManifests {
        return Ok(find(Some(grant.login)).await?);
    }
    // A registered name takes precedence over a tag with the same name, which anybody may have pushed.
    if let Reference::Tag(tag) = reference
        && image_name::parse_version(tag.as_str()).is_some()
        && let Some(service) = service(context, repository).await?
        && let Some(image) = image_by_name(context, service, tag).await?
    {
        return Ok(Some(image));
    }
    if let Some(found) = find(None).await? {
        return Ok(Some(found));
    }
    match (reference, may_be_an_images(context, repository).await?) {
        (Reference::Digest(digest), Some(service)) => image_by_digest(context, service, digest).await,
        _ => Ok(None),
    }
}

async fn image_manifest(
    context: &Context<'_>,
    service: ServiceId,
    reference: &Reference,
) -> Result<Option<StoredManifest>> {
    match reference {
        Reference::Digest(digest) => image_by_digest(context, service, digest).await,
        Reference::Tag(tag) => image_by_name(context, service, tag).await,
    }
}

async fn image_by_digest(
    context: &Context<'_>,
    service: ServiceId,
    digest: &Digest,
) -> Result<Option<StoredManifest>> {
    let tenant = &context.grant.tenant;
    Ok(context.app.metadata.image_manifest_by_digest(tenant, service, digest).await?)
}

async fn image_by_name(
    context: &Context<'_>,
    service: ServiceId,
    tag: &Tag,
) -> Result<Option<StoredManifest>> {
    let Some((label, number)) = image_name::parse_version(tag.as_str()) else { return Ok(None) };
    Ok(context.app.metadata.image_manifest(&context.grant.tenant, service, &label, number).await?)
}

/// The service with the same name as the repository.
pub(super) async fn service(context: &Context<'_>, repository: &RepositoryName) -> Result<Option<ServiceId>> {
    let found = context.app.metadata.service(&context.grant.tenant, repository.as_str()).await?;
    Ok(found.map(|service| service.id))
}

/// The service with the same name as the repository, for content that the repository itself lacks. A client
/// that pulls a registered name finds the image's parts through it. A `HEAD` before a push must not find them,
/// because the client would skip parts that the repository needs.
async fn may_be_an_images(context: &Context<'_>, repository: &RepositoryName) -> Result<Option<ServiceId>> {
    if context.grant.scope.push && context.head.method == Method::HEAD {
        return Ok(None);
    }
    service(context, repository).await
}

/// Finds a blob that the login may read or ask for. Renews the blob's lease if the client is about to push.
pub(super) async fn blob(
    context: &Context<'_>,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Option<StoredBlob>> {
    let Context { app, grant, access, .. } = context;
    let tenant = &grant.tenant;
    if *access == Access::ServiceImages
        && let Some(service) = &grant.service
    {
        return Ok(app.metadata.image_blob(tenant, service.id, digest).await?);
    }
    let renewal = renewal(context);
    let may: fn(&SeenBlob) -> bool = match access {
        Access::KnownBlobs => SeenBlob::may_be_known,
        Access::OwnConfigurations => SeenBlob::may_be_read,
        _ => {
            if let Some(found) = app.metadata.find_blob(tenant, repository, digest, renewal).await? {
                return Ok(Some(found));
            }
            let Some(service) = may_be_an_images(context, repository).await? else { return Ok(None) };
            return Ok(app.metadata.image_blob(tenant, service, digest).await?);
        }
    };
    let found = app.metadata.find_blob_seen_by(grant.login, tenant, repository, digest, renewal).await?;
    Ok(found.filter(may).map(|seen| seen.blob))
}

/// The renewal of a lease, if the client may be about to push. Such a client skips content that exists, and
/// relies on it. A client that only reads relies on nothing, so it can also read while the disk is full.
fn renewal(context: &Context<'_>) -> Option<Renewal> {
    let pushes =
        context.grant.scope.push && (context.head.method == Method::HEAD || !context.grant.scope.pull);
    pushes.then(|| context.app.leases.renewal(context.app.clock.steady()))
}
