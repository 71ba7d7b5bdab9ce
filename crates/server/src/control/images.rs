//! Registered images. A registration gives a pushed digest the name `:service.label.N`.

use gangplank_api::lightsail::{
    ContainerImage, DeleteContainerImageRequest, DeleteContainerImageResult, GetContainerImagesRequest,
    GetContainerImagesResult, RegisterContainerImageRequest, RegisterContainerImageResult,
};
use gangplank_api::{ApiError, Timestamp};
use gangplank_core::ImageName;
use gangplank_oci::Digest;
use gangplank_store::metadata::container_images as store;

use super::container_service::require;
use super::failure::Failure;
use super::service_refusals::unknown;
use super::{Context, Result};

pub(super) async fn register(
    context: &Context<'_>,
    input: RegisterContainerImageRequest,
) -> Result<RegisterContainerImageResult> {
    let Context { app, tenant, .. } = context;
    let digest = Digest::parse(&input.digest)
        .map_err(|error| ApiError::invalid_input(format!("digest cannot be used: {error}")))?;
    let service = require(context, &input.service_name)?;
    let image = store::NewImage {
        service: service.id,
        label: input.label,
        digest,
        created_at: app.clock.now(),
        invocation: context.invocation(),
    };
    let quota = app.quotas.images_per_service;
    match app.metadata.register_image(&context.origin(), tenant, image, quota).await? {
        store::ImageOutcome::Registered(image) => {
            let (access_key, peer) = (context.owner(), context.peer());
            tracing::info!(%tenant, image = %image.name, %digest, %access_key, %peer, "registered an image");
            Ok(RegisterContainerImageResult { container_image: Some(shown(image)) })
        }
        store::ImageOutcome::NoSuchService => Err(unknown(&service.name, tenant).into()),
        store::ImageOutcome::TooManyContents => Err(ApiError::invalid_input(format!(
            "The image is made of more than {} manifests and blobs, which is more than one image may be made of.",
            store::MAX_CONTENTS
        ))
        .into()),
        store::ImageOutcome::NoSuchManifest => Err(ApiError::not_found(format!(
            "No image with the digest {digest} has been pushed to this account in {}. Push it first, with a login \
             from create-container-service-registry-login.",
            tenant.region
        ))
        .into()),
        store::ImageOutcome::QuotaReached => {
            let error = ApiError::invalid_input("Maximum number of container service images has been reached")
                .with_tip("Delete images that are no longer used with delete-container-image.");
            Err(Failure::over_quota("max-images-per-service", error))
        }
    }
}

pub(super) async fn list(
    context: &Context<'_>,
    input: GetContainerImagesRequest,
) -> Result<GetContainerImagesResult> {
    let service = require(context, &input.service_name)?;
    let images = context.app.metadata.images(context.tenant, service.id).await?;
    let images = images.ok_or_else(|| unknown(&service.name, context.tenant))?;
    Ok(GetContainerImagesResult { container_images: Some(images.into_iter().map(shown).collect()) })
}

pub(super) async fn delete(
    context: &Context<'_>,
    input: DeleteContainerImageRequest,
) -> Result<DeleteContainerImageResult> {
    let tenant = context.tenant;
    let service = require(context, &input.service_name)?;
    let missing = || {
        let message = format!("Container service \"{}\" has no image \"{}\".", service.name, input.image);
        ApiError::not_found(message)
    };
    let name = ImageName::parse(&input.image).filter(|name| name.service == service.name);
    let ImageName { label, number, .. } = name.ok_or_else(missing)?;
    let (origin, now) = (context.origin(), context.app.clock.steady());
    match context.app.metadata.delete_image(&origin, tenant, service.id, &label, number, now).await? {
        store::ImageDeleted::Deleted => {
            let (access_key, peer) = (context.owner(), context.peer());
            tracing::info!(%tenant, image = input.image, %access_key, %peer, "deleted an image");
            Ok(DeleteContainerImageResult {})
        }
        store::ImageDeleted::NoSuchService => Err(unknown(&service.name, tenant).into()),
        store::ImageDeleted::NoSuchImage => Err(missing().into()),
        store::ImageDeleted::InUse(version) => Err(ApiError::invalid_input(format!(
            "The image \"{}\" is in use by deployment {version} of container service \"{}\". Deploy another image \
             before you delete it.",
            input.image, service.name
        ))
        .into()),
    }
}

fn shown(image: store::ContainerImage) -> ContainerImage {
    ContainerImage {
        image: Some(image.name.to_string()),
        digest: Some(image.digest),
        created_at: Some(Timestamp(image.created_at.0)),
    }
}
