//! The origin of images: who pushed them, and who registered them.

use gangplank_api::gangplank::{GetImageOriginRequest, GetImageOriginResult, ImageOrigin};
use gangplank_api::{ApiError, Timestamp};
use gangplank_core::{AccountId, ImageName};
use gangplank_oci::Digest;
use gangplank_store::metadata::container_images::ContainerImage;
use gangplank_store::metadata::provenance::Source;

use super::authorize::Named;
use super::container_service::require;
use super::{Context, Result};

/// The thing that the caller must be allowed to read: for the name of a registered image its service, for a
/// digest the tenant.
pub(super) fn named(image: &str) -> Named<'_> {
    gangplank_api::image_name(image).map_or(Named::Tenant, |(service, ..)| Named::Service(service))
}

pub(super) async fn get(context: &Context<'_>, input: GetImageOriginRequest) -> Result<GetImageOriginResult> {
    match ImageName::parse(&input.image) {
        Some(name) => of_image(context, &name).await,
        None => of_digest(context, &input.image).await,
    }
}

async fn of_image(context: &Context<'_>, name: &ImageName) -> Result<GetImageOriginResult> {
    let Context { app, tenant, .. } = context;
    let service = require(context, &name.service)?;
    let sources = app.metadata.image_sources(tenant, service.id, &name.label, name.number).await?;
    let sources = sources.ok_or_else(|| {
        ApiError::not_found(format!("Container service \"{}\" has no image \"{name}\".", service.name))
    })?;
    let account = &tenant.account;
    let pushes = sources.puts.into_iter().map(|source| of_source(account, source));
    Ok(GetImageOriginResult {
        digest: sources.image.digest.clone(),
        pushes: pushes.collect(),
        registrations: sources
            .registered
            .map(|source| registered(account, &sources.image, source))
            .into_iter()
            .collect(),
    })
}

async fn of_digest(context: &Context<'_>, text: &str) -> Result<GetImageOriginResult> {
    let Context { app, tenant, .. } = context;
    let digest = Digest::parse(text)
        .map_err(|error| ApiError::invalid_input(format!("image cannot be used as a digest: {error}")))?;
    let sources = app.metadata.digest_sources(tenant, &digest).await?;
    if sources.puts.is_empty() && sources.registered.is_empty() {
        let region = &tenant.region;
        return Err(ApiError::not_found(format!(
            "This account has no image with the digest {digest} in {region}."
        ))
        .into());
    }
    let account = &tenant.account;
    let pushes = sources.puts.into_iter();
    let registrations = sources.registered.into_iter();
    Ok(GetImageOriginResult {
        digest: digest.to_string(),
        pushes: pushes
            .map(|(repository, source)| ImageOrigin {
                repository: Some(repository),
                ..of_source(account, source)
            })
            .collect(),
        registrations: registrations
            .filter_map(|(image, source)| Some(registered(account, &image, source?)))
            .collect(),
    })
}

fn registered(account: &AccountId, image: &ContainerImage, source: Source) -> ImageOrigin {
    ImageOrigin {
        at: Some(Timestamp(image.created_at.0)),
        image: Some(image.name.to_string()),
        ..of_source(account, source)
    }
}

fn of_source(account: &AccountId, source: Source) -> ImageOrigin {
    let Source { owner, session, description } = source;
    let (session_name, claims) = session.map(|session| (session.name, session.claims)).unzip();
    ImageOrigin {
        principal: owner.arn(account),
        access_key_id: owner.access_key().map(|key| key.as_str().to_owned()),
        description,
        role_name: owner.as_role().map(|(name, _)| name.as_str().to_owned()),
        session_name: session_name.map(|name| name.as_str().to_owned()),
        claims: claims.filter(|claims| !claims.is_empty()),
        ..ImageOrigin::default()
    }
}
