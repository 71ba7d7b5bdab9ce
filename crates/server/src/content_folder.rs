//! That the folder of bytes is the database's own. Both have one number: as a row, and in `blobs/id`. A disk that is
//! not mounted, or another one, would otherwise look like a store that has lost everything, and be taken for a new one.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use gangplank_store::blobs::{BlobStatter as _, Folder, ID};
use gangplank_store::durable_file;
use gangplank_store::metadata::progress::Mark;
use gangplank_store::metadata::{Inspection as _, Progress as _, Sqlite};

use crate::data_dir::DataDir;
use crate::random;

/// How the folder stands to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is its own.
    Own,
    /// The database has no number yet, and takes this one: the folder has it already.
    Adopted(i64),
    /// Neither has one: both are new, or of a time before there were any.
    New,
    /// The number of the database, which the folder lacks.
    Lost(Option<i64>),
    /// The number of the database; the folder has that of another.
    Another(i64),
}

impl Standing {
    /// What is the matter, where something is.
    pub(crate) fn fault(self) -> Option<&'static str> {
        match self {
            Self::Own | Self::Adopted(_) | Self::New => None,
            Self::Lost(_) => Some("is missing, or has lost its file id"),
            Self::Another(_) => Some("is the one of another database"),
        }
    }
}

/// Looks at the two.
///
/// # Errors
/// If one of them cannot be read.
pub(crate) async fn standing(metadata: &Sqlite, blobs: &Path) -> Result<Standing> {
    let number = metadata.mark(Mark::ContentFolder).await?;
    Ok(match (number, read(blobs)?) {
        (Some(ours), Some(found)) if ours == found => Standing::Own,
        (Some(ours), Some(_)) => Standing::Another(ours),
        (Some(ours), None) => Standing::Lost(Some(ours)),
        (None, Some(found)) => Standing::Adopted(found),
        (None, None) if metadata.content_totals(0).await?.count > 0 && !has_content(blobs) => {
            Standing::Lost(None)
        }
        (None, None) => Standing::New,
    })
}

/// Opens the folder of a database, making it where both are new.
///
/// # Errors
/// If it is not the database's own, or cannot be opened.
pub(crate) async fn open(metadata: &Sqlite, data_dir: &DataDir) -> Result<Folder> {
    let blobs = data_dir.blobs();
    let standing = standing(metadata, &blobs).await?;
    if let Some(fault) = standing.fault() {
        bail!(
            "the folder {} {fault}, and the database knows content that is in it: mount its disk, or restore it from \
             a backup; if it is lost, `gangplank fsck --repair --data-dir {}` marks all that is missing and makes it \
             anew",
            blobs.display(),
            data_dir.path().display()
        );
    }
    settle(metadata, &blobs, standing).await
}

/// Makes the folder the database's own, whatever it is now, and opens it. That of another is put aside; says where.
///
/// # Errors
/// If the other folder cannot be put aside, or the new one cannot be made.
pub(crate) async fn renew(metadata: &Sqlite, data_dir: &DataDir) -> Result<(Folder, Option<PathBuf>)> {
    let blobs = data_dir.blobs();
    let standing = standing(metadata, &blobs).await?;
    let is_anothers = match standing {
        Standing::Another(_) => true,
        Standing::Lost(_) => has_content(&blobs) && !knows_any(metadata, &blobs).await?,
        _ => false,
    };
    let aside = is_anothers.then(|| put_aside(&blobs)).transpose()?;
    Ok((settle(metadata, &blobs, standing).await?, aside))
}

/// Writes down the number where it is missing, and opens the folder.
async fn settle(metadata: &Sqlite, blobs: &Path, standing: Standing) -> Result<Folder> {
    let number = match standing {
        Standing::Own => return Folder::open(blobs).context("cannot open the folder of bytes"),
        Standing::Adopted(number) | Standing::Another(number) | Standing::Lost(Some(number)) => number,
        Standing::New | Standing::Lost(None) => i64::from_be_bytes(random::bytes()?) & i64::MAX,
    };
    let failed = || format!("cannot make the folder {}", blobs.display());
    durable_file::make_folder(blobs).with_context(failed)?;
    write(blobs, number).with_context(failed)?;
    // It syncs the names. The row comes last: with the row alone, the folder would be taken for lost.
    let folder = Folder::open(blobs).context("cannot open the folder of bytes")?;
    metadata.set_marks(vec![(Mark::ContentFolder, number)]).await?;
    Ok(folder)
}

/// Gives a folder its number, which is durable after a sync of its names.
///
/// # Errors
/// If its file cannot be written.
pub(crate) fn write(blobs: &Path, number: i64) -> io::Result<()> {
    durable_file::place(&blobs.join(ID), &blobs.join(".id.new"), 0o600, &text(number))
}

/// What the file of a number has.
pub(crate) fn text(number: i64) -> Vec<u8> {
    format!("{number:016x}\n").into_bytes()
}

/// The number that a folder has.
///
/// # Errors
/// If its file cannot be read.
pub(crate) fn read(blobs: &Path) -> Result<Option<i64>> {
    let path = blobs.join(ID);
    match fs::read_to_string(&path) {
        // What is no number is that of no database.
        Ok(text) => Ok(Some(i64::from_str_radix(text.trim(), 16).unwrap_or(-1))),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn has_content(blobs: &Path) -> bool {
    fs::read_dir(blobs.join("content")).is_ok_and(|mut shards| shards.next().is_some())
}

/// Whether some of the content that the database knows is there.
async fn knows_any(metadata: &Sqlite, blobs: &Path) -> Result<bool> {
    let folder = Folder::open_to_read(blobs);
    let mut position = 0;
    loop {
        let page = metadata.contents(position, 200).await?;
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
    let aside = aside.context("there is no name for the other folder")?;
    fs::rename(blobs, &aside).with_context(|| {
        format!(
            "the folder {} holds another server's content, and cannot be renamed: unmount it first",
            blobs.display()
        )
    })?;
    Ok(aside)
}
