//! Writes files so that each is complete and survives a power cut, or does not exist. A file is written under
//! another name, synced and renamed. Then its folder is synced.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Makes a new file for writing; `mode` are its permissions.
///
/// # Errors
/// If it exists or cannot be made.
pub fn create_new(path: &Path, mode: u32) -> io::Result<File> {
    OpenOptions::new().create_new(true).write(true).mode(mode).open(path)
}

/// Makes a folder with mode 0700, and missing folders above it. An existing folder keeps its mode.
///
/// # Errors
/// If it cannot be made.
pub fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Deletes a file if it exists.
///
/// # Errors
/// If it exists and cannot be deleted.
pub fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Replaces `path` by a file with this content and these permissions. The file is first written as `aside`, a
/// name in the same folder that nobody else may use. When the call returns, the file is complete. It is durable
/// only after [`sync_folder`]. So several files need only one sync of their folder.
///
/// # Errors
/// If it cannot be written. Then the old file stays.
pub fn place(path: &Path, aside: &Path, mode: u32, content: &[u8]) -> io::Result<()> {
    // A leftover of a crash may have other permissions, so a new file is made.
    remove_if_there(aside)?;
    let mut file = create_new(aside, mode)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(aside, path)
}

/// Renames a synced file, so that its new name survives a power cut.
///
/// # Errors
/// If it cannot be renamed, or if the folder of the new name cannot be synced. After such an error the file may
/// have either name.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_folder(folder_of(to))
}

/// Makes the entries of a folder durable.
///
/// # Errors
/// If the folder cannot be opened or synced.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The folder of a path; the current folder for a bare name.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_placed_file_is_whole_and_has_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let (path, aside) = (folder.path().join("file"), folder.path().join(".file.new"));
        fs::write(&path, "before").unwrap();
        fs::write(&aside, "left by a crash").unwrap();
        fs::set_permissions(&aside, fs::Permissions::from_mode(0o644)).unwrap();
        place(&path, &aside, 0o600, b"after").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"after");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!aside.exists());
    }

    #[test]
    fn what_was_there_stays_where_nothing_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "before").unwrap();
        let aside = folder.path().join("none/file");
        assert_eq!(place(&path, &aside, 0o600, b"after").unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(fs::read(&path).unwrap(), b"before");
    }

    #[test]
    fn a_renamed_file_has_its_new_name_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::write(&from, "content").unwrap();
        rename(&from, &to).unwrap();
        assert!(!from.exists() && to.exists());
        assert!(rename(&from, &to).is_err());
        remove_if_there(&to).unwrap();
        remove_if_there(&to).unwrap();
        assert!(remove_if_there(folder.path()).is_err());
    }

    #[test]
    fn a_bare_name_is_in_the_current_folder() {
        assert_eq!(folder_of(Path::new("file")), Path::new("."));
        assert_eq!(folder_of(Path::new("a/file")), Path::new("a"));
        assert_eq!(folder_of(Path::new("/file")), Path::new("/"));
    }
}
