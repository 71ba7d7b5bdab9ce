//! The data directory of a backup. Its server may run. The backup changes nothing in it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use gangplank_store::blobs::LocalFiles;
use gangplank_store::metadata::Snapshot;
use gangplank_store::open::{self, Mode};

use super::KeyKept;
use super::manifest::Manifest;
use crate::clock::Clock;
use crate::data_dir::{MASTER_KEY, blobs_in, database_in};
use crate::root_key::CREDENTIALS;
use crate::sealing::MasterKey;

pub(super) struct Source {
    pub(super) path: PathBuf,
    /// The rows as they are now.
    pub(super) rows: Snapshot,
    pub(super) blobs: LocalFiles,
    /// The number that ties the database to its folder of content.
    pub(super) number: Option<i64>,
    pub(super) key: KeyKept,
    /// The text of `master.key`, if it goes into the backup.
    pub(super) master_key: Option<Vec<u8>>,
}

impl Source {
    /// Opens a data directory.
    ///
    /// # Errors
    /// If the directory cannot be read, if its content is in a bucket, or if its folder of content or its
    /// master key belongs to another database.
    pub(super) fn open(path: &Path, with_master_key: bool) -> Result<Self> {
        let shown = path.display();
        let path = path.canonicalize().with_context(|| format!("cannot use the data directory {shown}"))?;
        let rows = Snapshot::open(&database_in(&path)).context("cannot read the database")?;
        if rows.is_in_bucket()? {
            bail!(
                "the content of this server is in a bucket, which a backup of its directory has nothing of: copy the \
                 database with `sqlite3 gangplank.db .backup`, and keep the bucket"
            );
        }
        let number = rows.folder_number()?;
        let found = read_if_there(&path.join(MASTER_KEY))?;
        if let (Some(text), Some(key)) = (&found, rows.some_key()?) {
            let master = MasterKey::read(text);
            let opens = master.is_some_and(|master| master.open_secret(&key.id, &key.sealed_secret).is_ok());
            if !opens {
                bail!(
                    "{MASTER_KEY} is not the key of this database, so nothing that is sealed could be opened after a \
                     restoration"
                );
            }
        }
        let key = match found {
            None => KeyKept::Elsewhere,
            Some(_) if !with_master_key => KeyKept::LeftOut,
            Some(_) => KeyKept::Inside,
        };
        let blobs = open::local_files(&blobs_in(&path), Mode::Read)?;
        let master_key = found.filter(|_| with_master_key);
        let source = Self { path, rows, blobs, number, key, master_key };
        source.require_folder()?;
        Ok(source)
    }

    /// Refuses a folder of content that is missing or belongs to another database: its disk may not be
    /// mounted, and all content would seem lost.
    pub(super) fn require_folder(&self) -> Result<()> {
        let folder = blobs_in(&self.path);
        let is_own = match (self.number, open::number_of(&folder)?) {
            (None, None) => self.rows.totals()?.count == 0 || folder.join("content").is_dir(),
            (ours, found) => ours.is_none() || ours == found,
        };
        if !is_own {
            bail!(
                "the folder {} is missing or the one of another database: mount its disk",
                folder.display()
            );
        }
        Ok(())
    }

    /// The manifest at the beginning of a backup.
    pub(super) fn manifest(&self) -> Result<Manifest> {
        let mut manifest = Manifest::begun(self.number, Clock::start(None).now().0);
        manifest.master_key = self.key == KeyKept::Inside;
        let credentials = read_if_there(&self.path.join(CREDENTIALS))?.unwrap_or_default();
        let credentials = String::from_utf8_lossy(&credentials);
        let keys = self.rows.root_keys()?;
        let used = keys.iter().find(|key| credentials.contains(key.id.as_str()));
        manifest.credentials = used.map(|key| key.id.as_str().to_owned());
        Ok(manifest)
    }
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        text => text.map(Some).with_context(|| format!("cannot read {}", path.display())),
    }
}
