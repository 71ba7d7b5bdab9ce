//! Finds content that has no row, and removes it or puts it in the place of broken content.

use std::time::Duration;

use anyhow::Result;
use gangplank_oci::Algorithm;
use gangplank_store::blobs::ContentKey;
use gangplank_store::metadata::blobs::Discarded;

use super::{Check, Finding, PATIENCE};
use crate::hashing::hash;

impl Check {
    /// Finds content that has no row.
    pub(super) async fn strays(&mut self) -> Result<()> {
        // Another process that uses the store may be about to add the row of younger content.
        let settled = self.blobs.settles_after();
        let is_alone = self.repair && self.cluster.is_none();
        let older_than = if is_alone { Duration::ZERO } else { settled };
        let mut strays = Vec::new();
        for part in 0..=255 {
            let keys = self.blobs.published(part, older_than).await?;
            strays.extend(self.metadata.unknown_content(keys).await?);
        }
        if strays.is_empty() {
            return Ok(());
        }
        if !self.repair {
            tokio::time::sleep(PATIENCE).await;
            strays = self.metadata.unknown_content(strays).await?;
        }
        for key in strays {
            let Some(size) = self.blobs.stat(&key).await? else { continue };
            let what = format!("content {key} of {size} bytes has no row");
            let mut done = None;
            if self.repair {
                done = Some(if self.mends(&key, size).await? {
                    "it replaces content that was broken"
                } else if !settled.is_zero() {
                    let orphan = Discarded { key, upload: None };
                    let now = self.now().await?;
                    if self.metadata.discard_orphans(vec![orphan], settled, now).await? == 0 {
                        continue;
                    }
                    "discarded: nobody was ever told that it is here"
                } else {
                    for removed in self.blobs.remove(std::slice::from_ref(&key)).await {
                        removed?;
                    }
                    "removed: nobody was ever told that it is here"
                });
            }
            self.found("content-without-row", what, done);
        }
        Ok(())
    }

    /// Replaces broken content with content that has no row, if the content without a row has the right digest
    /// and size. Returns whether it replaced any.
    async fn mends(&mut self, stray: &ContentKey, size: u64) -> Result<bool> {
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            let wanted =
                |(digest, length): &(String, u64)| *length == size && digest.starts_with(algorithm.as_str());
            if !self.broken.keys().any(wanted) {
                continue;
            }
            let Some(reading) = self.blobs.read(stray, 0..size).await? else { return Ok(false) };
            let Some(hasher) = hash(reading.bytes, algorithm, None).await? else { return Ok(false) };
            let name = (hasher.finish().to_string(), size);
            let Some(broken) = self.broken.get_mut(&name).and_then(Vec::pop) else { continue };
            if self.metadata.replace_content(&broken, stray, self.now().await?).await? {
                let marked = |finding: &&mut Finding| finding.what.ends_with(&format!("({broken})"));
                if let Some(finding) = self.report.findings.iter_mut().find(marked) {
                    (finding.done, finding.repaired) =
                        (Some("replaced by whole bytes that had no row"), true);
                }
                return Ok(true);
            }
        }
        Ok(false)
    }
}
