//! Compares the sizes of content with the bucket's listings. That takes few requests, where reading takes all bytes.

use std::collections::HashMap;

use anyhow::Result;
use gangplank_store::blobs::{ContentKey, Published};
use gangplank_store::metadata::inspection::KeptContent;

use super::{Check, PAGE};
use crate::hashing::{Bytes, look};

impl Check {
    /// Compares every row with the listing of its part.
    pub(super) async fn sizes(&mut self, mut progress: impl FnMut(u64, u64)) -> Result<()> {
        let total = self.metadata.content_totals(0).await?.bytes;
        for part in 0..=u8::MAX {
            let listed = self.blobs.inventory(part).await?;
            let listed: HashMap<ContentKey, u64> =
                listed.into_iter().map(|Published { key, size }| (key, size)).collect();
            let mut after = None;
            loop {
                let page = self.metadata.contents_of_part(part, after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.key.clone());
                for content in page {
                    self.report.contents += 1;
                    self.report.bytes += content.size;
                    progress(self.report.bytes, total.max(self.report.bytes));
                    self.compare(&content, listed.get(&content.key).copied()).await?;
                }
            }
        }
        Ok(())
    }

    async fn compare(&mut self, content: &KeptContent, listed: Option<u64>) -> Result<()> {
        let bytes = if content.damaged {
            // The content is marked as damaged, and a right size would prove nothing.
            look(self.blobs.as_ref(), content, None).await
        } else if listed == Some(content.size) {
            return Ok(());
        } else {
            // The row may be younger than the listing.
            match self.blobs.stat_anew(&content.key).await? {
                Some(size) if size == content.size => return Ok(()),
                Some(size) => Bytes::Short(size),
                None => Bytes::Missing,
            }
        };
        if self.is_still_there(content).await? { self.broken(content, bytes).await } else { Ok(()) }
    }
}
