//! The owner of files. A person's file keeps its owner when it is replaced, also if the program runs as root. Under
//! `sudo` with the person's home, a file of root's would lock them out of their own settings.

use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, chown, fchown};
use std::path::Path;

use rustix::process::geteuid;

use crate::system::folder_of;

/// The user and the group that a file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    user: u32,
    group: u32,
}

impl Owner {
    /// The owner of a file.
    pub(crate) fn of(file: &Metadata) -> Self {
        Self { user: file.uid(), group: file.gid() }
    }

    /// Gives a file that this process has made to this owner.
    ///
    /// # Errors
    /// If the file belongs to another user and may not be given away.
    pub(crate) fn take(self, file: &File) -> io::Result<()> {
        if Self::of(&file.metadata()?) == self {
            return Ok(());
        }
        fchown(file, Some(self.user), Some(self.group))
    }
}

/// The owner for a new file in a folder. If root makes it, that is the folder's owner. `None` if it needs no change.
///
/// # Errors
/// If the folder's owner cannot be read.
pub(crate) fn of_new(folder: &Path) -> io::Result<Option<Owner>> {
    geteuid().is_root().then(|| Ok(Owner::of(&fs::metadata(folder)?))).transpose()
}

/// Makes a folder, and the missing folders above it, with a mode. Each belongs to the owner of the folder around it.
///
/// # Errors
/// If a folder cannot be made, or if its path is no folder.
pub(crate) fn make_folder(folder: &Path, mode: u32) -> io::Result<()> {
    match fs::metadata(folder) {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => return Err(ErrorKind::NotADirectory.into()),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Err(_) => {}
    }
    let above = folder_of(folder);
    make_folder(above, mode)?;
    match DirBuilder::new().mode(mode).create(folder) {
        // Another command may have made the folder meanwhile.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
        made => made?,
    }
    match of_new(above)? {
        Some(owner) if owner != Owner::of(&fs::metadata(folder)?) => {
            chown(folder, Some(owner.user), Some(owner.group))
        }
        _ => Ok(()),
    }
}
