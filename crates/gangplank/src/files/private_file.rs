//! A person's files that programs read, ours and others'. Such a file is replaced as a whole or not at all. It keeps
//! its owner, group and mode. Only its owner can open a new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tempfile::NamedTempFile;

use super::owner::{self, Owner};
use crate::system::{self, folder_of, sync_folder};

/// The kind of content in a file, which decides about the file's mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// Passwords or keys. If others may open the file, they lose that right.
    Secrets,
    /// Nothing secret. Others may keep reading the file.
    Settings,
}

impl Holds {
    /// The mode for a file that replaces one with `mode`.
    fn safe(self, mode: u32) -> u32 {
        match self {
            Self::Secrets if mode & 0o007 != 0 => 0o600,
            Self::Secrets => mode & 0o770,
            Self::Settings => mode & 0o775,
        }
    }
}

/// Reads a file. `None` if it does not exist.
///
/// # Errors
/// If the file cannot be read, or is no UTF-8.
pub(crate) fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Replaces the content of a file. A reader sees the old content or the new, and nothing in between. A link stays a
/// link. A file that cannot be replaced, such as one that is a mount point, is written in place.
///
/// # Errors
/// If the file cannot be written. The old content is then still there.
pub(crate) fn replace(path: &Path, content: &str, holds: Holds) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let path = target(path);
    let folder = folder_of(&path);
    let before = fs::metadata(&path).ok();
    make_folder(folder)?;
    let (owner, mode) = match &before {
        Some(file) => (Some(Owner::of(file)), holds.safe(system::mode(file))),
        None => (owner::of_new(folder).with_context(failed)?, 0o600),
    };
    let replaced = by_another(&path, folder, content, owner, mode);
    match (replaced, before) {
        (Err(error), Some(before)) if must_stay(&error) => {
            in_place(&path, content, holds, &before).with_context(failed)
        }
        (replaced, _) => replaced.with_context(failed),
    }
}

/// The file at the end of links. It need not exist.
fn target(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..40 {
        match fs::canonicalize(&path) {
            Ok(found) => return found,
            Err(_) => match fs::read_link(&path) {
                Ok(to) => path = folder_of(&path).join(to),
                Err(_) => return path,
            },
        }
    }
    path
}

fn by_another(path: &Path, folder: &Path, content: &str, owner: Option<Owner>, mode: u32) -> io::Result<()> {
    // tempfile makes files with mode 0600. Each has its own name, so several processes may write at once.
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(content.as_bytes())?;
    if let Some(owner) = owner {
        owner.take(file.as_file())?;
    }
    // Set the mode last, because a change of owner may remove bits of it.
    system::set_mode(file.as_file(), mode)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// Whether an error means that the file cannot be replaced by another: it is a mount point, its folder is not
/// writable, or it belongs to a user for whom we cannot make files.
fn must_stay(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ResourceBusy
            | ErrorKind::CrossesDevices
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::PermissionDenied
    )
}

fn in_place(path: &Path, content: &str, holds: Holds, before: &fs::Metadata) -> io::Result<()> {
    let old = fs::read(path)?;
    let mut file = OpenOptions::new().write(true).open(path)?;
    let mode = holds.safe(system::mode(before));
    // The mode of a file that is not ours is its owner's decision.
    if system::mode(before) & 0o777 != mode {
        let _ = system::set_mode(&file, mode);
    }
    overwrite(&mut file, content.as_bytes()).inspect_err(|_| {
        let _ = overwrite(&mut file, &old);
    })
}

fn overwrite(file: &mut File, content: &[u8]) -> io::Result<()> {
    file.rewind()?;
    file.write_all(content)?;
    file.set_len(content.len() as u64)?;
    file.sync_all()
}

/// Waits for the lock, and holds it until the returned file is dropped. The lock is a separate file, because
/// the file that it guards is replaced.
///
/// # Errors
/// If the lock's file cannot be made.
pub(crate) fn lock(path: &Path) -> Result<File> {
    let failed = || format!("cannot lock {}", path.display());
    let folder = folder_of(path);
    make_folder(folder)?;
    let is_new = !path.exists();
    let mut options = OpenOptions::new();
    let file = system::only_for_owner(options.create(true).append(true)).open(path).with_context(failed)?;
    if is_new && let Some(owner) = owner::of_new(folder).with_context(failed)? {
        owner.take(&file).with_context(failed)?;
    }
    file.lock().with_context(failed)?;
    Ok(file)
}

/// Makes a folder, and the missing folders above it. Each belongs to the owner of the folder around it.
fn make_folder(folder: &Path) -> Result<()> {
    owner::make_folder(folder, 0o700).with_context(|| format!("cannot make the folder {}", folder.display()))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_replaced_file_is_whole_and_a_link_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a/b/file"), folder.path().join("link"));
        assert_eq!(read(&file).unwrap(), None);
        std::os::unix::fs::symlink("a/b/file", &link).unwrap();
        replace(&link, "one", Holds::Secrets).unwrap();
        assert_eq!((mode(&file), mode(&folder.path().join("a"))), (0o600, 0o700));
        replace(&link, "two", Holds::Secrets).unwrap();
        assert_eq!(read(&file).unwrap().as_deref(), Some("two"));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(folder.path().join("a/b")).unwrap().count(), 1, "nothing is left beside it");
        assert_eq!(read(&file.join("below")).unwrap(), None, "there is nothing in a file");
    }

    #[test]
    fn a_mode_is_kept_where_it_is_safe() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        for (before, secret, settings) in [
            (0o600, 0o600, 0o600),
            (0o640, 0o640, 0o640),
            (0o660, 0o660, 0o660),
            (0o400, 0o400, 0o400),
            (0o644, 0o600, 0o644),
            (0o666, 0o600, 0o664),
            (0o604, 0o600, 0o604),
        ] {
            for (holds, expected) in [(Holds::Secrets, secret), (Holds::Settings, settings)] {
                fs::write(&file, "before").unwrap();
                fs::set_permissions(&file, Permissions::from_mode(before)).unwrap();
                replace(&file, "after", holds).unwrap();
                assert_eq!(mode(&file), expected, "{before:o} {holds:?}");
                fs::remove_file(&file).unwrap();
            }
        }
    }

    #[test]
    fn a_file_that_is_written_in_place_is_the_same_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "something long").unwrap();
        let before = fs::metadata(&file).unwrap();
        in_place(&file, "short", Holds::Secrets, &before).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "short");
        assert_eq!((fs::metadata(&file).unwrap().ino(), mode(&file)), (before.ino(), 0o600));
    }

    #[test]
    fn what_is_written_as_root_stays_its_owners() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        fs::create_dir(&home).unwrap();
        std::os::unix::fs::chown(&home, Some(1234), Some(1235)).unwrap();
        let owners = |path: &Path| {
            let found = fs::metadata(path).unwrap();
            (found.uid(), found.gid())
        };
        let file = home.join("new/file");
        replace(&file, "one", Holds::Secrets).unwrap();
        drop(lock(&home.join("new/lock")).unwrap());
        for path in [&file, &home.join("new"), &home.join("new/lock")] {
            assert_eq!(owners(path), (1234, 1235), "{}", path.display());
        }
        std::os::unix::fs::chown(&file, Some(77), Some(78)).unwrap();
        replace(&file, "two", Holds::Secrets).unwrap();
        assert_eq!((owners(&file), mode(&file)), ((77, 78), 0o600));
    }
}
