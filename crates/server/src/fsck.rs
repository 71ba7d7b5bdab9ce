//! Checks a store: rows against rows, rows against bytes, bytes against digests, and bytes against
//! rows. A server may run meanwhile. So a mismatch between bytes and rows is looked at again before it is
//! reported.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use gangplank_core::Time;
use gangplank_store::blobs::{BlobStore, Checkpoint, ContentKey};
use gangplank_store::metadata::inspection::{Fault, KeptContent};
use gangplank_store::metadata::progress::Mark;
use gangplank_store::metadata::{Agreed as _, Metadata, Postgres};
use gangplank_store::open::{Bucket, Mode, StoreConfig, Stores, blobs_in};

mod sizes;
mod strays;

use crate::data_dir::DataDir;
use crate::hashing::{Bytes, look};

const PAGE: usize = 200;

/// The folder of bytes is missing, or belongs to another database.
const FOLDER: &str = "content-folder";

/// How long content may have bytes and no row before the second look.
const PATIENCE: Duration = Duration::from_secs(2);

/// The action for content with broken bytes, in this check or an earlier one.
const MARKED: &str = "marked: clients are told that it is not here, and the next push replaces it";

/// A fault that the check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The kind of the fault, in one word. Scripts may rely on it.
    pub kind: &'static str,
    /// The fault in words.
    pub what: String,
    /// The names of registered images that need the content. If there are many, the first of them.
    pub images: Vec<String>,
    /// The action that was taken against the fault; `None` if none was.
    pub done: Option<&'static str>,
    /// Whether the fault is repaired.
    pub repaired: bool,
}

/// The extent and the findings of a check.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The number of contents that were read.
    pub contents: u64,
    /// The size of these contents together, in bytes.
    pub bytes: u64,
    /// The faults that were found.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether broken content has to be pushed again.
    pub fn waits_for_a_push(&self) -> bool {
        self.findings.iter().any(|finding| finding.done == Some(MARKED) && !finding.repaired)
    }

    /// Whether every fault is repaired.
    pub fn is_well(&self) -> bool {
        self.findings.iter().all(|finding| finding.repaired)
    }
}

/// Checks a data directory, and its bucket if it has one. Changes nothing, so a server may run. `progress` gets
/// the number of bytes that were read, and the number of all bytes.
///
/// # Errors
/// If the stores cannot be read.
pub async fn check(path: &Path, bucket: Option<Bucket>, progress: impl FnMut(u64, u64)) -> Result<Report> {
    let store = StoreConfig::local(path, Mode::Read).with_bucket(bucket);
    let rows = store.rows().await.context("cannot read the database")?;
    let Stores { metadata, blobs, fault, .. } = rows.with_bytes().await?;
    let mut check = Check::new(metadata, blobs, false);
    if let Some(fault) = fault {
        let folder = blobs_in(path);
        let what = format!("the folder {} {}: mount its disk, or restore it", folder.display(), fault.what);
        check.found(FOLDER, what, None);
    }
    check.run(progress).await
}

/// Checks a data directory that no server uses, and repairs faults. Whole content that has a row is never lost.
///
/// # Errors
/// If the stores cannot be opened or fail.
pub async fn repair(
    data_dir: &DataDir,
    bucket: Option<Bucket>,
    progress: impl FnMut(u64, u64),
) -> Result<Report> {
    let store = data_dir.store(Mode::Offline).with_bucket(bucket);
    let rows = store.rows().await.context("cannot open the database")?;
    let Stores { metadata, blobs, fault, .. } = rows.with_bytes_anew().await?;
    let mut check = Check::new(metadata, blobs, true);
    if let Some(fault) = fault {
        let aside = fault.aside.map(|aside| format!("; what was there is in {} now", aside.display()));
        let (folder, aside) = (data_dir.blobs(), aside.unwrap_or_default());
        let what = format!("the folder {} {}{aside}", folder.display(), fault.what);
        check.found(FOLDER, what, Some("made anew"));
    }
    check.run(progress).await
}

/// How the check looks at the bytes of content in a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// All are read, and compared with their digests.
    Read,
    /// Their sizes are compared with the bucket's listing.
    Sizes,
}

/// Checks a store that servers share. Changes nothing. `progress` has the same meaning as in [`check`].
///
/// # Errors
/// If the store cannot be read.
pub async fn check_shared(store: StoreConfig, look: Look, progress: impl FnMut(u64, u64)) -> Result<Report> {
    shared(store, look, false).await?.run(progress).await
}

