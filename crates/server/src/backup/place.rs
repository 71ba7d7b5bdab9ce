//! The directory that a backup is restored into. The database gets its name last, so no server starts on a
//! restoration that was interrupted. A failed restoration removes its files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use gangplank_store::blobs::LocalFiles;
use gangplank_store::durable_file;
use gangplank_store::metadata::Snapshot;
use gangplank_store::open::{self, Mode};

use super::folder::{LOST_AND_FOUND, is_empty};
use super::manifest::Manifest;
use super::restoring::named;
use super::{KeyRestored, PAGE, Restored};
use crate::data_dir::{DataDir, MASTER_KEY};
use crate::root_key::place_credentials;
use crate::sealing::MasterKey;

/// A directory that is being filled.
pub(super) struct Place {
    path: PathBuf,
    data_dir: DataDir,
    pub(super) blobs: LocalFiles,
    /// Whether the restoration made the directory.
    is_new: bool,
    is_done: bool,
}

impl Place {
    /// Takes a directory that is new or empty.
    ///
    /// # Errors
    /// If it is not empty, or cannot be made.
    pub(super) fn take(path: &Path) -> Result<Self> {
        let shown = path.display();
        let is_new = !path.exists();
        if !is_new && !is_empty(path)? {
            bail!(
                "{shown} is not empty: name a directory that is not there, or empty this one, if a restoration that \
                 was cut has left it so"
            );
        }
        let data_dir = DataDir::take(path)?;
        let path = data_dir.path().to_owned();
        let blobs = open::local_files(&data_dir.blobs(), Mode::Offline);
        let blobs = blobs.with_context(|| format!("cannot write into {shown}"))?;
        Ok(Self { path, data_dir, blobs, is_new, is_done: false })
    }

    /// The path of the database until all other files are in place.
    pub(super) fn database(&self) -> PathBuf {
        self.path.join("gangplank.db.restored")
    }

    /// Refuses a backup that is larger than the free space.
    pub(super) fn require_space(&self, rows: &Snapshot) -> Result<()> {
        let bytes = rows.totals()?.bytes;
        self.blobs.require(bytes).with_context(|| format!("the backup has {bytes} bytes of content"))
    }

    /// Puts the remaining files into place. Returns what was restored.
    pub(super) fn finish(mut self, rows: Snapshot, manifest: &Manifest, key: Key) -> Result<Restored> {
        let mut damaged = Vec::new();
        let mut position = 0;
        loop {
            let page = rows.contents(position, PAGE)?;
            let Some(last) = page.last() else { break };
            position = last.row;
            for content in page {
                if self.blobs.size(&content.key)? != Some(content.size) {
                    damaged.push(content);
                }
            }
        }
        let (number, totals, root_keys) = (rows.folder_number()?, rows.totals()?, rows.root_keys()?);
        drop(rows);
        if !damaged.is_empty() {
            let keys: Vec<_> = damaged.iter().map(|content| content.key.clone()).collect();
            Snapshot::mark_damaged(&self.database(), &keys)?;
        }
        if let Some(number) = number {
            open::write_number(&self.data_dir.blobs(), number)?;
            durable_file::sync_folder(&self.data_dir.blobs())?;
        }
        if let Key::OfBackup(_, text) = &key {
            self.data_dir.place_secret(MASTER_KEY, text)?;
        }
        let used = manifest.credentials.as_deref();
        let root_key = root_keys.iter().find(|key| Some(key.id.as_str()) == used).or(root_keys.first());
        let has_credentials = match (root_key, key.master()) {
            (Some(root), Some(master)) => {
                let secret = master.open_secret(&root.id, &root.sealed_secret)?;
                place_credentials(&self.data_dir, &root.id, &secret)?;
                true
            }
            _ => false,
        };
        durable_file::rename(&self.database(), &self.data_dir.database())?;
        self.is_done = true;
        Ok(Restored {
            begun_at: manifest.begun_at,
            contents: totals.count,
            bytes: totals.bytes,
            damaged: damaged.iter().map(named).collect(),
            key: key.restored(),
            has_credentials,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        // A file that cannot be removed stays. The next restoration then refuses the directory, because it is
        // not empty.
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let path = entry.path();
            let _ = match entry.file_type() {
                _ if entry.file_name() == LOST_AND_FOUND => continue,
                Ok(kind) if kind.is_dir() => fs::remove_dir_all(path),
                _ => fs::remove_file(path),
            };
        }
        if self.is_new {
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// The master key for a backup.
pub(super) enum Key {
    /// The key in the backup, and the text of its file.
    OfBackup(MasterKey, Vec<u8>),
    /// The key in the file that the operator named.
    Named(MasterKey),
    /// The backup has no key, and the operator named none. Each start needs the file of the key.
    Needed,
}

impl Key {
    /// Chooses the key for these rows.
    ///
    /// # Errors
    /// If the key cannot be read, or does not open the secrets of these rows.
    pub(super) fn of(rows: &Snapshot, named: Option<&Path>, of_backup: Option<Vec<u8>>) -> Result<Self> {
        let key = match (named, of_backup) {
            (Some(path), _) => Self::Named(MasterKey::in_file(path)?),
            (None, Some(text)) => {
                let master = MasterKey::read(&text);
                Self::OfBackup(master.context("the backup's master.key is none")?, text)
            }
            (None, None) => Self::Needed,
        };
        if let (Some(master), Some(sealed)) = (key.master(), rows.some_key()?) {
            let opened = master.open_secret(&sealed.id, &sealed.sealed_secret);
            opened.with_context(|| match named {
                Some(path) => format!("{} is not the master key of this backup", path.display()),
                None => "the backup's master.key is that of another server".to_owned(),
            })?;
        }
        Ok(key)
    }

    fn master(&self) -> Option<&MasterKey> {
        match self {
            Self::OfBackup(master, _) | Self::Named(master) => Some(master),
            Self::Needed => None,
        }
    }

    fn restored(&self) -> KeyRestored {
        match self {
            Self::OfBackup(..) => KeyRestored::Inside,
            Self::Named(_) => KeyRestored::Named,
            Self::Needed => KeyRestored::Needed,
        }
    }
}
