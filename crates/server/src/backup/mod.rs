//! Backups of a data directory, whose server may run, and their restoration.
//!
//! ```text
//! gangplank-backup.json   what the backup is, written last
//! gangplank.db            the rows as they were at one moment
//! master.key              if it is wanted, and kept in the data directory
//! blobs/                  the content that the rows know, as a data directory has it
//! ```
//!
//! A stream is a tar archive of the same files, the database first. Why a backup is consistent is told in
//! [`removals`](crate::removals): from before the copy of the rows until the last byte is copied, no content is removed.
//! What was printed by containers, uploads that are under way, and `config` are not in it.

mod copying;
mod folder;
mod manifest;
mod place;
mod restoring;
mod scratch;
mod source;
mod stream;

use std::path::PathBuf;

pub use folder::to_folder;
pub use restoring::{from_folder, from_stream};
pub use stream::to_stream;

/// How many contents are listed at once.
const PAGE: usize = 500;

/// What a backup is to have.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Whether the master key goes into it.
    pub master_key: bool,
    /// The folder for temporary files, if not the data directory.
    pub scratch: Option<PathBuf>,
}

/// Where the master key of a backup is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKept {
    /// In the backup.
    Inside,
    /// In the data directory only, as was wanted.
    LeftOut,
    /// In a file that an operator keeps elsewhere.
    Elsewhere,
}

/// A backup that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// How many contents it has.
    pub contents: u64,
    /// How many bytes those have.
    pub bytes: u64,
    /// How many of them were not in it before.
    pub copied: u64,
    /// How many bytes those have.
    pub copied_bytes: u64,
    /// How many contents were removed from it, since nothing needs them any more.
    pub removed: u64,
    /// The contents whose bytes are broken or missing in the data directory, and so are not in it.
    pub damaged: Vec<String>,
    /// Where the master key is.
    pub key: KeyKept,
}

/// What opens the secrets of a restored directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRestored {
    /// The backup's master key, which is in the directory.
    Inside,
    /// The file that was named, which is needed at each start.
    Named,
    /// A file that has to be found before a start.
    Needed,
}

/// A data directory that was restored.
#[derive(Clone, Debug)]
pub struct Restored {
    /// When the backup was begun, in milliseconds since 1970.
    pub begun_at: i64,
    /// How many contents it has.
    pub contents: u64,
    /// How many bytes those have.
    pub bytes: u64,
    /// The contents whose bytes are not there; the next push brings them back.
    pub damaged: Vec<String>,
    /// What opens its secrets.
    pub key: KeyRestored,
    /// Whether there is an enabled root key, which `credentials` has then.
    pub has_credentials: bool,
}
