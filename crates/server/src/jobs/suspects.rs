//! Content that a bucket did not have at a first look. A server of a bucket may answer wrongly for a while, so
//! content only counts as damaged if a second look finds the same.

use std::sync::Arc;
use std::time::Duration;

use gangplank_core::Time;
use gangplank_store::Result;
use gangplank_store::metadata::inspection::KeptContent;

use crate::app::App;

/// The pause between the two looks.
const AGAIN: Duration = Duration::from_mins(10);

/// The most contents that wait for a second look. If more are missing, the bucket is at fault, and none is
/// marked.
pub(super) const MOST: usize = 1_000;

/// Contents that wait for a second look, with the steady time of the first one. A restart forgets them; the next
/// search finds them again.
#[derive(Default)]
pub(super) struct Suspects(Vec<(Time, KeptContent)>);

impl Suspects {
    /// Records content whose bytes are missing, or differ in number from its row.
    pub(super) fn note(&mut self, content: KeptContent, now: Time) {
        if self.0.len() < MOST && self.0.iter().all(|(_, noted)| noted.key != content.key) {
            self.0.push((now, content));
        }
    }

    /// Takes the contents whose second look is due.
    fn due(&mut self, now: Time) -> Vec<KeptContent> {
        let is_due = |(noted, _): &mut (Time, KeptContent)| noted.plus(AGAIN) <= now;
        self.0.extract_if(.., is_due).map(|(_, content)| content).collect()
    }

    /// Looks a second time at contents whose time has come, and marks those that are still not whole.
    ///
    /// # Errors
    /// If the store of rows fails. Content that cannot be looked at is forgotten.
    pub(super) async fn look_again(&mut self, app: &Arc<App>) -> Result<()> {
        for content in self.due(app.clock.steady()) {
            match app.blobs.stat_anew(&content.key).await {
                Ok(Some(size)) if size == content.size => {}
                Ok(found) => mark(app, &content, found).await?,
                Err(error) => tracing::warn!(key = %content.key, %error, "cannot look at stored content"),
            }
        }
        Ok(())
    }
}

async fn mark(app: &App, content: &KeptContent, found: Option<u64>) -> Result<()> {
    // Content that was removed or replaced meanwhile needs no mark.
    if app.metadata.mark_damaged(&content.key).await? {
        app.metrics.damage_found();
        let KeptContent { tenant, digest, size, key, .. } = content;
        tracing::error!(
            %tenant, %digest, %key, size, found = found.map_or("nothing".to_owned(), |bytes| format!("{bytes} bytes")),
            "stored content is not in the bucket; the next push of this blob replaces it"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use gangplank_core::{AccountId, Region, Tenant};
    use gangplank_oci::Digest;
    use gangplank_store::blobs::ContentKey;

    use super::*;

    #[test]
    fn a_second_look_comes_ten_minutes_after_the_first() {
        let tenant = Tenant {
            account: AccountId::parse("000000000000").unwrap(),
            region: Region::parse("us-east-1").unwrap(),
        };
        let key = ContentKey::unused();
        let content =
            KeptContent { row: 1, tenant, digest: Digest::sha256(b""), size: 1, key, damaged: false };
        let (mut suspects, first) = (Suspects::default(), Time(1_000_000));
        suspects.note(content.clone(), first);
        suspects.note(content, first.plus(AGAIN));
        let before = Time(first.plus(AGAIN).0 - 1);
        assert!(suspects.due(first).is_empty() && suspects.due(before).is_empty());
        assert_eq!(suspects.due(first.plus(AGAIN)).len(), 1, "a later look does not count as the first");
        assert!(suspects.0.is_empty());
    }
}
