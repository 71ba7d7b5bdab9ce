//! The data directory: its lock and its files.
//!
//! ```text
//! lock            locked by the one process that uses the directory
//! backup.lock     locked by backups that copy, and by whoever removes bytes
//! running         exists while a server runs, and after a crash
//! master.key      seals the secret access keys in the database (0600); absent if it is stored elsewhere
//! gangplank.db    rows (0600); before an upgrade to schema N it is copied to .before-N beside it
//! blobs/          bytes, and the number of the database that they belong to
//! logs/           the output of containers
//! migration       exists while the store moves, and after it has moved away
//! credentials     the root access key, in the form of the AWS CLI (0600)
//! config          region and endpoint, in the form of the AWS CLI (0600)
//! ```
//!
//! Only the owner can read any of it ([`private`](crate::private)).

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use gangplank_store::blobs::ID;
use gangplank_store::durable_file;
use gangplank_store::open::{Mode, StoreConfig};
pub(crate) use gangplank_store::open::{blobs_in, database_in};

use crate::migration::state;
use crate::private;

const RUNNING: &str = "running";
pub(crate) const LOCK: &str = "lock";
pub(crate) const DATABASE: &str = "gangplank.db";
pub(crate) const MASTER_KEY: &str = "master.key";

/// A data directory that only this process may use.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _locks: [File; 2],
}

impl DataDir {
    /// Locks a directory for this process, and makes it if it is missing.
    ///
    /// # Errors
    /// If the directory is used by another process, belongs to another user and can be entered by others,
    /// cannot be made, or has lost its database.
    pub fn take(path: &Path) -> Result<Self> {
        Self::try_take(path)?.ok_or_else(|| in_use(path))
    }

    /// Locks a directory for this process, even if its store is moving.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub(crate) fn take_to_move(path: &Path) -> Result<Self> {
        let data_dir = Self::lock(path)?.ok_or_else(|| in_use(path))?;
        if state::read(&data_dir.path)?.is_none() {
            require_database(&data_dir.path)?;
        }
        Ok(data_dir)
    }

    /// Locks a directory for this process. `None` if another process uses it.
    ///
    /// # Errors
    /// If the directory belongs to another user and can be entered by others, cannot be made or locked, or has
    /// lost its database. Also if its store is moving to another place, or has moved there.
    pub fn try_take(path: &Path) -> Result<Option<Self>> {
        let data_dir = Self::lock(path)?;
        if let Some(data_dir) = &data_dir {
            state::refuse(&data_dir.path)?;
            require_database(&data_dir.path)?;
        }
        Ok(data_dir)
    }

    fn lock(path: &Path) -> Result<Option<Self>> {
        let shown = path.display();
        private::umask();
        make_durably(path).map_err(|error| not_made(path, &error))?;
        let path = path.canonicalize().with_context(|| format!("cannot use the data directory {shown}"))?;
        private::claim(&path)?;
        let lock = owner_only(&path.join(LOCK))
            .with_context(|| format!("cannot write in the data directory {shown}"))?;
        // Somebody could remove the file and lock another file in its place. The directory itself cannot be replaced
        // in this way.
        let directory =
            File::open(&path).with_context(|| format!("cannot use the data directory {shown}"))?;
        let locked = try_lock(&lock).map(|locked| locked && try_lock_directory(&directory));
        if !locked.with_context(|| format!("cannot lock the data directory {shown}"))? {
            return Ok(None);
        }
        Ok(Some(Self { path, _locks: [lock, directory] }))
    }

    /// The canonical path of the directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The configuration to open the directory's store in this mode.
    pub fn store(&self, mode: Mode) -> StoreConfig {
        StoreConfig::local(&self.path, mode)
    }

    /// Records that a run begins. Returns whether the last run ended without [`end_run`](Self::end_run).
    ///
    /// # Errors
    /// If the file for it cannot be read or written.
    pub(crate) fn begin_run(&self) -> Result<bool> {
        let crashed = self.read_secret(RUNNING)?.is_some();
        if !crashed {
            self.write_secret(RUNNING, b"")?;
        }
        Ok(crashed)
    }

    /// Records that the run ended cleanly.
    ///
    /// # Errors
    /// If the file for it cannot be removed.
    pub(crate) fn end_run(&self) -> Result<()> {
        fs::remove_file(self.path.join(RUNNING)).context("cannot note that the run ended")
    }

    /// The path of the database.
    pub fn database(&self) -> PathBuf {
        database_in(&self.path)
    }

    /// The folder of bytes.
    pub fn blobs(&self) -> PathBuf {
        blobs_in(&self.path)
    }

    /// The folder of container logs. It is made with the first line.
    pub(crate) fn logs(&self) -> PathBuf {
        self.path.join("logs")
    }

    /// Reads a secret file of the directory. `None` if there is none.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) fn read_secret(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let path = self.path.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Writes a file that only its owner can read. The file is complete and durable, or is not replaced.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn write_secret(&self, name: &str, content: &[u8]) -> Result<()> {
        self.place_secret(name, content)?;
        self.sync_names()
    }

    /// Writes a file as [`write_secret`](Self::write_secret) does, but its name is only durable after
    /// [`sync_names`](Self::sync_names). Several files then share one sync.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn place_secret(&self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        let temporary = self.path.join(format!(".{name}.new"));
        durable_file::place(&path, &temporary, 0o600, content)
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Makes the names of files in the directory durable.
    ///
    /// # Errors
    /// If the directory cannot be synced.
    pub(crate) fn sync_names(&self) -> Result<()> {
        durable_file::sync_folder(&self.path).with_context(|| format!("cannot sync {}", self.path.display()))
    }
}

