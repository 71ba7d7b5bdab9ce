//! A temporary folder for the rows of a backup to a stream. It is removed at the end. If a backup is killed,
//! the next one removes its folder.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use gangplank_store::durable_file;

const PREFIX: &str = ".gangplank-backup-";

/// A folder for one backup alone, until it is dropped.
pub(super) struct Scratch {
    path: PathBuf,
    /// The lock shows other backups that the folder is in use.
    _lock: File,
}

impl Scratch {
    /// Makes a temporary folder in `parent`.
    ///
    /// # Errors
    /// If the folder cannot be made or locked.
    pub(super) fn within(parent: &Path) -> io::Result<Self> {
        remove_left(parent);
        let path = parent.join(format!("{PREFIX}{}", uuid::Uuid::new_v4().simple()));
        durable_file::make_folder(&path)?;
        let lock = File::open(&path)?;
        lock.lock()?;
        Ok(Self { path, _lock: lock })
    }

    /// The path of the folder.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // If this fails, the next backup removes the folder.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes folders that killed backups left. Folders that cannot be removed do no harm.
fn remove_left(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_one = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        let lock = if is_one { File::open(entry.path()) } else { continue };
        if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_is_removed_and_what_is_used_is_not() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(format!("{PREFIX}left"))).unwrap();
        fs::create_dir(home.path().join("other")).unwrap();
        let first = Scratch::within(home.path()).unwrap();
        let second = Scratch::within(home.path()).unwrap();
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 3);
        drop((first, second));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }
}