/// Checks a store that servers share, and repairs faults. The servers may run meanwhile. The servers themselves
/// remove content without a row.
///
/// # Errors
/// If the store cannot be opened or fails.
pub async fn repair_shared(store: StoreConfig, look: Look, progress: impl FnMut(u64, u64)) -> Result<Report> {
    shared(store, look, true).await?.run(progress).await
}

async fn shared(store: StoreConfig, look: Look, repair: bool) -> Result<Check> {
    let rows = store.rows().await.context("cannot open the database")?;
    let cluster = rows.cluster.clone();
    let Stores { metadata, blobs, .. } = rows.with_bytes().await?;
    Ok(Check { cluster, look, ..Check::new(metadata, blobs, repair) })
}

struct Check {
    /// The servers that use the store at the same time; `None` if none may run.
    cluster: Option<Arc<Postgres>>,
    look: Look,
    metadata: Arc<dyn Metadata>,
    blobs: Arc<dyn BlobStore>,
    repair: bool,
    report: Report,
    /// Contents with broken bytes, by the digest and the size that they should have.
    broken: HashMap<(String, u64), Vec<ContentKey>>,
}

impl Check {
    fn new(metadata: Arc<dyn Metadata>, blobs: Arc<dyn BlobStore>, repair: bool) -> Self {
        let (report, broken) = (Report::default(), HashMap::new());
        Self { cluster: None, look: Look::Read, metadata, blobs, repair, report, broken }
    }

    async fn run(mut self, progress: impl FnMut(u64, u64)) -> Result<Report> {
        self.rows().await?;
        match self.look {
            Look::Read => self.contents(progress).await?,
            Look::Sizes => self.sizes(progress).await?,
        }
        self.uploads().await?;
        self.strays().await?;
        Ok(self.report)
    }

    /// Reports a fault, and its repair if it was repaired.
    fn found(&mut self, kind: &'static str, what: String, repair: Option<&'static str>) {
        self.found_in(Vec::new(), kind, what, repair);
    }

    /// Reports a fault of content that registered images need.
    fn found_in(
        &mut self,
        images: Vec<String>,
        kind: &'static str,
        what: String,
        repair: Option<&'static str>,
    ) {
        self.report.findings.push(Finding { kind, what, images, done: repair, repaired: repair.is_some() });
    }

    /// Reports broken content that is marked as damaged. The next push repairs it.
    fn found_marked(&mut self, images: Vec<String>, kind: &'static str, what: String) {
        self.report.findings.push(Finding { kind, what, images, done: Some(MARKED), repaired: false });
    }

    /// The steady time that the database recorded last.
    async fn now(&self) -> Result<Time> {
        if let Some(cluster) = &self.cluster {
            return Ok(cluster.steady_time().unwrap_or(Time(i64::MAX / 2)));
        }
        Ok(Time(self.metadata.mark(Mark::SteadyTime).await?.unwrap_or(i64::MAX / 2)))
    }

    /// Checks rows against rows.
    async fn rows(&mut self) -> Result<()> {
        let now = self.now().await?;
        let mut contradictions = self.metadata.contradictions(now).await?;
        if self.repair && !contradictions.is_empty() {
            self.metadata.reconcile(now).await?;
        }
        let left =
            if self.repair { self.metadata.contradictions(now).await? } else { contradictions.clone() };
        for contradiction in contradictions.drain(..) {
            let repaired = !left.contains(&contradiction);
            let (kind, text) = match contradiction.fault {
                Fault::Database => ("database", "the database contradicts itself"),
                Fault::DanglingReference => ("dangling-reference", "a registered image is not whole"),
                Fault::DamagedManifest => ("damaged-manifest", "the bytes of a manifest are not its own"),
                Fault::WrongHold => ("wrong-hold", "it is not noted rightly whether this is held"),
                Fault::WrongContents => {
                    ("wrong-contents", "it is not noted rightly what an image is made of")
                }
                Fault::WrongUsage => ("wrong-usage", "it is not noted rightly how much an account has"),
                Fault::LeaseAhead => ("lease-ahead", "this was leased in the future"),
                Fault::UnlinkedContent => ("unlinked-content", "no repository holds this content"),
            };
            let done = repaired.then_some("set right from the other rows");
            self.found_in(contradiction.images, kind, format!("{text}: {}", contradiction.what), done);
        }
        Ok(())
    }

