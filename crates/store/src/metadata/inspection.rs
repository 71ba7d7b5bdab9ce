//! The rows as a check sees them: all of them, of all tenants, and what they contradict.

use async_trait::async_trait;
use gangplank_core::{Tenant, Time};
use gangplank_oci::Digest;

use crate::Result;
use crate::blobs::{Checkpoint, ContentKey};

/// Content that a row says there is.
#[derive(Clone, Debug)]
pub struct KeptContent {
    /// Its row, by which the next ones are asked for.
    pub row: i64,
    /// Whose it is.
    pub tenant: Tenant,
    /// What its bytes must hash to.
    pub digest: Digest,
    /// How many bytes it must have.
    pub size: u64,
    /// Where they are.
    pub key: ContentKey,
    /// Whether it is known to be damaged.
    pub damaged: bool,
}

/// How much content there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContentTotals {
    /// How many contents.
    pub count: u64,
    /// How many bytes they have.
    pub bytes: u64,
}

/// What kind of rows contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The database file itself is damaged.
    Database,
    /// What is registered references what its repository does not have.
    DanglingReference,
    /// A manifest's bytes are not those of its digest.
    DamagedManifest,
    /// Something is held that should not be, or the other way round.
    WrongHold,
    /// A lease was taken in the future.
    LeaseAhead,
    /// The kept contents of a registered image are not those that its manifests name.
    WrongContents,
    /// An account's row does not say what it has.
    WrongUsage,
    /// Content that no repository holds and that was not discarded.
    UnlinkedContent,
}

/// Rows that contradict each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// Of what kind.
    pub fault: Fault,
    /// What, where.
    pub what: String,
    /// The registered images that are hit, by their names; of many, the first.
    pub images: Vec<String>,
}

/// Lets a check see all rows. These calls answer no client.
#[async_trait]
pub trait Inspection: Send + Sync {
    /// The contents behind row `after`, in the order of their rows, up to `limit`.
    async fn contents(&self, after: i64, limit: usize) -> Result<Vec<KeptContent>>;
    /// The names of the registered images that have a content, by its row; of many, the first.
    async fn images_with(&self, content: i64) -> Result<Vec<String>>;
    /// How many contents are known to be damaged, counted up to `most`.
    async fn damaged_contents(&self, most: usize) -> Result<usize>;
    /// How much content there is behind row `after`.
    async fn content_totals(&self, after: i64) -> Result<ContentTotals>;
    /// How far the open uploads have come, each by the key of its content.
    async fn open_uploads(&self) -> Result<Vec<(ContentKey, Checkpoint)>>;
    /// Rows that contradict each other, at `now` by the steady time.
    async fn contradictions(&self, now: Time) -> Result<Vec<Contradiction>>;
    /// Sets right those that can be, from what the other rows say: holds, contents of images, what accounts have,
    /// leases in the future, and content that no repository holds, which is discarded.
    async fn reconcile(&self, now: Time) -> Result<()>;
    /// Lets the blob whose bytes are under `broken` have those under `whole`, which no row has; `false` if
    /// no blob has `broken` any more. The broken ones are discarded at `now` by the steady time.
    async fn replace_content(&self, broken: &ContentKey, whole: &ContentKey, now: Time) -> Result<bool>;
}
