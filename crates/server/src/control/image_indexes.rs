//! Makes image indexes on the server. A job can join platforms that other jobs pushed, without the right to
//! read them.

use futures_util::TryStreamExt as _;
use gangplank_api::ApiError;
use gangplank_api::gangplank::{CreateImageIndexRequest, CreateImageIndexResult};
use gangplank_oci::{Digest, IndexBuilder, ManifestKind, ManifestView, Reference, RepositoryName, Tag};
use gangplank_store::StoreError;
use gangplank_store::metadata::blobs::MAX_CONFIGURATION;
use gangplank_store::metadata::manifests::{ManifestOutcome, NewManifest};

use super::{Context, Result};

pub(super) async fn create(
    context: &Context<'_>,
    input: CreateImageIndexRequest,
) -> Result<CreateImageIndexResult> {
    let Context { app, tenant, .. } = context;
    let repository = RepositoryName::parse(&input.repository)
        .map_err(|error| ApiError::invalid_input(format!("repository cannot be used: {error}")))?;
    let tags = input.tags.unwrap_or_default();
    let tags = tags.iter().map(|tag| {
        Tag::parse(tag)
            .map_err(|error| ApiError::invalid_input(format!("The tag {tag:?} cannot be used: {error}")))
    });
    let tags = tags.collect::<std::result::Result<Vec<Tag>, _>>()?;
    let mut builder = IndexBuilder::default();
    for digest in &input.digests {
        let digest = Digest::parse(digest)
            .map_err(|error| ApiError::invalid_input(format!("A digest cannot be used: {error}")))?;
        add(context, &repository, &digest, &mut builder).await?;
    }
    let (media_type, body) = builder.build();
    let view = ManifestView::parse_within(&app.limits.manifest, &body, Some(media_type))
        .map_err(|error| ApiError::invalid_input(format!("The index would not be valid: {error}.")))?;
    app.blobs.require(body.len() as u64).await?;
    let (digest, size, max_depth) = (Digest::sha256(&body), body.len(), app.limits.index_depth);
    let index = NewManifest {
        digest,
        body,
        view,
        may_be_absent: Vec::new(),
        pushed_by: None,
        max_depth,
        quotas: app.quotas,
        tags,
        now: app.clock.now(),
        lease: app.leases.renewal(app.clock.steady()),
    };
    match app.metadata.put_manifest(&context.origin(), tenant, &repository, index).await? {
        ManifestOutcome::Stored => {}
        // A manifest was deleted meanwhile, or a given index has lost one of its own manifests.
        ManifestOutcome::BlobUnknown(digest)
        | ManifestOutcome::ChildUnknown(digest)
        | ManifestOutcome::TooManyAbout(digest)
        | ManifestOutcome::SizeMismatch(digest) => return Err(absent(&repository, &digest).into()),
        ManifestOutcome::TooDeep => {
            let message = format!("Indexes may nest {max_depth} deep at the most.");
            return Err(ApiError::invalid_input(message).into());
        }
    }
    let (access_key, peer) = (context.owner(), context.peer());
    tracing::info!(%tenant, %repository, %digest, %access_key, %peer, "made an index");
    Ok(CreateImageIndexResult {
        digest: digest.to_string(),
        media_type: media_type.to_owned(),
        size: i32::try_from(size).unwrap_or(i32::MAX),
    })
}

/// Adds a manifest of the repository to the index.
async fn add(
    context: &Context<'_>,
    repository: &RepositoryName,
    digest: &Digest,
    builder: &mut IndexBuilder,
) -> Result<()> {
    let Context { app, tenant, .. } = context;
    let reference = Reference::Digest(*digest);
    let found = app.metadata.manifest(tenant, repository, &reference, None, None).await?;
    let found = found.ok_or_else(|| absent(repository, digest))?;
    let view = ManifestView::parse(&found.body, Some(&found.media_type));
    let view = view.map_err(|error| ApiError::service(format!("{digest} cannot be read: {error}")))?;
    match view.kind {
        ManifestKind::Index => builder.add_entries_of(&found.body),
        ManifestKind::Image => {
            let config = configuration(context, repository, &view).await?;
            builder.add_image(digest, found.body.len() as u64, &view, config.as_deref());
        }
    }
    Ok(())
}

/// The bytes of an image's configuration. `None` if it is too large to be read for its platform.
pub(super) async fn configuration(
    context: &Context<'_>,
    repository: &RepositoryName,
    view: &ManifestView,
) -> Result<Option<Vec<u8>>> {
    let Context { app, tenant, .. } = context;
    let Some(config) = view.config().filter(|config| config.size <= MAX_CONFIGURATION) else {
        return Ok(None);
    };
    let absent = || {
        let message = format!(
            "The configuration {} is not in the repository {repository}; push it again.",
            config.digest
        );
        ApiError::not_found(message)
    };
    let found = app.metadata.find_blob(tenant, repository, &config.digest, None).await?;
    let found = found.filter(|blob| !blob.damaged).ok_or_else(absent)?;
    let reading = app.blobs.read(&found.key, 0..MAX_CONFIGURATION).await?.ok_or_else(absent)?;
    let pieces: Vec<_> = reading.bytes.into_stream().try_collect().await.map_err(StoreError::from)?;
    let bytes = pieces.concat();
    if Digest::of(config.digest.algorithm(), &bytes) == config.digest {
        Ok(Some(bytes))
    } else {
        Err(absent().into())
    }
}

fn absent(repository: &RepositoryName, digest: &Digest) -> ApiError {
    let message = format!("The repository {repository} has no manifest {digest}. Push it there first.");
    ApiError::not_found(message)
}