    /// Checks rows against bytes, and bytes against digests.
    async fn contents(&mut self, mut progress: impl FnMut(u64, u64)) -> Result<()> {
        let total = self.metadata.content_totals(0).await?.bytes;
        let mut position = 0;
        loop {
            let page = self.metadata.contents(position, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            position = last.row;
            for content in page {
                let bytes = look(self.blobs.as_ref(), &content, None).await;
                self.report.contents += 1;
                self.report.bytes += content.size;
                progress(self.report.bytes, total.max(self.report.bytes));
                let is_as_noted = bytes == Bytes::Whole && !content.damaged;
                if !is_as_noted && self.is_still_there(&content).await? {
                    self.broken(&content, bytes).await?;
                }
            }
        }
    }

    /// Whether the row still has the content that was looked at.
    async fn is_still_there(&self, content: &KeptContent) -> Result<bool> {
        let now = self.metadata.tenant_content(&content.tenant, &content.digest).await?;
        Ok(now.is_some_and(|now| now.key == content.key))
    }

    async fn broken(&mut self, content: &KeptContent, bytes: Bytes) -> Result<()> {
        let KeptContent { tenant, digest, size, key, .. } = content;
        let place = format!("{digest} of account {} in {}", tenant.account, tenant.region);
        if bytes == Bytes::Whole {
            let done = if self.repair && self.metadata.mark_whole(key).await? {
                Some("the mark was taken off")
            } else {
                None
            };
            let what = format!("{place} is marked as damaged, and is whole ({key})");
            self.found("marked-content", what, done);
            return Ok(());
        }
        let (kind, what) = match bytes {
            Bytes::Missing => ("missing-content", format!("the bytes of {place} are missing ({key})")),
            Bytes::Short(length) => {
                ("short-content", format!("of {place}, there are {length} bytes and not {size} ({key})"))
            }
            Bytes::Unreadable(why) => {
                ("unreadable-content", format!("the bytes of {place} cannot be read: {why} ({key})"))
            }
            _ => ("damaged-content", format!("the bytes of {place} are not its own ({key})")),
        };
        self.broken.entry((digest.to_string(), *size)).or_default().push(key.clone());
        if self.repair && !content.damaged {
            self.metadata.mark_damaged(key).await?;
        }
        let images = self.metadata.images_with(content.row).await?;
        if self.repair || content.damaged {
            self.found_marked(images, kind, what);
        } else {
            self.found_in(images, kind, what, None);
        }
        Ok(())
    }

    /// Checks upload sessions against staged bytes.
    async fn uploads(&mut self) -> Result<()> {
        let (strays, short) = self.wrong_uploads().await?;
        if strays.is_empty() && short.is_empty() {
            return Ok(());
        }
        if !self.repair {
            tokio::time::sleep(PATIENCE).await;
        }
        let (strays_now, short_now) = self.wrong_uploads().await?;
        for (key, checkpoint) in strays_now.iter().filter(|(key, _)| strays.contains_key(key)) {
            let mut done = None;
            if self.repair {
                self.blobs.cancel(key, checkpoint).await?;
                done = Some("removed");
            }
            self.found("staged-without-session", format!("{key} is staged and belongs to no upload"), done);
        }
        for key in short.intersection(&short_now) {
            // The server ends such a session at its next request, or when it has been idle for too long.
            let what = format!(
                "upload {key} has fewer bytes than were counted; it will be over when it is asked for"
            );
            self.found("session-without-bytes", what, None);
        }
        Ok(())
    }

    async fn wrong_uploads(&self) -> Result<(HashMap<ContentKey, Checkpoint>, HashSet<ContentKey>)> {
        // Staged bytes are listed first and sessions second, so an upload that ends in between looks like bytes
        // without a session. In the other order, an upload that begins in between would look like that. So the
        // caller looks twice. During a repair beside running servers, young bytes are left out, because a server
        // may be about to record their session.
        let is_beside = self.repair && self.cluster.is_some();
        let older_than = if is_beside { self.blobs.settles_after() } else { Duration::ZERO };
        let staged = self.blobs.staged(older_than).await?.into_iter();
        let mut staged: HashMap<_, _> = staged.map(|staged| (staged.key, staged.checkpoint)).collect();
        let sessions: HashMap<_, _> = self.metadata.open_uploads().await?.into_iter().collect();
        staged.retain(|key, _| !sessions.contains_key(key));
        let unknown = self.metadata.unknown_content(staged.keys().cloned().collect()).await?;
        staged.retain(|key, _| unknown.contains(key));
        let mut short = HashSet::new();
        for (key, checkpoint) in sessions {
            if self.blobs.vouch(&key, &checkpoint).await?.is_none() {
                short.insert(key);
            }
        }
        Ok((staged, short))
    }
}
