//! All rows of all tenants, for a check, and the contradictions between them.

use async_trait::async_trait;
use gangplank_core::{Tenant, Time};
use gangplank_oci::Digest;

use crate::Result;
use crate::blobs::{Checkpoint, ContentKey};

/// Content that has a row.
#[derive(Clone, Debug)]
pub struct KeptContent {
    /// The number of its row, which is also the mark for the next page.
    pub row: i64,
    /// The tenant that it belongs to.
    pub tenant: Tenant,
    /// The digest that its bytes must have.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// The key of its bytes.
    pub key: ContentKey,
    /// Whether it is marked as damaged.
    pub damaged: bool,
}

/// A number of contents, and their size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContentTotals {
    /// How many contents.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// The kind of a contradiction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The database file itself is damaged.
    Database,
    /// A registered image references something that its repository does not have.
    DanglingReference,
    /// The bytes of a manifest do not match its digest.
    DamagedManifest,
    /// A column `held` contradicts the edges.
    WrongHold,
    /// A lease begins in the future.
    LeaseAhead,
    /// The recorded contents of a registered image differ from those that its manifests name.
    WrongContents,
    /// The usage in an account's row is wrong.
    WrongUsage,
    /// A content row that no repository links to.
    UnlinkedContent,
}

/// Rows that contradict each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// Its kind.
    pub fault: Fault,
    /// A sentence that names the rows.
    pub what: String,
    /// The names of registered images that it affects; not all if there are many.
    pub images: Vec<String>,
}

/// Lets a check read all rows. Clients never see the answers.
#[async_trait]
pub trait Inspection: Send + Sync {
    /// At most `limit` contents after the row `after`, in the order of their rows.
    async fn contents(&self, after: i64, limit: usize) -> Result<Vec<KeptContent>>;
    /// At most `limit` contents after the key `after` whose bytes are in this part of the blob store
    /// ([`ContentKey::part`]), in the order of their keys.
    async fn contents_of_part(
        &self,
        part: u8,
        after: Option<ContentKey>,
        limit: usize,
    ) -> Result<Vec<KeptContent>>;
    /// The names of registered images that contain the content of this row; not all if there are many.
    async fn images_with(&self, content: i64) -> Result<Vec<String>>;
    /// How many contents are marked as damaged, counted up to `most`.
    async fn damaged_contents(&self, most: usize) -> Result<usize>;
    /// The totals of the contents after the row `after`.
    async fn content_totals(&self, after: i64) -> Result<ContentTotals>;
    /// The checkpoints of the open uploads, each with the key of its content.
    async fn open_uploads(&self) -> Result<Vec<(ContentKey, Checkpoint)>>;
    /// All contradictions. `now` is the steady time.
    async fn contradictions(&self, now: Time) -> Result<Vec<Contradiction>>;
    /// Repairs the values that follow from other rows: holds, recorded contents of images, usage of accounts,
    /// and leases in the future. Content that no repository links to is discarded.
    async fn reconcile(&self, now: Time) -> Result<()>;
    /// Gives the blob with the bytes under `broken` the bytes under `whole`, a key that no row has. The broken
    /// bytes are discarded at `now`, by the steady time. `false` if no blob has the key `broken` any more.
    async fn replace_content(&self, broken: &ContentKey, whole: &ContentKey, now: Time) -> Result<bool>;
}
