//! Checks that a folder of bytes belongs to the database. Both contain the same number: the database in a row,
//! the folder in `blobs/id`. Without the check, a disk that is not mounted or a wrong disk would look like a
//! store that has lost everything.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::blobs::{BlobStatter as _, Folder, ID};
use crate::metadata::Metadata;
use crate::metadata::progress::Mark;
use crate::{Result, StoreError, durable_file};

/// How many contents are searched for at once.
const PAGE: usize = 200;

/// The relation of a folder to a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The folder belongs to the database. Both have this number.
    Own(i64),
    /// The database has no number yet and takes this one, which the folder has.
    Adopted(i64),
    /// Neither has a number: both are new, or older than these numbers.
    New,
    /// The folder has no number. The value is the number of the database, if it has one.
    Lost(Option<i64>),
    /// The folder has the number of another database. The value is the number of this database.
    Another(i64),
}

impl Standing {
    /// Compares the two.
    pub(super) async fn of(metadata: &dyn Metadata, blobs: &Path) -> Result<Self> {
        let number = metadata.mark(Mark::ContentFolder).await?;
        Ok(match (number, number_of(blobs)?) {
            (Some(ours), Some(found)) if ours == found => Self::Own(ours),
            (Some(ours), Some(_)) => Self::Another(ours),
            (Some(ours), None) => Self::Lost(Some(ours)),
            (None, Some(found)) => Self::Adopted(found),
            (None, None) if metadata.content_totals(0).await?.count > 0 && !has_content(blobs) => {
                Self::Lost(None)
            }
            (None, None) => Self::New,
        })
    }

    /// The fault of the folder, in words that follow its name in a message; `None` if there is no fault.
    pub(super) fn fault(self) -> Option<&'static str> {
        match self {
            Self::Own(_) | Self::Adopted(_) | Self::New => None,
            Self::Lost(_) => Some("is missing, or has lost its file id"),
            Self::Another(_) => Some("is the one of another database"),
        }
    }

    /// The number that the database has or takes.
    pub(super) fn number(self) -> Option<i64> {
        match self {
            Self::Own(number) | Self::Adopted(number) | Self::Another(number) => Some(number),
            Self::Lost(number) => number,
            Self::New => None,
        }
    }
}

/// Writes the number where it is missing, and opens the folder. Returns both.
pub(super) async fn settle(
    metadata: &dyn Metadata,
    blobs: &Path,
    standing: Standing,
) -> Result<(Folder, i64)> {
    if let Standing::Own(number) = standing {
        return Ok((Folder::open(blobs)?, number));
    }
    let number = standing.number().unwrap_or_else(new_number);
    durable_file::make_folder(blobs)?;
    write_number(blobs, number)?;
    // Opening syncs the folder's names. The row comes last: if only the row existed after a crash, the folder
    // would count as lost.
    let folder = Folder::open(blobs)?;
    metadata.set_marks(vec![(Mark::ContentFolder, number)]).await?;
    Ok((folder, number))
}

/// Renames a folder of another database; returns its new path, or `None` if it is no such folder.
pub(super) async fn put_aside_if_anothers(
    metadata: &dyn Metadata,
    blobs: &Path,
    standing: Standing,
) -> Result<Option<PathBuf>> {
    let is_anothers = match standing {
        Standing::Another(_) => true,
        Standing::Lost(_) => has_content(blobs) && !knows_any(metadata, blobs).await?,
        _ => false,
    };
    is_anothers.then(|| put_aside(blobs)).transpose()
}

/// Writes the number of a folder. It is durable after the folder is synced.
///
/// # Errors
/// If the file cannot be written.
pub fn write_number(blobs: &Path, number: i64) -> io::Result<()> {
    durable_file::place(&blobs.join(ID), &blobs.join(".id.new"), 0o600, &text_of(number))
}

/// The content of the file with a number.
pub fn text_of(number: i64) -> Vec<u8> {
    format!("{number:016x}\n").into_bytes()
}

/// The number of a folder; `None` if it has none.
///
/// # Errors
/// If the file cannot be read.
pub fn number_of(blobs: &Path) -> Result<Option<i64>> {
    let path = blobs.join(ID);
    match fs::read_to_string(&path) {
        // A damaged number becomes one that no database has.
        Ok(text) => Ok(Some(i64::from_str_radix(text.trim(), 16).unwrap_or(-1))),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(StoreError::unavailable(format!("cannot read {}: {error}", path.display()))),
    }
}

/// A new random number.
pub(super) fn new_number() -> i64 {
    let (_, random) = uuid::Uuid::new_v4().as_u64_pair();
    (random & u64::MAX >> 1).cast_signed()
}

fn has_content(blobs: &Path) -> bool {
    fs::read_dir(blobs.join("content")).is_ok_and(|mut shards| shards.next().is_some())
}

/// Whether the folder has any content that the database knows.
async fn knows_any(metadata: &dyn Metadata, blobs: &Path) -> Result<bool> {
    let folder = Folder::open_to_read(blobs);
    let mut position = 0;
    loop {
        let page = metadata.contents(position, PAGE).await?;
        let Some(last) = page.last() else { return Ok(false) };
        position = last.row;
        for content in &page {
            if folder.stat(&content.key).await?.is_some() {
                return Ok(true);
            }
        }
    }
}

fn put_aside(blobs: &Path) -> Result<PathBuf> {
    let names = std::iter::once("blobs-aside".to_owned()).chain((2..).map(|n| format!("blobs-aside-{n}")));
    let aside = names.map(|name| blobs.with_file_name(name)).find(|aside| !aside.exists());
    let aside = aside.ok_or_else(|| StoreError::unavailable("there is no name for the other folder"))?;
    fs::rename(blobs, &aside).map_err(|error| {
        StoreError::unusable(format!(
            "the folder {} holds another server's content, and cannot be renamed: unmount it first ({error})",
            blobs.display()
        ))
    })?;
    Ok(aside)
}
