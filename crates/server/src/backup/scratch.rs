//! A folder for the rows of a backup that goes into a stream. It is removed at the end; what a backup that was killed
//! left is removed by the next.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use gangplank_store::durable_file;

const PREFIX: &str = ".gangplank-backup-";

/// A folder that nobody else uses, as long as this is there.
pub(super) struct Scratch {
    path: PathBuf,
    /// Tells a folder that is in use from one that was left.
    _lock: File,
}

impl Scratch {
    /// Makes one in a folder.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(super) fn within(parent: &Path) -> io::Result<Self> {
        remove_left(parent);
        let path = parent.join(format!("{PREFIX}{}", uuid::Uuid::new_v4().simple()));
        durable_file::make_folder(&path)?;
        let lock = File::open(&path)?;
        lock.lock()?;
        Ok(Self { path, _lock: lock })
    }

    /// The folder.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The next backup will.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes what can be removed; the rest is in nobody's way.
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
