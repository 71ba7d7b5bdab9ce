//! Compares rows and bytes at the target, before the source is given up.

use std::collections::HashSet;

use anyhow::{Context as _, Result, bail};
use gangplank_core::Time;
use gangplank_store::blobs::{BlobStore, ContentKey};
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::progress::Mark;

use super::content;

const PAGE: usize = 500;

/// How many faults a message names.
const NAMED: usize = 5;

/// Checks that the rows agree with each other, and that the target has all content in its right size, apart
/// from the content that could not be copied. Removes content that no row names. Returns the number of contents
/// that were removed.
///
/// # Errors
/// If something is wrong; the message names it. If a store fails.
pub(super) async fn compare(
    rows: &dyn Metadata,
    blobs: &dyn BlobStore,
    damaged: &HashSet<ContentKey>,
) -> Result<u64> {
    let now = rows.mark(Mark::SteadyTime).await?.map_or(Time(i64::MAX / 2), Time);
    let contradictions = rows.contradictions(now).await.context("cannot check the rows")?;
    if !contradictions.is_empty() {
        let some: Vec<&str> = contradictions.iter().take(NAMED).map(|it| it.what.as_str()).collect();
        bail!(
            "{} rows contradict others at the new place, as they do at the old one: {}; repair them there with `gangplank \
             fsck --repair`, and run the migration again",
            contradictions.len(),
            some.join("; ")
        );
    }
    let mut there = content::list(blobs).await.context("cannot list the content of the target")?;
    let (mut position, mut missing) = (0, Vec::new());
    loop {
        let page = rows.contents(position, PAGE).await?;
        let Some(last) = page.last() else { break };
        position = last.row;
        for content in page {
            let is_there = there.remove(&content.key) == Some(content.size);
            if !is_there && !damaged.contains(&content.key) {
                missing.push(content.digest.to_string());
            }
        }
    }
    if !missing.is_empty() {
        let some = missing[..missing.len().min(NAMED)].join(", ");
        bail!("{} contents have not come: {some}; run the migration again", missing.len());
    }
    // The remaining contents have no row: the row was removed after an earlier run had copied the content.
    let strays: Vec<ContentKey> = there.into_keys().collect();
    for removed in blobs.remove(&strays).await {
        removed.context("cannot remove content that no row names")?;
    }
    Ok(strays.len() as u64)
}