fn in_use(path: &Path) -> anyhow::Error {
    anyhow!(
        "the data directory {} is in use by another gangplank; stop that one, or name another directory with --data-dir",
        path.display()
    )
}

/// Whether a directory belongs to a server: it has a database, or has lost its database.
///
/// # Errors
/// If the directory cannot be read.
pub fn is_one(path: &Path) -> io::Result<bool> {
    for file in [database_in(path), path.join(MASTER_KEY), blobs_in(path)] {
        match fs::metadata(file) {
            Ok(_) => return Ok(true),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// Refuses a directory that has lost its database. A new database would not know the content, and the server
/// would remove it as the leftovers of a crash.
fn require_database(path: &Path) -> Result<()> {
    let database = database_in(path);
    let is_empty = |file: &Path| fs::metadata(file).map_or(true, |metadata| metadata.len() == 0);
    let log = database.with_extension("db-wal");
    if database.exists() && !(is_empty(&database) && is_empty(&log)) {
        return Ok(());
    }
    let shards = fs::read_dir(blobs_in(path).join("content")).into_iter().flatten().flatten();
    let has_content = || shards.map(|it| it.path()).flat_map(fs::read_dir).any(|mut it| it.next().is_some());
    // Any one of these proves that the directory is not new. The folder's number is written after the database
    // is made, and the master key may be stored elsewhere.
    if path.join(MASTER_KEY).exists() || blobs_in(path).join(ID).exists() || has_content() {
        bail!(
            "{} is missing or empty, and the directory is not new: restore it from a backup, or name another \
             --data-dir to begin with nothing",
            database.display()
        );
    }
    Ok(())
}

/// Locks a file. Returns `false` if another process has locked it.
fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Locks a directory. Some network file systems can only lock files. There the lock of the file has to suffice.
fn try_lock_directory(directory: &File) -> bool {
    !matches!(directory.try_lock(), Err(TryLockError::WouldBlock))
}

/// The error for a directory that could not be made, with advice.
fn not_made(path: &Path, error: &io::Error) -> anyhow::Error {
    let shown = path.display();
    match error.kind() {
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => anyhow!(
            "the data directory {shown} cannot be made, for a file is in its place: name a directory with --data-dir"
        ),
        ErrorKind::PermissionDenied => anyhow!(
            "cannot make the data directory {shown}: {error}; name one that you may write to with --data-dir, or \
             have root make this one and give it to you"
        ),
        _ => anyhow!("cannot make the data directory {shown}: {error}"),
    }
}

/// Makes a directory and its missing parents, so that they survive a power failure.
fn make_durably(path: &Path) -> io::Result<()> {
    // The directory itself is always synced: an earlier start may have made it just before a power failure.
    let above = path.ancestors().skip(1).take_while(|above| !above.as_os_str().is_empty() && !above.exists());
    let made: Vec<&Path> = std::iter::once(path).chain(above).collect();
    durable_file::make_folder(path)?;
    for directory in made {
        if directory.parent().is_none() {
            continue;
        }
        match durable_file::sync_folder(durable_file::folder_of(directory)) {
            // This user may not read the parent, so somebody else made the directory.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
            synced => synced?,
        }
    }
    Ok(())
}

/// Opens a file that only its owner can read, and makes it if it is missing.
fn owner_only(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_directory_is_taken_once() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("new/data");
        let first = DataDir::take(&path).unwrap();
        let refusal = DataDir::take(&path).unwrap_err().to_string();
        assert!(refusal.contains("in use by another gangplank"), "{refusal}");
        fs::remove_file(path.join(LOCK)).unwrap();
        assert!(DataDir::try_take(&path).unwrap().is_none(), "its file is not all of the lock");
        drop(first);
        assert!(DataDir::take(&path).is_ok());
    }

    #[test]
    fn a_directory_that_cannot_be_is_told_in_words() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        fs::write(&file, "").unwrap();
        for path in [file.clone(), file.join("below")] {
            let refusal = DataDir::take(&path).unwrap_err().to_string();
            assert!(
                refusal.contains("a file is in its place") && refusal.contains("--data-dir"),
                "{refusal}"
            );
        }
    }

    #[test]
    fn a_run_that_did_not_end_is_noticed() {
        let home = tempfile::tempdir().unwrap();
        let data_dir = DataDir::take(home.path()).unwrap();
        assert!(!data_dir.begin_run().unwrap());
        assert!(data_dir.begin_run().unwrap());
        data_dir.end_run().unwrap();
        assert!(!data_dir.begin_run().unwrap());
    }

    #[test]
    fn a_secret_is_the_owners_alone() {
        let home = tempfile::tempdir().unwrap();
        let data_dir = DataDir::take(home.path()).unwrap();
        assert!(data_dir.read_secret("credentials").unwrap().is_none());
        fs::write(home.path().join(".credentials.new"), "left by a crash").unwrap();
        data_dir.write_secret("credentials", b"secret").unwrap();
        assert_eq!(data_dir.read_secret("credentials").unwrap().unwrap(), b"secret");
        let mode = fs::metadata(home.path().join("credentials")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
