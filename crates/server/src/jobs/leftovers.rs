//! Clears staged bytes whose session an earlier run did not live to keep.

use std::collections::HashSet;

use crate::app::App;

/// Runs before the first request, so everything staged is of an earlier run.
pub(crate) async fn remove(app: &App) -> gangplank_store::Result<()> {
    let sessions: HashSet<String> = app.metadata.open_upload_ids().await?.into_iter().collect();
    let removed = app
        .blocking(move |blobs| {
            let staged = blobs.staged()?;
            let dead: Vec<_> = staged.iter().filter(|key| !sessions.contains(key.as_str())).collect();
            dead.iter().try_for_each(|key| blobs.discard_staged(key))?;
            Ok(dead.len())
        })
        .await?;
    if removed > 0 {
        tracing::info!(removed, "removed what interrupted uploads left behind");
    }
    Ok(())
}
