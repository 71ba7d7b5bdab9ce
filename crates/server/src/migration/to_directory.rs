//! Moves a database and a bucket to a data directory.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use gangplank_store::durable_file;
use gangplank_store::metadata::migration::{Bytes, Changes, Move, Other};
use gangplank_store::metadata::{Metadata, Postgres, Snapshot};
use gangplank_store::open::{self, Mode, Stores, database_in};

use super::{Extent, Key, Moved, Shared, check, comparing, content, state};
use crate::data_dir::{DataDir, MASTER_KEY};
use crate::private;
use crate::root_key::place_credentials;
use crate::sealing::MasterKey;

/// The error for a database without an identity.
pub(super) const NOTHING: &str = "no server has used this database yet: there is nothing to move";

/// Moves a database and a bucket to a directory that is new or empty. `progress` gets the bytes that are in the
/// directory, and all bytes.
///
/// # Errors
/// If a server uses the database, unless the call only copies content. Also if the directory is not empty or belongs to
/// another migration, if the key does not belong to the store, or if a store fails. After an error, the next run
/// continues.
pub async fn to_directory(
    dir: &Path,
    from: &Shared,
    key: &Key,
    extent: Extent,
    mut progress: impl FnMut(u64, u64),
) -> Result<Moved> {
    private::umask();
    let rows = Postgres::leaving(from.database.clone()).await?;
    let master = key.given()?;
    let metadata = rows.metadata();
    check(master, metadata.as_ref()).await?;
    let identity = metadata.identity().await?.context(NOTHING)?;
    let number = identity.cluster;
    let moving = rows.moving().await?;
    let is_last_step = match &moving {
        Some(Move::Moved(other)) if other.place == named(dir) && database_in(dir).exists() => {
            state::read(dir)?.is_some()
        }
        moving => refuse(moving.as_ref()).map(|()| false)?,
    };
    if moving.is_some() && !is_last_step {
        return was_done(metadata.as_ref()).await;
    }
    let place = Target::take(dir, &Other { number, place: from.place.clone() })?;
    let there = Other { number, place: named(place.dir.path()) };
    if is_last_step && place.has_arrived {
        state::remove(place.dir.path())?;
        return was_done(metadata.as_ref()).await;
    }
    refuse(moving.as_ref())?;
    // This check may miss only a process that uses the database and is idle. The end of the run checks again.
    let idle = if extent == Extent::Everything { Some(rows.require_idle().await?) } else { None };
    let source = open::bucket_to_read(from.bucket.clone(), identity).await?;
    let blobs = open::folder_to_fill(&place.dir.blobs(), number)?;
    content::clear_staged(blobs.as_ref()).await?;
    let (all, have) = (metadata.content_totals(0).await?.bytes, content::list(blobs.as_ref()).await?);
    let needed = all.saturating_sub(have.into_values().sum());
    blobs.require(needed).await.with_context(|| format!("{needed} bytes of content are to come"))?;

    let copied = content::copy(metadata.as_ref(), &source, &blobs, &mut progress).await?;
    let mut moved = Moved {
        contents: copied.contents,
        bytes: copied.bytes,
        copied: copied.new,
        copied_bytes: copied.new_bytes,
        ..Moved::default()
    };
    let Some(idle) = idle else {
        // While servers run, content may be removed before it is copied.
        return Ok(moved);
    };
    let mut damaged = HashSet::new();
    for (key, name) in copied.damaged {
        damaged.insert(key);
        moved.damaged.push(name);
    }
    let changes = Changes { bytes: Bytes::Folder, damaged: damaged.iter().cloned().collect() };
    place.remove_database()?;
    let given =
        rows.give_rows(&place.dir.database(), &changes, idle).await.context("cannot copy the rows")?;
    moved.rows = Some(given.count);
    drop(blobs);
    let Stores { metadata, blobs, .. } = place.dir.store(Mode::Offline).open().await?;
    moved.removed = comparing::compare(metadata.as_ref(), blobs.as_ref(), &damaged).await?;
    drop((metadata, blobs));
    place.provide_keys(key, master)?;
    let path = place.dir.path();
    state::write(path, &Move::Arrived(Other { number, place: from.place.clone() }))?;
    rows.note_moved(&there, idle).await?;
    state::remove(path).context("everything has moved, and the directory could not be told: run it again")?;
    Ok(moved)
}

/// Refuses a database that moves elsewhere, or has moved.
pub(super) fn refuse(moving: Option<&Move>) -> Result<()> {
    match moving {
        None => Ok(()),
        Some(Move::Moved(other)) => bail!("what this database had has moved to {} already", other.place),
        Some(Move::Arriving(other) | Move::Arrived(other)) => {
            bail!("the migration from {} to this database is not finished", other.place)
        }
    }
}

/// The description of a directory that the database records.
fn named(dir: &Path) -> String {
    let path = dir.canonicalize().or_else(|_| std::path::absolute(dir));
    format!("the data directory {}", path.as_deref().unwrap_or(dir).display())
}

/// The result of a run that found nothing to copy.
async fn was_done(rows: &dyn Metadata) -> Result<Moved> {
    let totals = rows.content_totals(0).await?;
    Ok(Moved { contents: totals.count, bytes: totals.bytes, was_done: true, ..Moved::default() })
}

/// The directory that is being filled.
struct Target {
    dir: DataDir,
    /// Whether an earlier run had brought all rows and bytes here.
    has_arrived: bool,
}

impl Target {
    /// Takes a directory that is new or empty, or in which an earlier run was stopped.
    fn take(path: &Path, from: &Other) -> Result<Self> {
        let shown = path.display();
        let is_new = state::is_new(path)?;
        let dir = DataDir::take_to_move(path)?;
        let has_arrived = match state::read(dir.path())? {
            None if is_new => {
                state::write(dir.path(), &Move::Arriving(from.clone()))?;
                false
            }
            None => bail!("{shown} is not empty: name a directory that does not exist"),
            Some(Move::Arriving(other)) if other.number == from.number => false,
            Some(Move::Arrived(other)) if other.number == from.number => true,
            Some(_) => {
                return state::refuse(dir.path()).and_then(|()| bail!("{shown} is part of a migration"));
            }
        };
        Ok(Self { dir, has_arrived })
    }

    /// Removes the database of an earlier run.
    fn remove_database(&self) -> Result<()> {
        for ending in ["", "-wal", "-shm"] {
            let mut name = self.dir.database().into_os_string();
            name.push(ending);
            durable_file::remove_if_there(Path::new(&name))
                .context("cannot remove what an earlier run has left")?;
        }
        Ok(())
    }

    /// Writes the master key if the directory keeps it, and a root key for the clients of this machine.
    fn provide_keys(&self, key: &Key, master: &MasterKey) -> Result<()> {
        if let Key::ToKeep(_, text) = key {
            self.dir.place_secret(MASTER_KEY, text)?;
        }
        let root_keys = Snapshot::open(&self.dir.database())?.root_keys()?;
        if let Some(root) = root_keys.first() {
            let secret = master.open_secret(&root.id, &root.sealed_secret)?;
            place_credentials(&self.dir, &root.id, &secret)?;
        }
        self.dir.sync_names()
    }
}
