//! Content that a row knows and that cannot be relied on. A client that is told that it is there would
//! skip the upload that mends it.

use gangplank_oci::Digest;
use gangplank_store::blobs::ContentKey;

use super::{Context, Result};

/// The tenant's content of this digest, if its bytes are missing, cut short or damaged. The next upload of
/// it takes its place.
pub(super) async fn content(context: &Context<'_>, digest: &Digest) -> Result<Option<ContentKey>> {
    let Some(known) = context.app.metadata.tenant_content(&context.grant.tenant, digest).await? else {
        return Ok(None);
    };
    let size = context.app.blobs.stat(&known.key).await?;
    Ok((known.damaged || size != Some(known.size)).then_some(known.key))
}
