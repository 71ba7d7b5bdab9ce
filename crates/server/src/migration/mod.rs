//! Moves a store: from a data directory to a database and a bucket, or back.
//!
//! Bytes come first, under the same keys, and are hashed on the way. Servers may run meanwhile, and a second
//! run copies only new content. Then, with all servers stopped, the rows follow in one transaction. Both ends
//! record the state ([`Move`]), so that no server starts on an incomplete store:
//!
//! 1. The target records *arriving* before anything else is made there.
//! 2. When it has all rows and bytes, they are compared, and it records *arrived*.
//! 3. The source has *moved*.
//! 4. The note of the target is removed.
//!
//! A stop between two of these steps leaves at most one end that a server would use. The next run continues.

mod comparing;
mod content;
mod estimate;
mod from_directory;
pub(crate) mod state;
mod to_directory;

use std::fmt;

use anyhow::{Context as _, Result, bail};
use gangplank_core::AccessKeyId;
use gangplank_store::metadata::{AccessKeys, Target};
use gangplank_store::open::Bucket;

pub use estimate::{Estimate, of_directory, of_shared};
pub use from_directory::from_directory;
pub use to_directory::to_directory;

use crate::sealing::MasterKey;

/// The database and the bucket at one end of a migration.
#[derive(Clone)]
pub struct Shared {
    /// The database.
    pub database: Target,
    /// The bucket.
    pub bucket: Bucket,
    /// A description of both for people, such as `the database postgres://db/gangplank and the bucket
    /// s3://images`, without secrets.
    pub place: String,
}

/// The extent of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Only the bytes that are not at the target yet. Servers may run.
    Content,
    /// Everything. Afterwards servers use the target.
    Everything,
}

/// The master key that opens the sealed data in the rows.
#[derive(Debug)]
pub enum Key {
    /// The key in the data directory.
    OfDirectory,
    /// A key that the operator keeps elsewhere.
    Given(MasterKey),
    /// A key that the data directory keeps from now on, in the text form of its file.
    ToKeep(MasterKey, Vec<u8>),
}

impl Key {
    /// The key, if it is given.
    ///
    /// # Errors
    /// If the key belongs to a directory that does not exist yet.
    fn given(&self) -> Result<&MasterKey> {
        match self {
            Self::Given(master) | Self::ToKeep(master, _) => Ok(master),
            Self::OfDirectory => bail!(NAME_A_KEY),
        }
    }
}

const NAME_A_KEY: &str =
    "name the file with the master key with --master-key-file, or set GANGPLANK_MASTER_KEY";

/// The result of a run.
#[derive(Clone, Debug, Default)]
pub struct Moved {
    /// How many contents the target has.
    pub contents: u64,
    /// The bytes of all these contents.
    pub bytes: u64,
    /// How many contents this run copied.
    pub copied: u64,
    /// The bytes of these contents.
    pub copied_bytes: u64,
    /// How many rows were copied; `None` if only content was copied.
    pub rows: Option<u64>,
    /// The contents that could not be copied, because they are damaged or missing at the source.
    pub damaged: Vec<String>,
    /// How many contents without a row were removed from the target. An earlier run had copied them.
    pub removed: u64,
    /// Whether an earlier run had already done everything except for the last step.
    pub was_done: bool,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("place", &self.place).finish_non_exhaustive()
    }
}

/// Checks that a master key opens the secret of an access key. Without any key in the rows, every key is right.
async fn check(master: &MasterKey, keys: &(impl AccessKeys + ?Sized)) -> Result<()> {
    let Some((id, sealed)) = some_key(keys).await? else { return Ok(()) };
    let opened = master.open_secret(&id, &sealed);
    opened.map(drop).context(
        "this is not the master key of the store: what is sealed in the rows could not be opened at the new place",
    )
}

async fn some_key(keys: &(impl AccessKeys + ?Sized)) -> Result<Option<(AccessKeyId, Vec<u8>)>> {
    let page = keys.access_keys(None, None, 1).await?;
    Ok(page.keys.into_iter().next().map(|key| (key.id, key.sealed_secret)))
}
