//! Lists repositories and their manifests, for callers that may read them.

use gangplank_api::gangplank::{
    ListManifestsRequest, ListManifestsResult, ListRepositoriesRequest, ListRepositoriesResult,
    ManifestSummary, RepositorySummary,
};
use gangplank_api::{ApiError, Timestamp};
use gangplank_oci::{ManifestKind, ManifestView, RepositoryName};
use gangplank_store::metadata::catalogue::{ListedManifest, ManifestFilter};

use super::page::{limit, number, unknown};
use super::{Context, Result};

/// The most manifests of one page. Each is read whole.
const MOST: usize = 100;

pub(super) async fn list(
    context: &Context<'_>,
    input: ListRepositoriesRequest,
) -> Result<ListRepositoriesResult> {
    let Context { app, tenant, call, .. } = context;
    let last = input.next_token.as_deref();
    if last.is_some_and(|last| RepositoryName::parse(last).is_err()) {
        return Err(unknown("nextToken"));
    }
    let (prefix, limit) = (input.prefix.as_deref().unwrap_or_default(), limit(input.max_results));
    let found = app.metadata.list_repositories(tenant, prefix, last, limit).await?;
    let more = found.last().filter(|_| found.len() == limit).map(|last| last.name.clone());
    // The caller's limits exclude some repositories. These are not shown.
    let limits = call.caller.limits();
    let may_see = |name: &str| limits.is_none_or(|limits| limits.reach.has_repository(name));
    let repositories = found.into_iter().filter(|found| may_see(&found.name)).map(|found| {
        RepositorySummary { repository: found.name, newest_at: found.newest_at.map(|at| Timestamp(at.0)) }
    });
    Ok(ListRepositoriesResult { repositories: repositories.collect(), next_token: more })
}

pub(super) async fn manifests(
    context: &Context<'_>,
    input: ListManifestsRequest,
) -> Result<ListManifestsResult> {
    let Context { app, tenant, .. } = context;
    let repository = readable(context, &input.repository)?;
    let before = input.next_token.as_deref().map(|token| number(token, "nextToken")).transpose()?;
    let filter =
        ManifestFilter { tag_prefix: input.tag_prefix, with_parts: input.with_parts.unwrap_or_default() };
    let limit = limit(input.max_results).min(MOST);
    let page = app.metadata.list_manifests(tenant, &repository, &filter, before, limit).await?;
    let page = page.ok_or_else(|| ApiError::not_found(format!("There is no repository {repository}.")))?;
    Ok(ListManifestsResult {
        manifests: page.manifests.into_iter().map(shown).collect(),
        next_token: page.more.map(|mark| mark.to_string()),
    })
}

/// A repository that the caller may read. The policies have been asked before. The limits of the caller's
/// logins count here, too.
///
/// # Errors
/// If the name is not valid, or if the repository is outside the caller's limits.
pub(super) fn readable(context: &Context<'_>, name: &str) -> Result<RepositoryName> {
    let repository = RepositoryName::parse(name)
        .map_err(|error| ApiError::invalid_input(format!("repository cannot be used: {error}")))?;
    let call = context.call;
    if call.caller.limits().is_some_and(|limits| !limits.reach.has_repository(name)) {
        call.count_refusal("Repository");
        let message = format!("{} is not for the repository {repository}.", call.who());
        return Err(ApiError::access_denied(message).into());
    }
    Ok(repository)
}

/// The sum of the sizes of an image's layers, in bytes. `None` for an index.
pub(super) fn layers_size(view: &ManifestView) -> Option<u64> {
    let config = view.config().map(|config| config.digest);
    let layers = view.blobs.iter().filter(|blob| Some(blob.digest) != config);
    matches!(view.kind, ManifestKind::Image).then(|| layers.map(|layer| layer.size).sum())
}

/// A number of bytes, as the API sends it.
#[expect(clippy::cast_precision_loss, reason = "exact up to 8 PiB")]
pub(super) fn bytes(count: u64) -> f64 {
    count as f64
}

fn shown(manifest: ListedManifest) -> ManifestSummary {
    let view = ManifestView::parse(&manifest.body, Some(&manifest.media_type)).ok();
    let is_index = |view: &&ManifestView| matches!(view.kind, ManifestKind::Index);
    let children = view.as_ref().filter(is_index).map(|view| view.children.len());
    ManifestSummary {
        layers_size: view.as_ref().and_then(layers_size).map(bytes),
        children: children.map(|count| i32::try_from(count).unwrap_or(i32::MAX)),
        digest: manifest.digest,
        media_type: manifest.media_type,
        artifact_type: manifest.artifact_type,
        subject: manifest.subject,
        created_at: Timestamp(manifest.created_at.0),
        tags: manifest.tags,
    }
}
