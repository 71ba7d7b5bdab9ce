//! Backups in a folder. The first backup copies all content, later ones only new content.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use gangplank_store::blobs::LocalFiles;
use gangplank_store::durable_file;
use gangplank_store::metadata::Snapshot;
use gangplank_store::open::{self, Mode};

use super::copying::copy;
use super::manifest::{self, Database, Manifest, digest_of};
use super::source::Source;
use super::{KeyKept, Made, PAGE, Wanted};
use crate::data_dir::{DATABASE, MASTER_KEY, blobs_in};
use crate::private;
use crate::removals::NothingRemoved;

/// The folder that a new file system has in its root.
pub(crate) const LOST_AND_FOUND: &str = "lost+found";

/// Backs a data directory up into a folder. The folder is new, empty, or has an earlier backup of the same
/// server. The earlier backup stays complete until the new one is complete. `progress` gets the bytes that
/// are in the backup, and all bytes.
///
/// # Errors
/// If the directory cannot be read, or if the folder cannot be written. The next backup uses the content that
/// was copied.
pub fn to_folder(
    data_dir: &Path,
    folder: &Path,
    wanted: &Wanted,
    mut progress: impl FnMut(u64, u64),
) -> Result<Made> {
    private::umask();
    let source = Source::open(data_dir, wanted.master_key)?;
    let mut manifest = source.manifest()?;
    let target = Target::open(folder, &source, &manifest)?;
    let mut pass = Pass::default();
    // The first pass copies most content while the server may remove content. Content that the server removes
    // meanwhile need not be in the backup.
    pass.copy_all(&source, &source.rows, &target.blobs, &mut progress)?;

    let nothing_removed = NothingRemoved::from(&source.path).context("cannot begin the last part")?;
    let database = target.path.join("gangplank.db.new");
    source.rows.copy_to(&database).context("cannot copy the database")?;
    let rows = Snapshot::open(&database)?;
    pass = Pass { copied: pass.copied, copied_bytes: pass.copied_bytes, ..Pass::default() };
    pass.copy_all(&source, &rows, &target.blobs, &mut progress)?;
    source.require_folder()?;
    drop(nothing_removed);

    let totals = rows.totals()?;
    (manifest.complete, manifest.contents, manifest.bytes) = (true, totals.count, totals.bytes);
    manifest.database = Some(Database { schema: rows.schema(), digest: digest_of(&database)? });
    manifest.damaged = pass.damaged.iter().map(|(key, _)| key.clone()).collect();
    target.finish(&source, &database, &manifest)?;
    let removed = target.remove_unknown(&[&rows])?;
    Ok(Made {
        contents: totals.count,
        bytes: totals.bytes,
        copied: pass.copied,
        copied_bytes: pass.copied_bytes,
        removed,
        damaged: pass.damaged.into_iter().map(|(_, name)| name).collect(),
        key: source.key,
    })
}

/// One pass over all content.
#[derive(Default)]
struct Pass {
    copied: u64,
    copied_bytes: u64,
    /// Content that cannot be copied: its key, and its name for people.
    damaged: Vec<(String, String)>,
}

impl Pass {
    fn copy_all(
        &mut self,
        source: &Source,
        rows: &Snapshot,
        to: &LocalFiles,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<()> {
        let total = rows.totals()?.bytes;
        let (mut position, mut done) = (0, 0);
        loop {
            let page = rows.contents(position, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            position = last.row;
            for content in page {
                if to.size(&content.key)? != Some(content.size) {
                    let from = source.blobs.read(&content.key).ok().flatten();
                    let copied = match from {
                        Some(from) => copy(&content, from, to).context("cannot write the backup")?,
                        None => false,
                    };
                    if copied {
                        self.copied += 1;
                        self.copied_bytes += content.size;
                    } else {
                        let name = super::restoring::named(&content);
                        self.damaged.push((content.key.as_str().to_owned(), name));
                    }
                }
                done += content.size;
                progress(done, total.max(done));
            }
        }
    }
}

/// A folder with backups of one server.
struct Target {
    path: PathBuf,
    blobs: LocalFiles,
    _lock: File,
}

impl Target {
    fn open(folder: &Path, source: &Source, begun: &Manifest) -> Result<Self> {
        let shown = folder.display();
        let failed = || format!("cannot make the folder {shown}");
        durable_file::make_folder(folder).with_context(failed)?;
        let path = folder.canonicalize().with_context(failed)?;
        if path.starts_with(&source.path) {
            bail!("{shown} is in the data directory, and would be lost with it: name another folder");
        }
        let lock = File::open(&path).with_context(failed)?;
        if let Err(TryLockError::WouldBlock) = lock.try_lock() {
            bail!("another backup is being made in {shown}");
        }
        manifest::clear(&path).with_context(failed)?;
        match manifest::standing(&path)? {
            Some(there) if there.server.is_some() && there.server != begun.server => {
                bail!("{shown} has backups of another server: name another folder");
            }
            Some(_) => manifest::settle(&path)?,
            None if is_empty(&path)? => {
                manifest::begin(&path, begun).with_context(|| format!("cannot write into {shown}"))?;
            }
            None => bail!("{shown} is not empty, and has no backup: name a new folder, or an empty one"),
        }
        let blobs = open::local_files(&blobs_in(&path), Mode::Offline).with_context(failed)?;
        let target = Self { path, blobs, _lock: lock };
        target.remove_leftovers(source)?;
        Ok(target)
    }

    /// Removes the files of an interrupted backup that neither the earlier backup nor this one needs. A full
    /// disk would have no space for this backup otherwise.
    fn remove_leftovers(&self, source: &Source) -> Result<()> {
        for left in self.blobs.staged(Duration::ZERO)? {
            self.blobs.cancel(&left)?;
        }
        let before = self.path.join(DATABASE);
        if before.exists() {
            let before = Snapshot::open(&before).context("cannot read the backup before")?;
            self.remove_unknown(&[&source.rows, &before])?;
        } else {
            self.remove_unknown(&[&source.rows])?;
        }
        Ok(())
    }

    /// Puts all files except the content into their places.
    fn finish(&self, source: &Source, database: &Path, manifest: &Manifest) -> Result<()> {
        let failed = "cannot write the backup";
        if let Some(number) = source.number {
            open::write_number(&blobs_in(&self.path), number).context(failed)?;
            durable_file::sync_folder(&blobs_in(&self.path)).context(failed)?;
        }
        let key = self.path.join(MASTER_KEY);
        if let Some(text) = &source.master_key {
            durable_file::place(&key, &self.path.join(".master.key.new"), 0o600, text).context(failed)?;
        }
        // The last step also syncs the names of the files above.
        manifest::finish(&self.path, database, manifest).context(failed)?;
        if source.key != KeyKept::Inside {
            durable_file::remove_if_there(&key).context(failed)?;
        }
        Ok(())
    }

    /// Removes content that none of these snapshots knows. Returns how many contents it removed.
    fn remove_unknown(&self, known_by: &[&Snapshot]) -> Result<u64> {
        let mut removed = 0;
        for part in 0..=255 {
            for key in self.blobs.published(part, Duration::ZERO)? {
                let mut is_known = false;
                for rows in known_by {
                    is_known = is_known || rows.content(&key)?.is_some();
                }
                if !is_known {
                    self.blobs.remove(&key)?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }
}

/// Whether a folder is empty, apart from the folder that each new file system has.
pub(super) fn is_empty(path: &Path) -> Result<bool> {
    for entry in fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))? {
        if entry?.file_name() != LOST_AND_FOUND {
            return Ok(false);
        }
    }
    Ok(true)
}
