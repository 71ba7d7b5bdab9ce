//! Closes the data directory to everybody but its owner: files get 0600, folders 0700, whatever mode they had
//! and whatever the umask is.

use std::fs::{self, Permissions, ReadDir};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use rustix::fs::Mode;

use crate::data_dir::blobs_in;

/// The permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;

/// Sets the umask, so that only the owner can use the files that this process makes. The umask also covers files that
/// libraries make. An earlier umask that takes rights from the owner has no effect any more.
pub(crate) fn umask() {
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
}

/// Checks the owner of a data directory, and closes its top folders to others. Others then cannot reach
/// anything inside. [`Mending`] later closes the rest.
///
/// # Errors
/// If the directory belongs to another user, and everybody may enter it.
pub(crate) fn claim(path: &Path) -> Result<()> {
    let shown = path.display();
    let found = fs::metadata(path).with_context(|| format!("cannot use the data directory {shown}"))?;
    let (mode, uid) = (found.mode() & 0o777, found.uid());
    if uid != rustix::process::geteuid().as_raw() {
        if mode & 0o007 != 0 {
            bail!(
                "the data directory {shown} belongs to user {uid}, and others may enter it (its mode is {mode:04o}): give \
                 it to the user that runs gangplank with chown, close it with chmod 700, or name a new directory in it \
                 with --data-dir"
            );
        }
        if mode & 0o070 != 0 {
            tracing::warn!(
                path = %shown, user = uid, mode = %format_args!("{mode:04o}"),
                "the data directory belongs to another user, and its group may enter it"
            );
        }
    }
    let blobs = blobs_in(path);
    let folders = [path.to_owned(), blobs.join("staged"), blobs.join("content"), blobs];
    let closed: Vec<String> = folders.iter().filter_map(|folder| close_folder(folder)).collect();
    close_files(path);
    if !closed.is_empty() {
        tracing::warn!(
            folders = closed.join(", "),
            "others could enter folders of the data directory; they are their owner's alone now"
        );
    }
    Ok(())
}

/// Closes a folder of this user. Returns its path and its earlier mode, if others could enter it.
fn close_folder(folder: &Path) -> Option<String> {
    let found = fs::metadata(folder).ok()?;
    let is_ours = found.uid() == rustix::process::geteuid().as_raw();
    if !is_ours || found.mode() & OTHERS == 0 {
        return None;
    }
    match fs::set_permissions(folder, Permissions::from_mode(found.mode() & 0o700)) {
        Ok(()) => Some(format!("{} ({:04o})", folder.display(), found.mode() & 0o777)),
        Err(error) => {
            let folder = folder.display();
            tracing::warn!(%folder, %error, "others may enter this folder, and it cannot be closed to them");
            None
        }
    }
}

/// Closes the files in the directory itself before any is opened. These files are few. SQLite gives the files
/// that it adds the mode of the database. [`Mending`] counts the files that cannot be closed.
fn close_files(path: &Path) {
    let mut mending = Mending::default();
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        let _ = mending.mend(&entry);
    }
}

/// Closes everything in a data directory to others, a given number of entries at a time.
#[derive(Debug, Default)]
pub(crate) struct Mending {
    folders: Vec<PathBuf>,
    open: Option<ReadDir>,
    /// How many entries were closed.
    pub(crate) closed: u64,
    /// How many entries could not be closed.
    pub(crate) failed: u64,
}

impl Mending {
    /// Prepares to close the files of this directory. The folder of bytes is included, even if it is a link
    /// to another place.
    pub(crate) fn of(path: &Path) -> Self {
        let mut folders = vec![path.to_owned()];
        folders.extend(fs::read_link(blobs_in(path)).is_ok().then(|| blobs_in(path)));
        Self { folders, ..Self::default() }
    }

    /// Checks the next `entries` entries. Returns whether there are more.
    pub(crate) fn step(&mut self, entries: usize) -> bool {
        for _ in 0..entries {
            let next = self.open.as_mut().and_then(Iterator::next);
            match (next, self.folders.pop()) {
                (Some(entry), folder) => {
                    self.folders.extend(folder);
                    if entry.and_then(|entry| self.mend(&entry)).is_err() {
                        self.failed += 1;
                    }
                }
                (None, Some(folder)) => self.open = fs::read_dir(folder).ok(),
                (None, None) => return false,
            }
        }
        true
    }

    fn mend(&mut self, entry: &fs::DirEntry) -> io::Result<()> {
        let found = match entry.metadata() {
            // A running upload or collection has removed the entry.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            found => found?,
        };
        if found.is_dir() {
            self.folders.push(entry.path());
        } else if !found.is_file() {
            return Ok(());
        }
        if found.mode() & OTHERS == 0 {
            return Ok(());
        }
        match fs::set_permissions(entry.path(), Permissions::from_mode(found.mode() & 0o700)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => self.closed += 1,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn all_that_is_there_is_closed_in_steps() {
        let home = tempfile::tempdir().unwrap();
        let (data, disk) = (home.path().join("data"), home.path().join("disk"));
        let shard = disk.join("content/ab");
        fs::create_dir_all(&shard).unwrap();
        fs::create_dir(&data).unwrap();
        std::os::unix::fs::symlink(&disk, data.join("blobs")).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", data.join("link")).unwrap();
        for file in [data.join("config"), shard.join("one"), shard.join("two")] {
            fs::write(&file, "").unwrap();
            fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
        }
        let before = fs::metadata("/etc/hostname").map(|it| it.mode()).ok();
        let (mut mending, mut steps) = (Mending::of(&data), 0);
        while mending.step(2) {
            steps += 1;
        }
        assert!(steps > 2 && mending.failed == 0, "{steps} {mending:?}");
        for file in [data.join("config"), shard.join("one"), shard.join("two")] {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
        assert_eq!(mode(&shard), 0o700);
        assert_eq!(fs::metadata("/etc/hostname").map(|it| it.mode()).ok(), before, "a link leads out");
        let mut again = Mending::of(&data);
        while again.step(100) {}
        assert_eq!(again.closed, 0);
    }

    #[test]
    fn somebody_elses_directory_is_taken_only_if_it_is_closed() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let home = tempfile::tempdir().unwrap();
        std::os::unix::fs::chown(home.path(), Some(1234), Some(1234)).unwrap();
        for (open, is_taken) in [(0o700, true), (0o750, true), (0o755, false), (0o701, false), (0o704, false)]
        {
            fs::set_permissions(home.path(), Permissions::from_mode(open)).unwrap();
            let claimed = claim(home.path());
            assert_eq!(claimed.is_ok(), is_taken, "{open:o}");
            if let Err(refusal) = claimed {
                let refusal = refusal.to_string();
                assert!(refusal.contains("1234") && refusal.contains("chown"), "{refusal}");
            }
            assert_eq!(mode(home.path()), open, "it is theirs to change");
        }
    }
}
