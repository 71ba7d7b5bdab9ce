//! Files that hold secrets: readable by their owner alone, and replaced whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use gangplank_store::durable_file::{folder_of, sync_folder};
use tempfile::NamedTempFile;

/// Reads a file; `None` if there is none.
///
/// # Errors
/// If it is there and cannot be read, or is no text.
pub(crate) fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Puts `content` in the place of whatever the file held. Who reads meanwhile sees the old content or the new;
/// a link stays a link.
///
/// # Errors
/// If it cannot be written; the old content is then still there.
pub(crate) fn replace(path: &Path, content: &str) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = folder_of(&path);
    make_folder(folder)?;
    // tempfile makes its files with mode 0600, and each under a name of its own: several may write at once.
    let mut file = NamedTempFile::new_in(folder).with_context(failed)?;
    file.write_all(content.as_bytes()).and_then(|()| file.as_file().sync_all()).with_context(failed)?;
    file.persist(&path).map_err(|error| error.error).with_context(failed)?;
    sync_folder(folder).with_context(failed)
}

/// Waits until nobody else has the lock, and holds it until the answer is dropped. A file of its own, since
/// the file it guards is replaced by another.
///
/// # Errors
/// If the lock's file cannot be made.
pub(crate) fn lock(path: &Path) -> Result<File> {
    let failed = || format!("cannot lock {}", path.display());
    make_folder(folder_of(path))?;
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path).with_context(failed)?;
    file.lock().with_context(failed)?;
    Ok(file)
}

fn make_folder(folder: &Path) -> Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot make the folder {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_replaced_file_is_its_owners_alone_and_a_link_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a/b/file"), folder.path().join("link"));
        assert_eq!(read(&file).unwrap(), None);
        replace(&file, "one").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        replace(&link, "two").unwrap();
        assert_eq!(read(&file).unwrap().as_deref(), Some("two"));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path().join("a/b")).unwrap().count(), 1, "nothing is left beside it");
    }
}
