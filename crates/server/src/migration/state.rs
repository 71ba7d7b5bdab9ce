//! The note in a data directory that is one end of a migration: the file `migration`.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use gangplank_store::durable_file;
use gangplank_store::metadata::migration::{Move, Other};
use serde::{Deserialize, Serialize};

use crate::backup::LOST_AND_FOUND;
use crate::data_dir::LOCK;

pub(crate) const FILE: &str = "migration";

/// Its name until it is complete.
const ASIDE: &str = ".migration.new";

const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Note {
    format: u32,
    state: String,
    /// The number that rows and bytes share, as 16 hexadecimal digits.
    cluster: String,
    /// The other place, for people.
    place: String,
}

/// The state of a directory; `None` if it is not part of a migration.
///
/// # Errors
/// If the file cannot be read or understood.
pub(crate) fn read(dir: &Path) -> Result<Option<Move>> {
    let path = dir.join(FILE);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let note = serde_json::from_slice::<Note>(&text).ok().filter(|note| note.format == FORMAT);
    let read = note.and_then(|note| {
        let number = i64::from_str_radix(&note.cluster, 16).ok()?;
        Move::of(&note.state, Other { number, place: note.place })
    });
    read.map(Some).ok_or_else(|| anyhow!("{} is of another version of gangplank", path.display()))
}

/// Whether a directory only has files of a run that was stopped at its very beginning.
///
/// # Errors
/// If the directory cannot be read.
pub(super) fn is_new(dir: &Path) -> Result<bool> {
    if !dir.exists() {
        return Ok(true);
    }
    let entries = fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    for entry in entries {
        let name = entry?.file_name();
        if ![LOCK, ASIDE, LOST_AND_FOUND].iter().any(|known| name == *known) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Records a state. The record is durable when this function returns.
///
/// # Errors
/// If the file cannot be written.
pub(super) fn write(dir: &Path, state: &Move) -> Result<()> {
    let Other { number, place } = state.other();
    let note = Note {
        format: FORMAT,
        state: state.word().to_owned(),
        cluster: format!("{number:016x}"),
        place: place.clone(),
    };
    let text = serde_json::to_vec_pretty(&note)?;
    let (path, aside) = (dir.join(FILE), dir.join(ASIDE));
    durable_file::place(&path, &aside, 0o600, &text)
        .and_then(|()| durable_file::sync_folder(dir))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Removes the note. The removal is durable when this function returns.
///
/// # Errors
/// If the file cannot be removed.
pub(super) fn remove(dir: &Path) -> Result<()> {
    let path = dir.join(FILE);
    durable_file::remove_if_there(&path)
        .and_then(|()| durable_file::sync_folder(dir))
        .with_context(|| format!("cannot remove {}", path.display()))
}

/// Refuses a directory whose store is moving, or has moved.
///
/// # Errors
/// If the directory is one end of a migration, or if its note cannot be read.
pub(crate) fn refuse(dir: &Path) -> Result<()> {
    let shown = dir.display();
    match read(dir)? {
        None => Ok(()),
        Some(Move::Moved(to)) => {
            bail!(
                "the data directory {shown} is no longer in use: what it had has moved to {}; serve that, and remove {shown} \
                 when you are content",
                to.place
            )
        }
        Some(Move::Arriving(from) | Move::Arrived(from)) => bail!(
            "the migration from {} to {shown} is not finished: run the same `gangplank migrate` again, which goes on where \
             it stopped",
            from.place
        ),
    }
}
