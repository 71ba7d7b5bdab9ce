//! Compares rows with the bucket's listings once a week: every content must be there in its size. Reading all
//! content back costs requests and traffic, so the [`scrub`](super::scrub) does that only if it is asked for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use gangplank_store::blobs::{ContentKey, Published};
use gangplank_store::metadata::inspection::KeptContent;
use gangplank_store::metadata::progress::Mark;
use gangplank_store::open::may_remove;
use tokio_util::sync::CancellationToken;

use super::job::{Job, Next};
use super::parts::Parts;
use super::suspects::{self, Suspects};
use crate::app::App;

const PARTS: Parts =
    Parts { part: Mark::ComparedPart, due: Mark::ComparisonDue, all: Duration::from_hours(7 * 24) };

/// How many rows are read at once.
const PAGE: usize = 1_000;

/// Compares one part in each round.
pub(super) struct Comparison {
    app: Arc<App>,
    suspects: Suspects,
}

impl Comparison {
    pub(super) fn of(app: &Arc<App>) -> Self {
        Self { app: Arc::clone(app), suspects: Suspects::default() }
    }
}

#[async_trait]
impl Job for Comparison {
    async fn round(&mut self, stop: &CancellationToken) -> anyhow::Result<Next> {
        let app = Arc::clone(&self.app);
        let metadata = app.metadata.as_ref();
        self.suspects.look_again(&app).await?;
        let pause = match PARTS.next(metadata, app.clock.steady()).await? {
            Err(pause) => pause,
            Ok(part) => {
                may_remove(metadata, app.blobs.as_ref(), app.removal_terms.failovers).await?;
                let missing =
                    compare(&app, part, stop).await.context("cannot compare rows with the bucket")?;
                for content in missing {
                    self.suspects.note(content, app.clock.steady());
                }
                PARTS.done(part, metadata, app.clock.steady()).await?
            }
        };
        Ok(Next::In(pause))
    }
}

/// The contents of a part that are missing in the bucket, or differ from their rows, at this first look.
async fn compare(app: &App, part: u8, stop: &CancellationToken) -> anyhow::Result<Vec<KeptContent>> {
    let listed = app.blobs.inventory(part).await?;
    let listed: HashMap<ContentKey, u64> =
        listed.into_iter().map(|Published { key, size }| (key, size)).collect();
    let (mut missing, mut compared, mut after) = (Vec::new(), 0, None);
    loop {
        let page = app.metadata.contents_of_part(part, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.key.clone());
        compared += page.len();
        let differs = |content: &KeptContent| listed.get(&content.key) != Some(&content.size);
        missing.extend(page.into_iter().filter(|content| !content.damaged && differs(content)));
        if missing.len() > suspects::MOST || stop.is_cancelled() {
            break;
        }
    }
    anyhow::ensure!(
        missing.len() <= suspects::MOST,
        "of the first {compared} contents of part {part:02x}, the bucket lacks {}, so none is marked as damaged: is it \
         the right bucket? If its content is lost, `gangplank fsck --repair` marks it",
        missing.len()
    );
    // A row may be younger than the listing.
    let mut suspects = Vec::new();
    for content in missing {
        if app.blobs.stat_anew(&content.key).await? != Some(content.size) {
            suspects.push(content);
        }
    }
    Ok(suspects)
}
