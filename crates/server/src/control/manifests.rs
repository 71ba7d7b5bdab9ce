//! Shows one manifest, its parts, and the things that hold it.

use std::time::Duration;

use gangplank_api::gangplank::{GetManifestRequest, GetManifestResult, ManifestDetail, ManifestPart};
use gangplank_api::{ApiError, ErrorCode, Timestamp};
use gangplank_oci::{Descriptor, Digest, ManifestKind, ManifestView, Reference, RepositoryName};
use gangplank_store::metadata::manifests::Referrer;
use serde_json::Value;

use super::repositories::{bytes, layers_size, readable};
use super::{Context, Result, image_configuration, image_indexes};

/// The most referrers that are listed.
const REFERRERS: usize = 100;
/// How many manifests of an index are read at most, and how many bytes of them.
const CHILDREN: usize = 100;
const CHILDREN_BYTES: usize = 8 << 20;

pub(super) async fn get(context: &Context<'_>, input: GetManifestRequest) -> Result<GetManifestResult> {
    let Context { app, tenant, .. } = context;
    let repository = readable(context, &input.repository)?;
    let absent = || {
        let message = format!("The repository {repository} has no manifest {}.", input.reference);
        ApiError::not_found(message)
    };
    let reference = Reference::parse(&input.reference).map_err(|_| absent())?;
    let found = app.metadata.show_manifest(tenant, &repository, &reference).await?.ok_or_else(absent)?;
    let listed = found.listed;
    let view = ManifestView::parse(&listed.body, Some(&listed.media_type))
        .map_err(|error| ApiError::service(format!("{} cannot be read: {error}", listed.digest)))?;
    let digest = Digest::parse(&listed.digest)
        .map_err(|error| ApiError::service(format!("{} cannot be read: {error}", listed.digest)))?;
    let referrers = app.metadata.referrers(tenant, &repository, &digest, None, None, 0).await?;
    let more_referrers = referrers.more.is_some() || referrers.page.len() > REFERRERS;
    let is_image = matches!(view.kind, ManifestKind::Image);
    let steady = app.clock.steady();
    // The lease of the manifest ends after this time.
    let kept =
        Duration::from_millis(u64::try_from(found.leased_at.0 - app.leases.over(steady).0).unwrap_or(0));
    Ok(GetManifestResult {
        manifest: ManifestDetail {
            artifact_type: listed.artifact_type,
            size: bytes(listed.body.len() as u64),
            created_at: Timestamp(listed.created_at.0),
            tags: listed.tags,
            annotations: (!view.annotations.is_empty())
                .then(|| view.annotations.clone().into_iter().collect()),
            layers_size: layers_size(&view).map(bytes),
            layers: is_image.then(|| layers(&view)),
            configuration: configuration(context, &repository, &view).await?,
            children: if is_image {
                None
            } else {
                Some(children(context, &repository, &view, &listed.body).await?)
            },
            subject: listed.subject,
            referrers: referrers.page.into_iter().take(REFERRERS).map(about).collect(),
            more_referrers: more_referrers.then_some(true),
            held_by_images: found.images,
            held_by_services: found.services,
            held_by_indexes: found.indexes,
            collected_in_seconds: (!found.is_held).then_some(kept.as_secs_f64()),
            digest: listed.digest,
            media_type: listed.media_type,
        },
    })
}

fn part(descriptor: &Descriptor) -> ManifestPart {
    let annotations = &descriptor.annotations;
    ManifestPart {
        digest: descriptor.digest.to_string(),
        media_type: descriptor.media_type.clone(),
        size: bytes(descriptor.size),
        artifact_type: descriptor.artifact_type.clone(),
        annotations: (!annotations.is_empty()).then(|| annotations.clone().into_iter().collect()),
        ..ManifestPart::default()
    }
}

fn layers(view: &ManifestView) -> Vec<ManifestPart> {
    let config = view.config().map(|config| config.digest);
    view.blobs.iter().filter(|blob| Some(blob.digest) != config).map(part).collect()
}

/// The configuration of a container image. `None` if the image has no configuration, or if the configuration is
/// missing.
async fn configuration(
    context: &Context<'_>,
    repository: &RepositoryName,
    view: &ManifestView,
) -> Result<Option<gangplank_api::gangplank::ImageConfiguration>> {
    let is_ones = view.config().is_some_and(|config| image_configuration::is_one(&config.media_type));
    if !matches!(view.kind, ManifestKind::Image) || !is_ones {
        return Ok(None);
    }
    match image_indexes::configuration(context, repository, view).await {
        Ok(bytes) => Ok(bytes.as_deref().and_then(image_configuration::read)),
        // A manifest with a damaged configuration must still be shown.
        Err(failure) if failure.error.code == ErrorCode::NotFoundException => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The entries of an index, with their platforms and the bytes of their layers.
async fn children(
    context: &Context<'_>,
    repository: &RepositoryName,
    view: &ManifestView,
    body: &[u8],
) -> Result<Vec<ManifestPart>> {
    let Context { app, tenant, .. } = context;
    let index: Value = serde_json::from_slice(body).unwrap_or_default();
    let platform = |digest: &Digest| {
        let entries = index["manifests"].as_array().into_iter().flatten();
        let mut of = entries.filter(|entry| entry["digest"] == digest.to_string().as_str());
        image_configuration::platform(&of.next()?["platform"])
    };
    let (mut parts, mut read) = (Vec::with_capacity(view.children.len()), 0);
    for (number, child) in view.children.iter().enumerate() {
        let mut part = ManifestPart { platform: platform(&child.digest), ..part(child) };
        if number < CHILDREN && read < CHILDREN_BYTES {
            let reference = Reference::Digest(child.digest);
            if let Some(found) = app.metadata.manifest(tenant, repository, &reference, None, None).await? {
                read += found.body.len();
                let view = ManifestView::parse(&found.body, Some(&found.media_type)).ok();
                part.layers_size = view.as_ref().and_then(layers_size).map(bytes);
            }
        }
        parts.push(part);
    }
    Ok(parts)
}

fn about(referrer: Referrer) -> ManifestPart {
    let annotations = serde_json::from_str(&referrer.annotations).ok();
    ManifestPart {
        digest: referrer.digest,
        media_type: referrer.media_type,
        size: bytes(referrer.size),
        artifact_type: referrer.artifact_type,
        annotations,
        ..ManifestPart::default()
    }
}
