//! Bytes are removed only while no backup copies them. Both lock the file `backup.lock`: backups share it, a removal
//! has it alone, and whoever is killed lets go.
//!
//! Content that a backup's database knows had its row when the lock was held already, and whatever loses its row later
//! waits for the lock. So what the database knows is there until it is copied.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gangplank_store::StoreError;
use tokio::sync::{Mutex, MutexGuard};

const FILE: &str = "backup.lock";
/// How long a backup waits for a removal to come to its end: a thousand files go in far less.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

/// The right to remove bytes of a data directory, for one at a time.
#[derive(Debug)]
pub(crate) struct Removals {
    path: PathBuf,
    turn: Mutex<()>,
}

/// Nobody backs the directory up until this is dropped.
pub(crate) struct Removal<'a> {
    _turn: MutexGuard<'a, ()>,
    _lock: File,
}

/// Nothing is removed from the directory until this is dropped.
#[derive(Debug)]
pub(crate) struct NothingRemoved {
    _lock: File,
}

impl Removals {
    /// Those of a data directory.
    pub(crate) fn of(data_dir: &Path) -> Self {
        Self { path: data_dir.join(FILE), turn: Mutex::default() }
    }

    /// Begins one, unless a backup copies.
    pub(crate) async fn begin(&self) -> gangplank_store::Result<Option<Removal<'_>>> {
        let turn = self.turn.lock().await;
        let lock = open(&self.path)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Removal { _turn: turn, _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}

impl NothingRemoved {
    /// Sees to it that nothing is removed.
    ///
    /// # Errors
    /// If the file cannot be locked, or a removal takes too long.
    pub(crate) fn from(data_dir: &Path) -> gangplank_store::Result<Self> {
        let lock = open(&data_dir.join(FILE))?;
        let began = Instant::now();
        loop {
            match lock.try_lock_shared() {
                Ok(()) => return Ok(Self { _lock: lock }),
                Err(TryLockError::Error(error)) => return Err(error.into()),
                Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => {
                    let why = "the server removes content without a pause; try again in a while";
                    return Err(StoreError::unavailable(why.to_owned()));
                }
            }
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn backups_share_and_a_removal_is_alone() {
        let home = tempfile::tempdir().unwrap();
        let removals = Removals::of(home.path());
        let removal = removals.begin().await.unwrap().unwrap();
        let lock = open(&home.path().join(FILE)).unwrap();
        assert!(matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)));
        drop(removal);
        let backups =
            [NothingRemoved::from(home.path()).unwrap(), NothingRemoved::from(home.path()).unwrap()];
        assert!(removals.begin().await.unwrap().is_none());
        drop(backups);
        assert!(removals.begin().await.unwrap().is_some());
    }
}
