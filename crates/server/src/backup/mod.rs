//! Backups of a data directory, and their restoration. The server may run meanwhile.
//!
//! ```text
//! gangplank-backup.json   what the backup is, written last
//! gangplank.db            the rows as they were at one moment
//! master.key              if it is wanted, and kept in the data directory
//! blobs/                  the content that the rows know, as a data directory has it
//! ```
//!
//! A stream is a tar archive of the same files, the database first. A backup is consistent: from the beginning
//! of the copy until its last byte, no content is removed (see [`removals`](crate::removals)). A backup has no
//! logs of containers, no unfinished uploads, and no `config`.

mod copying;
mod folder;
mod manifest;
mod place;
mod restoring;
mod scratch;
mod source;
mod stream;

use std::path::PathBuf;

pub(crate) use folder::LOST_AND_FOUND;
pub use folder::to_folder;
pub use restoring::{from_folder, from_stream};
pub use stream::to_stream;

/// How many contents are listed at once.
const PAGE: usize = 500;

/// The options of a backup.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Whether the backup gets the master key.
    pub master_key: bool,
    /// The folder for temporary files, if not the data directory.
    pub scratch: Option<PathBuf>,
}

/// Where the master key for a backup is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKept {
    /// The backup contains it.
    Inside,
    /// Only the data directory has it, as the caller wished.
    LeftOut,
    /// It is in a file outside the data directory, which the operator keeps.
    Elsewhere,
}

/// The result of a backup.
#[derive(Clone, Debug)]
pub struct Made {
    /// How many contents it has.
    pub contents: u64,
    /// The bytes of all contents.
    pub bytes: u64,
    /// How many contents this run copied.
    pub copied: u64,
    /// The bytes of the copied contents.
    pub copied_bytes: u64,
    /// How many contents were removed from the folder, since this backup does not need them.
    pub removed: u64,
    /// The contents that the backup lacks, since they are damaged or missing in the data directory.
    pub damaged: Vec<String>,
    /// Where the master key is.
    pub key: KeyKept,
}

/// The master key of a restored directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRestored {
    /// The backup's own key, which is in the directory now.
    Inside,
    /// The key in the file that the operator named. Each start needs that file.
    Named,
    /// The directory has no key. Each start needs the file of the key.
    Needed,
}

/// The result of a restoration.
#[derive(Clone, Debug)]
pub struct Restored {
    /// When the backup began, in milliseconds since 1970.
    pub begun_at: i64,
    /// How many contents it has.
    pub contents: u64,
    /// The bytes of those contents.
    pub bytes: u64,
    /// The contents whose bytes are missing. The next push brings them back.
    pub damaged: Vec<String>,
    /// The master key.
    pub key: KeyRestored,
    /// Whether the restoration wrote `credentials`: it has an enabled root key, if there is one.
    pub has_credentials: bool,
}
