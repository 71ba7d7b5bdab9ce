//! Mounting: a repository gets a blob that another repository has.

use gangplank_oci::{Digest, RepositoryName};
use gangplank_store::metadata::blobs::Mount as Held;

use super::{Context, Result, blobs};

/// A blob that the registry may already have.
pub(super) struct Mount {
    pub(super) digest: Digest,
    /// The repository that has the blob. `None` means any repository.
    pub(super) from: Option<RepositoryName>,
}

/// Mounts a blob in the repository. Returns `false` if the client has to upload it.
pub(super) async fn mount(
    context: &Context<'_>,
    repository: &RepositoryName,
    wanted: &Mount,
) -> Result<bool> {
    let Context { app, grant, .. } = context;
    let Mount { digest, from } = wanted;
    // Without `from`, a mount asks whether the account has the blob anywhere. Only logins that may read
    // everywhere get an answer.
    let seen_by = context.pusher();
    if from.is_none() && (seen_by.is_some() || grant.is_bound_to_repositories()) {
        return Ok(false);
    }
    // The client uploads the blob instead, which replaces the damaged content.
    if blobs::damaged(context, digest).await?.is_some() {
        return Ok(false);
    }
    let now = app.clock.steady();
    let held = Held { from: from.clone(), digest: *digest, seen_by };
    let is_mounted = app.metadata.mount_blob(&grant.tenant, repository, held, now, &app.quotas).await?;
    if is_mounted {
        context.record.has_changed(Some(*digest));
    }
    Ok(is_mounted)
}
