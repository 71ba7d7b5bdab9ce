//! Copies bytes from one store to another under the same keys, and compares them with their digests on the way.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::TryStreamExt as _;
use gangplank_store::StoreError;
use gangplank_store::blobs::{BlobStore, Checkpoint, ContentKey, Published, Read};
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::inspection::KeptContent;
use tokio::task::{JoinSet, block_in_place};

/// How many contents are listed at once.
const PAGE: usize = 500;

/// How many contents are copied at once.
const AT_ONCE: usize = 8;

/// The contents that are at the target, with their sizes.
pub(super) type There = HashMap<ContentKey, u64>;

/// The result of copying.
#[derive(Debug, Default)]
pub(super) struct Copied {
    /// All contents that the rows name.
    pub(super) contents: u64,
    pub(super) bytes: u64,
    /// How many contents this run copied.
    pub(super) new: u64,
    pub(super) new_bytes: u64,
    /// The contents that cannot be copied: the key, and a name for people.
    pub(super) damaged: Vec<(ContentKey, String)>,
}

/// The outcome for one content.
enum Outcome {
    Copied,
    /// The bytes are missing, or do not match the digest.
    Damaged,
}

/// Lists everything that is published in a store.
pub(super) async fn list(blobs: &dyn BlobStore) -> gangplank_store::Result<There> {
    let mut there = There::new();
    for part in 0..=255 {
        there.extend(blobs.inventory(part).await?.into_iter().map(|Published { key, size }| (key, size)));
    }
    Ok(there)
}

/// Removes what an interrupted run has staged.
pub(super) async fn clear_staged(blobs: &dyn BlobStore) -> gangplank_store::Result<()> {
    for staged in blobs.staged(Duration::ZERO).await? {
        blobs.cancel(&staged.key, &staged.checkpoint).await?;
    }
    Ok(())
}

/// Copies all content that the rows name and the target lacks. `progress` gets the bytes that are done, and all.
///
/// # Errors
/// If a store fails. Content that was copied stays.
pub(super) async fn copy(
    rows: &dyn Metadata,
    from: &Arc<dyn BlobStore>,
    to: &Arc<dyn BlobStore>,
    progress: &mut impl FnMut(u64, u64),
) -> Result<Copied> {
    let there = list(to.as_ref()).await.context("cannot list the content of the target")?;
    let total = rows.content_totals(0).await?.bytes;
    let (mut all, mut running, mut position) = (Copied::default(), JoinSet::new(), 0);
    loop {
        let page = rows.contents(position, PAGE).await?;
        let Some(last) = page.last() else { break };
        position = last.row;
        for content in page {
            all.contents += 1;
            if there.get(&content.key) == Some(&content.size) {
                all.bytes += content.size;
                progress(all.bytes, total.max(all.bytes));
                continue;
            }
            let is_there = there.contains_key(&content.key);
            while running.len() >= AT_ONCE {
                note(&mut all, running.join_next().await, total, progress)?;
            }
            let (from, to) = (Arc::clone(from), Arc::clone(to));
            running.spawn(async move {
                if is_there {
                    // Some other program has written it.
                    to.remove(std::slice::from_ref(&content.key))
                        .await
                        .into_iter()
                        .collect::<Result<(), _>>()?;
                }
                let outcome = one(&content, from.as_ref(), to.as_ref()).await?;
                Ok((content, outcome))
            });
        }
    }
    while !running.is_empty() {
        note(&mut all, running.join_next().await, total, progress)?;
    }
    Ok(all)
}

/// The result of a task that copies.
type Joined = Option<Result<gangplank_store::Result<(KeptContent, Outcome)>, tokio::task::JoinError>>;

fn note(all: &mut Copied, joined: Joined, total: u64, progress: &mut impl FnMut(u64, u64)) -> Result<()> {
    let Some(joined) = joined else { return Ok(()) };
    let (content, outcome) = joined.context("copying ended badly")?.context("cannot copy content")?;
    all.bytes += content.size;
    match outcome {
        Outcome::Copied => {
            all.new += 1;
            all.new_bytes += content.size;
        }
        Outcome::Damaged => {
            let name = format!(
                "{} of account {} in {}",
                content.digest, content.tenant.account, content.tenant.region
            );
            all.damaged.push((content.key, name));
        }
    }
    progress(all.bytes, total.max(all.bytes));
    Ok(())
}

async fn one(
    content: &KeptContent,
    from: &dyn BlobStore,
    to: &dyn BlobStore,
) -> gangplank_store::Result<Outcome> {
    let KeptContent { key, digest, size, .. } = content;
    let Some(reading) = from.read(key, 0..*size).await? else { return Ok(Outcome::Damaged) };
    if reading.size != *size {
        return Ok(Outcome::Damaged);
    }
    // A disk that cannot read a file has lost it. A remote store that does not answer has lost nothing.
    let is_file = matches!(reading.bytes, Read::File(_));
    let mut bytes = reading.bytes.into_stream();
    let beginning = Checkpoint::beginning(digest.algorithm());
    let mut writer = to.writer(key, &beginning)?;
    loop {
        let piece = match bytes.try_next().await {
            Ok(Some(piece)) => piece,
            Ok(None) => break,
            Err(_) if is_file => return given_up(writer, key, to).await,
            Err(error) => return Err(error.into()),
        };
        writer.ready().await?;
        block_in_place(|| writer.write(&piece))?;
    }
    if writer.hasher().clone().finish() != *digest {
        return given_up(writer, key, to).await;
    }
    let published = writer.commit().await?;
    if published != *key {
        return Err(StoreError::damaged(format!("{key} was published as {published}")));
    }
    Ok(Outcome::Copied)
}

async fn given_up(
    writer: Box<dyn gangplank_store::blobs::BlobWriter>,
    key: &ContentKey,
    to: &dyn BlobStore,
) -> gangplank_store::Result<Outcome> {
    drop(writer);
    to.cancel(key, &Checkpoint::to_cancel(Vec::new())).await?;
    Ok(Outcome::Damaged)
}
