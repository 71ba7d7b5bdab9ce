//! Prevents the removal of bytes while a backup copies them. Both lock the file `backup.lock`: backups share
//! the lock, and a removal holds it alone. The lock of a killed process is released.
//!
//! A backup takes the lock before it copies the database. So content in its copy had a row when the lock was
//! taken. If that row is removed later, the removal of the bytes waits for the lock. So all this content exists
//! until it is copied.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gangplank_store::StoreError;
use tokio::sync::{Mutex, MutexGuard};

const FILE: &str = "backup.lock";
/// How long a backup waits for a removal to end. Removing a thousand files takes far less.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

/// The right to remove bytes of a data directory. One task at a time has it.
#[derive(Debug)]
pub(crate) struct Removals {
    /// `None` if no backup copies the bytes.
    path: Option<PathBuf>,
    turn: Mutex<()>,
}

/// A removal. No backup begins until this value is dropped.
pub(crate) struct Removal<'a> {
    _turn: MutexGuard<'a, ()>,
    _lock: Option<File>,
}

/// A lock against removals. Nothing is removed from the directory until this value is dropped.
#[derive(Debug)]
pub(crate) struct NothingRemoved {
    _lock: File,
}

impl Removals {
    /// The removals of a data directory.
    pub(crate) fn of(data_dir: &Path) -> Self {
        Self { path: Some(data_dir.join(FILE)), turn: Mutex::default() }
    }

    /// The removals of a store without a data directory. No backup copies its bytes.
    pub(crate) fn of_no_directory() -> Self {
        Self { path: None, turn: Mutex::default() }
    }

    /// Begins a removal. `None` while a backup copies.
    ///
    /// # Errors
    /// If the file cannot be locked.
    pub(crate) async fn begin(&self) -> gangplank_store::Result<Option<Removal<'_>>> {
        let turn = self.turn.lock().await;
        let Some(path) = &self.path else { return Ok(Some(Removal { _turn: turn, _lock: None })) };
        let lock = open(path)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Removal { _turn: turn, _lock: Some(lock) })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}

impl NothingRemoved {
    /// Waits for a running removal, and prevents others.
    ///
    /// # Errors
    /// If the file cannot be locked, or if the removal takes too long.
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
